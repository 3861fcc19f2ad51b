"""Why an action cannot be used now: one sentence that says what to do first, "" when it can be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from app.ui.actions.studio import StudioParts
from app.ui.window.page_table import LAB, MORPH, PICTURES, TITLES

Reason: TypeAlias = Callable[[StudioParts], str]


def always_usable(_: StudioParts) -> str:
    return ""


def unless(usable: Callable[[StudioParts], object], sentence: str) -> Reason:
    """Return a Reason that gives `sentence` while `usable` is false."""
    return lambda studio: "" if usable(studio) else sentence


def first_of(*reasons: Reason) -> Reason:
    """Return the first reason that applies. Later ones are checked only if no earlier one applies."""
    return lambda studio: next((sentence for reason in reasons if (sentence := reason(studio))), "")


def outside(page: str) -> Reason:
    """Another page than this one is in front."""
    return unless(lambda studio: studio.pages.name == page, f"Open the page {TITLES[page]} first: this works there.")


outside_pictures, outside_morph, outside_lab = outside(PICTURES), outside(MORPH), outside(LAB)


def no_artwork(studio: StudioParts) -> str:
    """The canvas does not show an artwork, a picture that can be painted on."""
    if reason := outside_pictures(studio):
        return reason
    if not studio.document.artwork.is_open:
        return "Open a picture to work on first."
    return "" if studio.document.editing.shows_artwork else "Go back to the artwork first: the canvas shows a run."


def no_steps(studio: StudioParts) -> str:
    """The timeline in front is empty."""
    return "" if studio.steps.step_count > 0 else "There are no steps yet: start a run first."
