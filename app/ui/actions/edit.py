"""The prompt, the seed, the clipboard."""

from __future__ import annotations

from app.ui.actions.row import Row, Studio, in_pictures


def _turn_lock(studio: Studio) -> None:
    studio.document.draft.seed_locked = not studio.document.draft.seed_locked


ROWS: tuple[Row, ...] = (
    Row(id="prompt", text="Go to the prompt", menu="Edit", keys=("Ctrl+L",), do=lambda s: s.focus_prompt()),
    Row(id="copy", text="Copy picture", menu="Edit", keys=("Ctrl+Shift+C",), tip="Copy what the canvas shows",
        enabled=lambda d: d.shown.frame is not None or d.editing.shows_artwork, do=lambda s: s.copy_picture()),
    Row(id="paste", text="Paste picture", menu="Edit", keys=("Ctrl+V",),
        tip="Work on the picture on the clipboard, or on the file that was copied", do=lambda s: s.files.paste()),
    Row(id="canvas-size", text="Canvas size…", menu="Edit", keys=("Ctrl+Alt+C",),
        tip="Add room around the picture for the model to draw, or cut some off",
        usable=lambda s: in_pictures(s) and s.document.editing.shows_artwork, do=lambda s: s.files.resize_canvas()),
    Row(id="restore", text="Use the settings of this picture", menu="Edit", keys=("Ctrl+U",),
        tip="Put everything that made the shown picture back on the panel",
        enabled=lambda d: d.shown.run is not None, do=lambda s: s.document.restore_settings()),
    Row(id="roll", text="Another seed", menu="Edit", keys=("Ctrl+R",), icon="dice", begins=True,
        tip="Roll another seed", do=lambda s: s.document.draft.roll_seed()),
    Row(id="lock", text="Keep the seed", menu="Edit", keys=("Ctrl+Shift+R",), icon="unlocked",
        tip="Keep this seed for the next pictures",
        do=_turn_lock, checked=lambda s: s.document.draft.seed_locked),
)  # fmt: skip
