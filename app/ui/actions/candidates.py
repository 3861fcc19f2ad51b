"""Candidates, the results made for the artwork: browse, compare, apply, discard."""

from __future__ import annotations

from app.core.canvas.candidates import ORIGINAL
from app.ui.actions.action import Action
from app.ui.actions.reasons import first_of, no_artwork, outside_pictures, unless
from app.ui.actions.studio import StudioParts


def _shows_last(studio: StudioParts) -> str:
    candidates = studio.document.editing.candidates
    if candidates.neighbour(+1) != candidates.index:
        return ""
    return "This is the last candidate." if len(candidates) else "There are no candidates yet: generate some first."


def _already_shown(studio: StudioParts) -> str:
    if not studio.document.artwork.is_open:
        return "Open a picture to work on first."
    return "The canvas shows the artwork already." if studio.document.editing.shows_artwork else ""


_SHOWS_ORIGINAL = unless(
    lambda s: s.document.editing.candidates.index != ORIGINAL, "This is the original: nothing comes before it."
)
_CHOOSES_NONE = first_of(
    no_artwork, unless(lambda s: s.document.editing.candidates.at is not None, "Choose a candidate first.")
)
_STILL_RUNS = unless(
    lambda s: not (s.document.shown.live and s.document.shown.following),
    "This candidate is still being made: wait, or cancel it.",
)


def _turn_compare(studio: StudioParts) -> None:
    studio.document.editing.comparing = not studio.document.editing.comparing


def _show_artwork(studio: StudioParts) -> None:
    studio.document.editing.choose(ORIGINAL)


ACTIONS: tuple[Action, ...] = (
    Action(id="candidate-before", text="Previous candidate", menu="Candidates", keys=("Left",), where="candidates",
        icon="previous", tip="The candidate before this one; before the first, the original",
        why=first_of(no_artwork, _SHOWS_ORIGINAL), do=lambda s: s.document.editing.browse(-1)),
    Action(id="candidate-after", text="Next candidate", menu="Candidates", keys=("Right",), where="candidates",
        icon="next", why=first_of(no_artwork, _shows_last), do=lambda s: s.document.editing.browse(+1)),
    Action(id="compare", text="Compare with the original", menu="Candidates", icon="compare", short="Compare",
        tip="See the original in its place: also for as long as Space is held on the canvas", why=_CHOOSES_NONE,
        do=_turn_compare, checked=lambda s: s.document.editing.comparing),
    Action(id="apply", text="Apply to the picture", menu="Candidates", keys=("Return", "Enter"), where="candidates",
        icon="apply", short="Apply", begins=True, tip="Put the shown candidate into the picture, through the mask",
        why=first_of(no_artwork, lambda s: s.document.editing.why_no_apply), do=lambda s: s.document.editing.apply()),
    Action(id="discard", text="Discard this candidate", menu="Candidates", keys=("Del",), where="candidates",
        icon="discard", short="Discard", tip="Take it away from here; it stays among the pictures of this session",
        why=first_of(_CHOOSES_NONE, _STILL_RUNS), do=lambda s: s.document.editing.discard()),
    Action(id="discard-all", text="Discard all candidates", menu="Candidates", keys=("Shift+Del",), where="candidates",
        why=unless(lambda s: len(s.document.editing.candidates), "There are no candidates."),
        do=lambda s: s.document.editing.discard_all()),
    Action(id="artwork", text="Back to the artwork", menu="Candidates", keys=("F3",), icon="parent", begins=True,
        looks=True, tip="Show the picture that you work on in place of this run",
        why=first_of(outside_pictures, _already_shown), do=_show_artwork),
)  # fmt: skip
