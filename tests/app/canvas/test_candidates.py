"""The list of candidates: what is looked at stays what it is, whatever comes and goes around it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from app.core.canvas.candidates import ORIGINAL, Candidate, Candidates
from engine.spec.request import Request
from tests.app.conftest import count


@pytest.fixture
def some(request_of: Callable[..., Request]) -> list[Candidate]:
    """Two runs of two pictures each."""
    request = request_of(batch=2)
    return [Candidate(Path(run), k, request, QImage()) for run in ("a", "b") for k in range(2)]


@pytest.fixture
def candidates(some: list[Candidate]) -> Candidates:
    filled = Candidates()
    filled.add(some)
    return filled


def test_the_original_is_the_first_tile_and_selected_first(candidates: Candidates) -> None:
    assert (candidates.at, candidates.index, candidates.current) == (None, ORIGINAL, None)
    assert [candidates[tile].key for tile in range(1, 5)] == [(Path(r), k) for r in "ab" for k in range(2)]
    for tile in (ORIGINAL, 5, -1):
        with pytest.raises(IndexError):
            candidates[tile]


def test_a_picture_in_the_making_has_no_tile_until_it_is_finished(some: list[Candidate]) -> None:
    candidates = Candidates()
    candidates.at = Path("a"), 1
    assert (candidates.index, candidates.current) == (-1, None)
    chosen, listed = count(candidates.chosen), count(candidates.listed)
    candidates.add(some[:2])
    assert candidates.index == 2
    assert candidates.current is some[1]
    assert (len(chosen), len(listed)) == (0, 1), "it is looked at already"


def test_the_same_pictures_are_taken_up_once(candidates: Candidates, some: list[Candidate]) -> None:
    listed = count(candidates.listed)
    candidates.add(some)
    assert (len(candidates), listed) == (4, [])


def test_browsing_stops_at_both_ends(candidates: Candidates) -> None:
    assert candidates.neighbour(-1) == ORIGINAL
    candidates.at = Path("b"), 0
    assert (candidates.neighbour(-1), candidates.neighbour(+1), candidates.neighbour(+9)) == (2, 4, 4)
    candidates.at = Path("elsewhere"), 0
    assert candidates.neighbour(+1) == candidates.neighbour(-1) == 4, "the one that came last"


@pytest.mark.parametrize(
    ("looked_at", "gone", "then"),
    [(2, 2, 2), (4, 4, 3), (3, 1, 2), (1, 3, 1), (ORIGINAL, 1, ORIGINAL)],
    ids=["the next takes its place", "the last: the one before", "one before it", "one after it", "the original"],
)
def test_discarding_one(candidates: Candidates, some: list[Candidate], looked_at: int, gone: int, then: int) -> None:
    candidates.at = None if looked_at == ORIGINAL else candidates[looked_at].key
    seen, chosen = candidates.current, count(candidates.chosen)
    assert candidates.discard(gone) is some[gone - 1]
    assert len(candidates) == 3
    assert candidates.index == then
    if looked_at != gone:
        assert candidates.current is seen
    assert bool(chosen) == (looked_at == gone)


def test_discarding_the_last_candidate_selects_the_original(some: list[Candidate]) -> None:
    candidates = Candidates()
    candidates.add(some[:1])
    candidates.at = some[0].key
    candidates.discard(1)
    assert candidates.at is None
    assert len(candidates) == 0


def test_clearing_leaves_the_original_and_tells_once(candidates: Candidates) -> None:
    candidates.at = Path("b"), 1
    listed, chosen = count(candidates.listed), count(candidates.chosen)
    candidates.clear()
    candidates.clear()
    assert candidates.at is None
    assert (len(candidates), len(listed), len(chosen)) == (0, 1, 1)
