"""The box follows the mask: it holds all that is painted, with a margin, until a hand moves it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRect, QSize

from app.core.canvas.artwork import Artwork
from app.core.canvas.auto_box import LEAST, MARGIN, box_for
from app.core.canvas.box import largest_box
from app.core.canvas.mask_edits import clear
from app.core.document import Document
from tests.app.artworks import paint, picture


def test_the_box_holds_the_mask_and_its_margin_wherever_it_is_painted() -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        picture_ = QRect(0, 0, *(int(side) for side in rng.integers(1, 600, 2)))
        aspect = QSize(*(int(side) for side in rng.integers(1, 9, 2)))
        left, top = int(rng.integers(picture_.width())), int(rng.integers(picture_.height()))
        width, height = 1 + int(rng.integers(picture_.width() - left)), 1 + int(rng.integers(picture_.height() - top))
        painted = QRect(left, top, width, height)
        box = box_for(painted, aspect, picture_)
        facts = picture_, aspect, painted, box
        assert box.contains(painted), facts
        assert abs(box.width() * aspect.height() - box.height() * aspect.width()) <= aspect.width(), facts
        largest = largest_box(aspect, picture_)
        if largest.width() > LEAST and box.width() < largest.width():
            assert picture_.contains(box) or not largest.contains(QRect(largest.topLeft(), box.size())), facts
            assert box.width() >= LEAST, facts
            assert box.width() >= round(width * (1 + 2 * MARGIN)) - 1, facts
    assert box_for(QRect(), QSize(1, 1), QRect(0, 0, 40, 20)) == QRect(10, 0, 20, 20)


@pytest.fixture
def artwork(document: Document) -> Artwork:
    document.artwork.open(picture(600, 400), "a photo", (24, 16))
    return document.artwork


def test_who_only_paints_never_paints_outside_the_box(document: Document, artwork: Artwork) -> None:
    whole = artwork.box
    for spot in (QRect(10, 10, 40, 30), QRect(560, 380, 40, 20), QRect(300, 200, 5, 5)):
        paint(artwork, artwork.rect, 0)
        paint(artwork, spot)
        assert artwork.box.contains(spot)
        assert artwork.box.width() < whole.width() / 3
        assert document.why_not == ""
        assert "margin" in document.auto_box.note
    clear(artwork)
    assert artwork.box == whole
    artwork.undo()
    assert artwork.box.contains(QRect(300, 200, 5, 5)), "undo is followed too"


def test_a_stroke_that_goes_on_does_not_move_the_box(artwork: Artwork) -> None:
    before, stroke = artwork.box, artwork.begin("Brush")
    stroke.touch("mask", QRect(0, 0, 9, 9))
    artwork.mask[:9, :9] = 255
    stroke.changed("mask", QRect(0, 0, 9, 9))
    assert artwork.box == before
    stroke.end()
    assert artwork.box != before


def test_a_hand_on_the_box_ends_it_until_it_is_reset(document: Document, artwork: Artwork) -> None:
    auto = document.auto_box
    paint(artwork, QRect(10, 10, 60, 40))
    fitted = artwork.box
    move = artwork.begin_move("Move the box")
    move.to(QRect(300, 200, 90, 60))
    move.end()
    paint(artwork, QRect(10, 10, 80, 40))
    assert artwork.box == QRect(300, 200, 90, 60)
    assert not auto.following
    assert "let it follow" in document.why_not
    artwork.undo()
    artwork.undo()
    assert (auto.following, artwork.box) == (True, fitted), "the move is undone"
    artwork.redo()
    assert not auto.following
    auto.follow()
    assert artwork.box == fitted
    auto.on = False
    paint(artwork, QRect(200, 100, 80, 40))
    assert artwork.box == fitted
    document.artwork.open(picture(60, 40), "another", (24, 16))
    auto.follow()
    assert auto.on
    assert auto.following


def test_the_box_follows_another_shape_of_the_model(artwork: Artwork) -> None:
    paint(artwork, QRect(10, 300, 120, 90))
    for shape in (QSize(16, 24), QSize(1, 1)):
        artwork.box_aspect = shape
        artwork.history_changed.emit()
        assert artwork.box.contains(QRect(10, 300, 120, 90))
