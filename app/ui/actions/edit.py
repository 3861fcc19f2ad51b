"""The prompt, the seed, the clipboard."""

from __future__ import annotations

from app.ui.actions.action import Action
from app.ui.actions.reasons import no_artwork, unless
from app.ui.actions.studio import StudioParts


def _shows_picture(studio: StudioParts) -> bool:
    return studio.document.shown.frame is not None or studio.document.editing.shows_artwork


def _turn_lock(studio: StudioParts) -> None:
    studio.document.keep_seed(not studio.document.draft.seed_locked)


ACTIONS: tuple[Action, ...] = (
    Action(id="prompt", text="Go to the prompt", menu="Edit", keys=("Ctrl+L",), do=lambda s: s.focus_prompt()),
    Action(id="prompts", text="Earlier prompts…", menu="Edit", keys=("Ctrl+Shift+L",),
        tip="Search the prompts that you used before",
        why=unless(lambda s: s.document.draft.model.text, "This model takes no text: choose another one."),
        do=lambda s: s.helpers.show_prompts()),
    Action(id="presets", text="Presets…", menu="Edit", keys=("Ctrl+Shift+P",),
        tip="Save all settings on the panel under a name, or put saved ones on it",
        do=lambda s: s.helpers.show_presets()),
    Action(id="copy", text="Copy picture", menu="Edit", keys=("Ctrl+Shift+C",), tip="Copy the picture on the canvas",
        why=unless(_shows_picture, "There is no picture on the canvas: generate one, or open one."),
        do=lambda s: s.copy_picture()),
    Action(id="paste", text="Paste picture", menu="Edit", keys=("Ctrl+V",),
        tip="Work on the picture on the clipboard, or on the file that was copied", do=lambda s: s.files.paste()),
    Action(id="canvas-size", text="Canvas size…", menu="Edit", keys=("Ctrl+Alt+C",),
        tip="Add room around the picture for the model to draw, or cut some off",
        why=no_artwork, do=lambda s: s.files.resize_canvas()),
    Action(id="restore", text="Use the settings of this picture", menu="Edit", keys=("Ctrl+U",),
        tip="Put all settings of exactly the shown picture on the panel, with its own seed",
        why=lambda s: s.document.why_no_settings,
        do=lambda s: s.document.restore_settings()),
    Action(id="roll", text="Another seed", menu="Edit", keys=("Ctrl+R",), icon="dice", begins=True,
        tip="Roll another seed", do=lambda s: s.document.draft.roll_seed()),
    Action(id="lock", text="Keep the seed", menu="Edit", keys=("Ctrl+Shift+R",), icon="unlocked", icon_on="locked",
        tip="Keep the seed of the shown picture for the next ones",
        do=_turn_lock, checked=lambda s: s.document.draft.seed_locked),
    Action(id="preferences", text="Preferences…", menu="Edit", keys=("Ctrl+,",), begins=True,
        tip="Appearance, folders, device, shortcuts, privacy", do=lambda s: s.sheets.preferences()),
)  # fmt: skip
