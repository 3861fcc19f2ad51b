"""A change of a large picture is made in pieces: the window's events come between them, and it ends as made at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.core.canvas import artwork as artwork_module
from app.core.canvas import colour_search, mask_edits, pace
from app.core.canvas import stroke as stroke_module
from app.core.canvas.artwork import Artwork
from app.core.canvas.brush import BrushStroke, BrushStyle, add, colour
from app.core.canvas.colour_search import connected_pixels
from app.core.canvas.pace import Pace

HEIGHT, WIDTH = 300, 700
RGB = np.random.default_rng(0).integers(0, 2, (HEIGHT, WIDTH, 1), np.uint8).repeat(3, 2) * 200
RGB[:250] = 90


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every picture is a large one, and every piece is a slice of its own."""
    monkeypatch.setattr(artwork_module, "LARGE", 0)
    monkeypatch.setattr(artwork_module, "BAND", 1)
    monkeypatch.setattr(artwork_module, "TILES", 0)
    monkeypatch.setattr(colour_search, "AREA", 5000)
    monkeypatch.setattr(stroke_module, "TILES_AT_ONCE", 3)
    monkeypatch.setattr(pace, "SLICE", -1.0)


@pytest.fixture
def artwork() -> Artwork:
    made = Artwork()
    made.open(RGB)
    return made


def filled_at_once(artwork: Artwork, everywhere: bool) -> np.ndarray:
    same = (artwork.pixels[..., :3] == artwork.pixels[5, 5, :3]).all(2)
    found = same if everywhere else connected_pixels(same, 5, 5)
    return np.where(found, np.uint8(255), np.uint8(0))


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("everywhere", [True, False])
def test_a_fill_in_pieces_is_the_fill(artwork: Artwork, qtbot: QtBot, everywhere: bool) -> None:
    wanted = filled_at_once(artwork, everywhere)
    seen: list[QRect] = []
    artwork.mask_changed.connect(seen.append)
    mask_edits.fill_colour(artwork, 5, 5, 0, everywhere)
    assert artwork.busy
    assert not artwork.mask.any(), "it is being looked for"
    qtbot.waitUntil(lambda: not artwork.busy)
    assert np.array_equal(artwork.mask, wanted)
    assert len(seen) > 3
    assert artwork.undo_text == "Fill"
    artwork.undo()
    assert artwork.busy
    qtbot.waitUntil(lambda: not artwork.busy)
    assert not artwork.mask.any()
    assert not artwork.can_undo
    artwork.redo()
    qtbot.waitUntil(lambda: not artwork.busy)
    assert np.array_equal(artwork.mask, wanted)


@pytest.mark.usefixtures("small_steps")
def test_whatever_comes_next_finds_the_fill_made(artwork: Artwork) -> None:
    wanted = filled_at_once(artwork, False)
    mask_edits.fill_colour(artwork, 5, 5, 0)
    stroke = BrushStroke(artwork, "Brush", BrushStyle(40), "mask", add)
    assert np.array_equal(artwork.mask, wanted)
    stroke.to(350, 280)
    stroke.end()
    artwork.undo()
    artwork.finish()
    assert np.array_equal(artwork.mask, wanted)
    artwork.undo()
    artwork.undo()  # nothing is left; the first is still going on
    artwork.finish()
    assert not artwork.mask.any()
    mask_edits.fill_colour(artwork, 5, 5, 0)
    artwork.undo()
    artwork.finish()
    assert not artwork.mask.any()


@pytest.mark.usefixtures("small_steps")
def test_another_picture_is_not_filled_by_a_fill_of_the_last_one(artwork: Artwork, qtbot: QtBot) -> None:
    mask_edits.fill_colour(artwork, 5, 5, 0)
    artwork.blank(50, 40, QColor("red"))
    assert not artwork.busy
    qtbot.wait(0)
    assert not artwork.mask.any()
    assert not artwork.can_undo


@pytest.mark.usefixtures("small_steps")
def test_inverting_clearing_and_applying_in_pieces(artwork: Artwork, qtbot: QtBot) -> None:
    mask_edits.invert(artwork)
    assert artwork.busy
    qtbot.waitUntil(lambda: not artwork.busy)
    assert artwork.mask.min() == 255
    mask_edits.clear(artwork)
    artwork.finish()
    assert not artwork.mask.any()
    artwork.apply(QRect(-10, 20, 300, 200), np.full((200, 300, 3), 7, np.uint8), "Apply")
    wanted = RGB.copy()
    wanted[20:220, :290] = 7
    assert np.array_equal(artwork.rgb(), wanted), "a copy of the picture is one of the whole change"
    for _ in range(3):
        artwork.undo()
    artwork.finish()
    assert np.array_equal(artwork.rgb(), RGB)
    assert not artwork.mask.any()


@pytest.mark.usefixtures("small_steps")
def test_a_stroke_is_packed_afterwards_and_keeps_what_it_was(artwork: Artwork, qtbot: QtBot) -> None:
    first = BrushStroke(artwork, "Colour", BrushStyle(200), "picture", colour(255, 0, 0))
    first.to(100, 100)
    first.to(600, 150)
    first.end()
    assert artwork.busy, "it is being packed"
    after = artwork.pixels.copy()
    second = BrushStroke(artwork, "Colour", BrushStyle(120), "picture", colour(0, 255, 0))  # over the first
    second.to(120, 110)
    second.to(500, 150)
    second.end()
    size = artwork.history_size
    qtbot.waitUntil(lambda: not artwork.busy)
    assert artwork.history_size < size
    artwork.undo()
    artwork.finish()
    assert np.array_equal(artwork.pixels, after)
    artwork.undo()
    artwork.finish()
    assert np.array_equal(artwork.rgb(), RGB)


@pytest.mark.usefixtures("small_steps")
def test_a_stroke_that_is_given_up_while_parts_of_it_are_packed_leaves_nothing(artwork: Artwork) -> None:
    stroke = artwork.begin("Shape")
    for k in range(3):
        stroke.touch("mask", QRect(0, 0, 200, 100))
        artwork.mask[:100, :200] = 10 + k
        stroke.pack("mask")
        stroke.changed("mask", QRect(0, 0, 200, 100))
    stroke.abandon()
    assert not artwork.mask.any()
    assert not artwork.can_undo


def test_a_work_that_fails_leaves_no_work(qtbot: QtBot) -> None:
    made = Pace()

    def fails() -> Iterator[None]:
        yield
        raise MemoryError

    with pytest.raises(MemoryError):
        made.start(fails(), at_once=True)
    assert not made.busy
    done: list[int] = []

    def counts(n: int) -> Iterator[None]:
        for k in range(n):
            done.append(k)
            yield

    made.start(counts(3), at_once=True)
    assert done == [0, 1, 2]
    assert not made.busy


@pytest.mark.parametrize("density", [0.3, 0.59, 0.7, 1.0])
@pytest.mark.parametrize("area", [1, 60, 200])
def test_bands_cannot_be_seen_in_what_hangs_together(
    density: float, area: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    for height, width in ((40, 57), (1, 30), (30, 1), (61, 20)):
        inside = rng.random((height, width)) < density
        y, x = int(rng.integers(height)), int(rng.integers(width))
        inside[y, x] = True
        whole = connected_pixels(inside, x, y)
        with monkeypatch.context() as small:
            small.setattr(colour_search, "AREA", area)
            small.setattr(colour_search, "FEW", 3)
            assert np.array_equal(connected_pixels(inside, x, y), whole)
