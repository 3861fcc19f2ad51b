"""Pictures in and out."""

from __future__ import annotations

from app.ui.rows.row import Row, Studio


def _can_save(studio: Studio) -> bool:
    return studio.lab.field is not None if studio.lab_open else studio.document.step_count > 0


ROWS: tuple[Row, ...] = (
    Row(id="save-as", text="Save picture as…", menu="File", keys=("Ctrl+S",), icon="save", usable=_can_save,
        tip="Save the picture at the selected step, with everything that made it",
        do=lambda s: s.save_as()),
    Row(id="save-animation", text="Save animation of the lab as…", menu="File", keys=("Ctrl+Shift+S",),
        tip="Save the lab's plane from the first noise level to the last, as a WebP that moves",
        usable=lambda s: s.lab_open and s.lab.track.finished, do=lambda s: s.save_animation()),
    Row(id="pictures", text="Open pictures folder", menu="File", keys=("Ctrl+Shift+O",), icon="folder",
        tip="Every finished picture is already here", do=lambda s: s.open_pictures()),
    Row(id="quit", text="Quit", menu="File", keys=("Ctrl+Q",), begins=True, do=lambda s: s.close()),
)  # fmt: skip
