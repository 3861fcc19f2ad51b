"""Where a run's pictures lie in the artwork: what is shown is what is applied, and what is not painted stays."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QImage, QPainter

from app.core.canvas.artwork import Artwork
from app.core.canvas.placement import PlacedPicture, Placement, overlay, thumbnail, to_rgb
from app.core.shown.render import from_rgb
from engine.pictures.compositing import composite
from tests.app.artworks import paint, picture

BOXES = [
    pytest.param(QRect(10, 6, 24, 16), id="the model's own size"),
    pytest.param(QRect(3, 5, 51, 34), id="larger"),
    pytest.param(QRect(20, 20, 12, 8), id="smaller"),
    pytest.param(QRect(-12, -8, 48, 32), id="over the corner"),
    pytest.param(QRect(40, 30, 48, 32), id="over the other corner"),
]


@pytest.fixture
def artwork() -> Artwork:
    generated = Artwork()
    generated.open(picture(67, 53), box_size=(24, 16))
    paint(generated, QRect(12, 7, 21, 15))
    paint(generated, QRect(30, 18, 30, 28), 40)
    paint(generated, QRect(0, 0, 9, 9))
    return generated


def laid_over(artwork: Artwork, shown: PlacedPicture) -> QImage:
    """The artwork with the overlay, as the canvas paints them at 100 %."""
    image = artwork.image.copy()
    painter = QPainter(image)
    painter.drawImage(shown.rect.topLeft(), shown.image)
    painter.end()
    return image


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("masked", [True, False])
def test_the_overlay_equals_the_applied_pixels(artwork: Artwork, box: QRect, masked: bool) -> None:
    generated = picture(24, 16, seed=1)
    placement = Placement.on(artwork, box, masked)
    seen = to_rgb(laid_over(artwork, overlay(from_rgb(generated), placement))).astype(int)
    before, mask = artwork.rgb(), artwork.mask.copy()
    artwork.apply(*placement.pixels(artwork, generated), "Apply")
    whole = composite(before, mask if masked else None, (box.x(), box.y(), box.width(), box.height()), generated)
    np.testing.assert_array_equal(artwork.rgb(), whole)
    assert np.abs(seen - whole).max() <= 1, "blended pixels are rounded once more on the screen"
    clear = (mask == 0) | (mask >= 64) if masked else np.ones(mask.shape, bool)
    np.testing.assert_array_equal(seen[clear], whole[clear])
    artwork.undo()
    np.testing.assert_array_equal(artwork.rgb(), before)


def test_it_remembers_the_mask_as_it_was_and_lies_over_the_picture_as_it_is(artwork: Artwork) -> None:
    placement = Placement.on(artwork, QRect(3, 5, 51, 34), masked=True)
    mask = placement.mask
    assert mask is not None
    paint(artwork, artwork.rect, 0)
    artwork.apply(artwork.rect, picture(67, 53, seed=2), "Paint")
    np.testing.assert_array_equal(placement.mask, mask)
    now = artwork.rgb()
    place, pixels = placement.pixels(artwork, picture(24, 16, seed=1))
    assert place == placement.rect
    part = now[place.top() : place.bottom() + 1, place.left() : place.right() + 1]
    np.testing.assert_array_equal(pixels[mask == 0], part[mask == 0])
    assert (pixels[mask == 255] != part[mask == 255]).any()


def test_it_follows_the_picture_when_the_canvas_grows_or_is_cut(artwork: Artwork) -> None:
    generated, placement = picture(24, 16, seed=1), Placement.on(artwork, QRect(-12, -8, 48, 32), masked=True)
    before = artwork.rgb()
    artwork.apply(*placement.pixels(artwork, generated), "Apply")
    applied = artwork.rgb()
    artwork.undo()
    moves: list[QPoint] = []
    artwork.resized.connect(moves.append)
    artwork.resize(QRect(-20, -10, 100, 80))
    artwork.apply(*placement.moved(moves[-1]).pixels(artwork, generated), "Apply")
    np.testing.assert_array_equal(artwork.rgb(QRect(20, 10, 67, 53)), applied)
    artwork.undo()
    artwork.undo()
    np.testing.assert_array_equal(artwork.rgb(), before)
    artwork.resize(QRect(14, 9, 40, 40))
    artwork.apply(*placement.moved(moves[-1]).pixels(artwork, generated), "Apply")
    np.testing.assert_array_equal(artwork.rgb(), applied[9:49, 14:54])


def test_only_where_something_is_painted_in_the_box_is_anything_drawn(artwork: Artwork) -> None:
    assert Placement.on(artwork, QRect(10, 6, 24, 16), masked=True).rect == QRect(12, 7, 22, 15)
    assert Placement.on(artwork, QRect(-12, -8, 48, 32), masked=False).rect == QRect(0, 0, 36, 24)
    assert Placement.on(artwork, QRect(60, 0, 24, 16), masked=True).rect.isEmpty()


def test_its_thumbnail_is_clear_where_the_picture_is_kept(artwork: Artwork) -> None:
    red = QImage(24, 16, QImage.Format.Format_RGB32)
    red.fill(0xFFFF0000)
    small = thumbnail(red, Placement.on(artwork, QRect(12, 7, 42, 28), masked=True), QSize(42, 28))
    assert small.size() == QSize(42, 28)
    assert small.pixelColor(QPoint(5, 5)).getRgb() == (255, 0, 0, 255)
    assert small.pixelColor(QPoint(2, 26)).alpha() == 0
    whole = thumbnail(red, Placement.on(artwork, QRect(12, 7, 42, 28), masked=False), QSize(21, 14))
    assert {whole.pixelColor(x, y).getRgb() for x in range(21) for y in range(14)} == {(255, 0, 0, 255)}
