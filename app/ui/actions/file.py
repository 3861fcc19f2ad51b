"""Pictures in and out."""

from __future__ import annotations

from app.ui.actions.action import Action
from app.ui.actions.reasons import first_of, no_steps, outside_lab, outside_pictures, unless
from app.ui.actions.studio import StudioParts


def _nothing_to_save(studio: StudioParts) -> str:
    return studio.page.why_no_save()


ACTIONS: tuple[Action, ...] = (
    Action(id="new", text="New canvas…", menu="File", keys=("Ctrl+N",), icon="new",
        tip="Begin with an empty canvas of any size", do=lambda s: s.files.new()),
    Action(id="open", text="Open picture…", menu="File", keys=("Ctrl+O",), icon="open",
        tip="Work on a picture of your own; dropping or pasting one does the same", do=lambda s: s.files.open_dialog()),
    Action(id="edit-shown", text="Edit this picture", menu="File", keys=("Ctrl+E",), icon="edit",
        tip="Take the picture at the selected step to the canvas, to paint on it and remake parts of it",
        why=first_of(outside_pictures, no_steps), do=lambda s: s.files.edit_shown()),
    Action(id="earlier", text="Back to the picture before", menu="File", keys=("Ctrl+Shift+T",),
        tip="Reopen the last picture that you closed without saving",
        why=unless(lambda s: s.files.has_earlier, "No earlier picture is kept."), do=lambda s: s.files.bring_back()),
    Action(id="close-picture", text="Close picture", menu="File", keys=("Ctrl+W",),
        tip="Close the picture that you work on; unsaved changes are kept",
        why=first_of(outside_pictures, unless(lambda s: s.document.artwork.is_open, "No picture is open.")),
        do=lambda s: s.files.close_picture()),
    Action(id="save-as", text="Save picture as…", menu="File", keys=("Ctrl+S",), icon="save",
        why=_nothing_to_save, begins=True,
        tip="Save the picture on the canvas; a generated one keeps all its settings in the file",
        do=lambda s: s.page.save()),
    Action(id="export", text="Export picture…", menu="File", keys=("Ctrl+Shift+E",),
        why=first_of(outside_pictures, _nothing_to_save),
        tip="Save it enlarged, or as another kind of file", do=lambda s: s.files.export()),
    Action(id="save-animation", text="Save animation of the lab as…", menu="File", keys=("Ctrl+Shift+S",),
        tip="Save the lab's plane from the first noise level to the last, as a WebP that moves",
        why=first_of(outside_lab, unless(lambda s: s.lab.track.finished, "Finish a run in the lab first.")),
        do=lambda s: s.save_animation()),
    Action(id="pictures", text="Open pictures folder", menu="File", keys=("Ctrl+Shift+O",), icon="folder",
        tip="Every finished picture is already here", do=lambda s: s.open_pictures()),
    Action(id="models", text="Models…", menu="File", keys=("Ctrl+M",), icon="model", begins=True,
        tip="The models of your own: the folders to look in, what each file is, which one to use",
        do=lambda s: s.show_models()),
    Action(id="wildcards", text="Folder of wildcard lists…", menu="File",
        tip="Choose a folder with lists: __name__ in a prompt draws a line of name.txt with the run's seed",
        do=lambda s: s.files.ask_wildcards()),
    Action(id="quit", text="Quit", menu="File", keys=("Ctrl+Q",), begins=True, do=lambda s: s.close()),
)  # fmt: skip
