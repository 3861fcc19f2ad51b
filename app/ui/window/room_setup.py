"""What stands in each room of the window."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app.ui.window.rooms import LAB, MORPH, PICTURES, Room

if TYPE_CHECKING:
    from app.ui.window.main_window import MainWindow


def rooms_of(window: MainWindow) -> tuple[Room, ...]:
    """The first is the one that the studio opens with."""
    return pictures(window), lab(window), morph(window)


def pictures(window: MainWindow) -> Room:
    document = window.document
    return Room(
        name=PICTURES, title="", reel=document, panel=window.panel, timeline=window.timeline, view=None,
        focus=window.canvas, start=document.generate, cancel=partial(_stop, window), why_not=lambda: document.why_not,
        runs=lambda: bool(document.running_job or window.appraisal.doing),
        save=window.files.save_shown,
        can_save=lambda: document.step_count > 0 or document.editing.shows_artwork,
    )  # fmt: skip


def _stop(window: MainWindow) -> None:
    """Stop the job of the queue; where none runs, the measurement."""
    if window.document.running_job is not None:
        window.document.cancel()
    else:
        window.appraisal.stop()


def lab(window: MainWindow) -> Room:
    lab, view = window.lab, window.lab_view
    return Room(
        name=LAB, title="2-D lab", reel=lab, panel=window.lab_panel, timeline=window.lab_timeline, view=view,
        focus=view.plane, start=lab.start, cancel=lab.cancel, runs=lambda: bool(lab.doing),
        save=view.save_as, can_save=lambda: lab.field is not None,
    )  # fmt: skip


def morph(window: MainWindow) -> Room:
    morph, view = window.morph, window.morph_view
    return Room(
        name=MORPH, title="Morph", reel=morph, panel=window.morph_panel, timeline=window.morph_timeline, view=view,
        focus=view.stage, start=morph.start, cancel=morph.cancel, runs=lambda: morph.doing,
        why_not=lambda: morph.why_not, save=window.films.save_frame, can_save=lambda: morph.image is not None,
    )  # fmt: skip
