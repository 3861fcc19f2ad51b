"""The three rooms, each made from its model and its widgets."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.core.document import Document
from app.core.flow.likelihood import PictureLikelihood
from app.core.lab.lab_model import Lab
from app.core.morph.morph_room import MorphRoom
from app.ui.files.dialogs import Files
from app.ui.lab.view import LabView
from app.ui.morph.film_files import Films
from app.ui.morph.view import MorphView
from app.ui.window.rooms import LAB, MORPH, PICTURES, Room

NO_PICTURE = "There is no picture to save yet: generate one, or open one."


def pictures_room(
    document: Document,
    picture_likelihood: PictureLikelihood,
    files: Files,
    *,
    panel: QWidget,
    timeline: QWidget,
    canvas: QWidget,
) -> Room:
    def cancel() -> None:
        """Cancel the job of the queue; where none is running, the measurement."""
        if document.jobs.running is not None:
            document.jobs.cancel()
        else:
            picture_likelihood.stop()

    return Room(
        name=PICTURES, title="", steps=document.shown, panel=panel, timeline=timeline, view=None, focus=canvas,
        start=document.generate, why_no_start=lambda: document.why_not,
        cancel=cancel, busy=lambda: bool(document.jobs.running or picture_likelihood.activity),
        save=files.save_shown,
        why_no_save=lambda: "" if document.shown.step_count > 0 or document.editing.shows_artwork else NO_PICTURE,
    )  # fmt: skip


def lab_room(lab: Lab, *, panel: QWidget, timeline: QWidget, view: LabView) -> Room:
    return Room(
        name=LAB, title="2-D lab", steps=lab, panel=panel, timeline=timeline, view=view, focus=view.plane,
        start=lab.start, cancel=lab.cancel, busy=lambda: bool(lab.activity), save=view.save_as,
        why_no_save=lambda: "The lab is still loading." if lab.field is None else "",
    )  # fmt: skip


def morph_room(morph: MorphRoom, films: Films, *, panel: QWidget, timeline: QWidget, view: MorphView) -> Room:
    return Room(
        name=MORPH, title="Morph", steps=morph, panel=panel, timeline=timeline, view=view, focus=view.stage,
        start=morph.start, why_no_start=lambda: morph.why_not, cancel=morph.cancel, busy=lambda: morph.rendering,
        save=films.save_frame,
        why_no_save=lambda: "There is no frame yet: make the morph first." if morph.image is None else "",
    )  # fmt: skip
