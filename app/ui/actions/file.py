"""Pictures in and out."""

from __future__ import annotations

from app.ui.actions.row import Row, Studio, in_lab, in_pictures


def _can_export(studio: Studio) -> bool:
    return in_pictures(studio) and studio.room.can_save()


def _has_artwork(studio: Studio) -> bool:
    return in_pictures(studio) and studio.document.artwork.is_open


ROWS: tuple[Row, ...] = (
    Row(id="new", text="New canvas…", menu="File", keys=("Ctrl+N",), icon="new",
        tip="Begin with an empty canvas of any size", do=lambda s: s.files.new()),
    Row(id="open", text="Open picture…", menu="File", keys=("Ctrl+O",), icon="open",
        tip="Work on a picture of your own; dropping or pasting one does the same", do=lambda s: s.files.open_dialog()),
    Row(id="edit-shown", text="Edit this picture", menu="File", keys=("Ctrl+E",), icon="edit",
        tip="Take the picture at the selected step to the canvas, to paint on it and make parts of it anew",
        usable=lambda s: in_pictures(s) and s.document.shown.step_count > 0, do=lambda s: s.files.edit_shown()),
    Row(id="earlier", text="Back to the picture before", menu="File", keys=("Ctrl+Shift+T",),
        tip="The last picture that another took the place of before it was saved",
        usable=lambda s: s.files.has_earlier, do=lambda s: s.files.bring_back()),
    Row(id="close-picture", text="Close picture", menu="File", keys=("Ctrl+W",),
        tip="Leave the picture that is worked on; what was not saved is kept",
        usable=_has_artwork, do=lambda s: s.files.close_picture()),
    Row(id="save-as", text="Save picture as…", menu="File", keys=("Ctrl+S",), icon="save",
        usable=lambda s: s.room.can_save(), begins=True,
        tip="Save what the canvas shows; of a picture that was made here, with everything that made it",
        do=lambda s: s.room.save()),
    Row(id="export", text="Export picture…", menu="File", keys=("Ctrl+Shift+E",), usable=_can_export,
        tip="Save it enlarged, or as another kind of file", do=lambda s: s.files.export()),
    Row(id="save-animation", text="Save animation of the lab as…", menu="File", keys=("Ctrl+Shift+S",),
        tip="Save the lab's plane from the first noise level to the last, as a WebP that moves",
        usable=lambda s: in_lab(s) and s.lab.track.finished, do=lambda s: s.save_animation()),
    Row(id="pictures", text="Open pictures folder", menu="File", keys=("Ctrl+Shift+O",), icon="folder",
        tip="Every finished picture is already here", do=lambda s: s.open_pictures()),
    Row(id="quit", text="Quit", menu="File", keys=("Ctrl+Q",), begins=True, do=lambda s: s.close()),
)  # fmt: skip
