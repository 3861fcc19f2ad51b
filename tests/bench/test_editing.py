"""Time of showing a run in its place in the artwork, and of copying a run's inputs.

`python3 run.py test -m bench -s tests/bench/test_editing.py`. Each is set against composite() of the whole document,
the plain way to show the same pixels.
"""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, QSize

from app.core.canvas.artwork import Artwork
from app.core.canvas.placement import Placement, overlay, thumbnail
from app.core.shown.render import from_rgb
from engine.pictures.compositing import composite, crop
from tests.bench.test_artwork import SIDE, measured, photo, report

pytestmark = pytest.mark.bench
ROUNDS = 40
BOXES = [256, 512, 1024, SIDE]
MODEL = 128


@pytest.mark.parametrize("side", BOXES)
def test_a_preview_in_its_place(side: int) -> None:
    """A disc of the box painted, as a person would."""
    artwork = Artwork()
    artwork.open(photo(SIDE))
    box = QRect((SIDE - side) // 2, (SIDE - side) // 2, side, side)
    spot = box.adjusted(side // 4, side // 4, -side // 4, -side // 4)
    stroke = artwork.begin("Brush")
    stroke.touch("mask", spot)
    artwork.mask[spot.top() : spot.bottom() + 1, spot.left() : spot.right() + 1] = 255
    stroke.changed("mask", spot)
    stroke.end()
    made = photo(MODEL)
    picture, rgb, bounds = from_rgb(made), artwork.rgb(), (box.x(), box.y(), side, side)
    placement = Placement.on(artwork, box, masked=True)
    whole = [measured(lambda: composite(rgb, artwork.mask, bounds, made)) for _ in range(ROUNDS)]
    report(f"overlay, box {side}²", [measured(lambda: overlay(picture, placement)) for _ in range(ROUNDS)], whole)
    tile = QSize(48, 48)
    report(f"tile, box {side}²", [measured(lambda: thumbnail(picture, placement, tile)) for _ in range(ROUNDS)], whole)
    report(f"apply, box {side}²", [measured(lambda: placement.pixels(artwork, made)) for _ in range(ROUNDS)], whole)
    seen = [measured(lambda: crop(rgb, artwork.mask, bounds, (MODEL, MODEL))) for _ in range(ROUNDS)]
    report(f"snapshot, box {side}²", seen, whole)
