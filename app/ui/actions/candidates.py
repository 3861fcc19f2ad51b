"""What was made for the artwork: browse, compare, apply, discard."""

from __future__ import annotations

from app.core.canvas.candidates import ORIGINAL
from app.core.document import Document
from app.ui.actions.row import Row, Studio


def _can_go_back(document: Document) -> bool:
    return document.editing.shows_artwork and document.editing.candidates.index != ORIGINAL


def _can_go_on(document: Document) -> bool:
    editing = document.editing
    return editing.shows_artwork and editing.candidates.neighbour(+1) != editing.candidates.index


def _looks_at_one(document: Document) -> bool:
    return document.editing.shows_artwork and document.editing.candidates.at is not None


def _can_discard(document: Document) -> bool:
    return _looks_at_one(document) and not (document.shown.live and document.shown.following)


def _turn_compare(studio: Studio) -> None:
    studio.document.editing.comparing = not studio.document.editing.comparing


def _show_artwork(studio: Studio) -> None:
    studio.document.editing.choose(ORIGINAL)


ROWS: tuple[Row, ...] = (
    Row(id="candidate-before", text="Previous candidate", menu="Candidates", keys=("Left",), where="candidates",
        icon="previous", tip="The candidate before this one; before the first, the original", enabled=_can_go_back,
        do=lambda s: s.document.editing.browse(-1)),
    Row(id="candidate-after", text="Next candidate", menu="Candidates", keys=("Right",), where="candidates",
        icon="next", enabled=_can_go_on, do=lambda s: s.document.editing.browse(+1)),
    Row(id="compare", text="Compare with the original", menu="Candidates", icon="compare", short="Compare",
        tip="See the original in its place: also for as long as Space is held on the canvas", enabled=_looks_at_one,
        do=_turn_compare, checked=lambda s: s.document.editing.comparing),
    Row(id="apply", text="Apply to the picture", menu="Candidates", keys=("Return", "Enter"), where="candidates",
        icon="apply", short="Apply", begins=True, tip="Put what is seen into the picture, through the mask",
        why=lambda s: s.document.editing.why_no_apply, do=lambda s: s.document.editing.apply()),
    Row(id="discard", text="Discard this candidate", menu="Candidates", keys=("Del",), where="candidates",
        icon="discard", short="Discard", tip="Take it away from here; it stays among the pictures of this session",
        enabled=_can_discard, do=lambda s: s.document.editing.discard()),
    Row(id="discard-all", text="Discard all candidates", menu="Candidates", keys=("Shift+Del",), where="candidates",
        enabled=lambda d: len(d.editing.candidates) > 0, do=lambda s: s.document.editing.discard_all()),
    Row(id="artwork", text="Back to the artwork", menu="Candidates", keys=("F3",), icon="parent", begins=True,
        tip="Show the picture that is worked on in the place of this run",
        enabled=lambda d: d.artwork.is_open and not d.editing.shows_artwork, do=_show_artwork),
)  # fmt: skip
