"""The brush: what a stroke covers, how coverage paints, and that nothing outside is written."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor

from app.core.canvas.artwork import Artwork
from app.core.canvas.brush import BrushStroke, BrushStyle, add, build_up, colour, dab, remove, share
from tests.app.conftest import count

HARD = BrushStyle(diameter=20, hardness=1.0)


@pytest.fixture
def artwork() -> Artwork:
    drawn = Artwork()
    drawn.blank(200, 150, QColor(100, 150, 200))
    return drawn


def stroke(artwork: Artwork, brush: BrushStyle, *points: tuple[float, ...], paint: object = add) -> None:
    drawn = BrushStroke(artwork, "Brush", brush, "mask", paint)  # type: ignore[arg-type]
    for point in points:
        drawn.to(*point)
    drawn.end()


def capsule(artwork: Artwork, start: tuple[float, float], stop: tuple[float, float]) -> np.ndarray:
    """The distance of each pixel's centre from a line."""
    y, x = np.mgrid[: artwork.height, : artwork.width] + 0.5
    (ax, ay), (bx, by) = start, stop
    t = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2), 0, 1)
    return np.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay))


def test_share_is_the_rounded_product_for_every_pair() -> None:
    a, b = (values.astype(np.uint8) for values in np.mgrid[:256, :256])
    assert np.array_equal(share(a, b), np.rint(a * (b / 255.0)))


@pytest.mark.parametrize("diameter", [1, 2, 5.5, 20, 61])
def test_a_hard_dab_has_the_area_of_its_circle(diameter: float) -> None:
    for dx, dy in ((0.0, 0.0), (0.25, -0.5), (-0.25, 0.5)):
        area = dab(diameter, 1.0, dx, dy).sum() / 255
        assert area == pytest.approx(math.pi * diameter**2 / 4, rel=0.4 if diameter < 4 else 0.05)


def test_a_soft_dab_falls_from_its_hard_part_to_nothing_at_its_edge() -> None:
    line = dab(100, 0.5)[50].astype(int)
    assert (line[26:75] == 255).all()
    assert (np.diff(line[50:]) <= 0).all()
    assert line[0] == line[100] <= 1
    assert line[50 + 38] == pytest.approx(128, abs=10), "half-way between 25 and 50"
    assert np.array_equal(dab(100, 0.5), dab(100, 0.5).T)


def test_a_line_is_covered_up_to_the_radius_and_not_beyond(artwork: Artwork) -> None:
    start, stop = (30.0, 40.0), (170.0, 100.0)
    stroke(artwork, HARD, start, stop)
    distance = capsule(artwork, start, stop)
    assert (artwork.mask[distance < 9] == 255).all(), "no gap and no scallop"
    assert not artwork.mask[distance > 11].any()
    artwork.undo()
    assert not artwork.mask.any()


@pytest.mark.parametrize("diameter", [1, 3])
def test_a_thin_line_has_no_gaps(artwork: Artwork, diameter: int) -> None:
    stroke(artwork, BrushStyle(diameter=diameter, hardness=1.0), (10.5, 20.5), (110.5, 60.5))
    assert (artwork.mask[:, 10:111].max(axis=0) >= 127).all(), "half at least where it runs between two rows"


def test_the_dabs_do_not_depend_on_how_the_points_are_cut(artwork: Artwork) -> None:
    stroke(artwork, HARD, (20, 20), (180, 20))
    once = artwork.mask.copy()
    artwork.undo()
    stroke(artwork, HARD, *((x, 20) for x in np.linspace(20, 180, 77)))
    assert np.array_equal(artwork.mask, once)


def test_opacity_is_the_strokes_however_often_it_crosses_itself(artwork: Artwork) -> None:
    brush = BrushStyle(diameter=20, hardness=1.0, opacity=0.5)
    stroke(artwork, brush, (20, 20), (100, 20), (20, 20), (100, 20))
    assert artwork.mask.max() == 128
    stroke(artwork, brush, (20, 20), (100, 20))
    assert artwork.mask.max() == 128, "and of the next one"
    stroke(artwork, brush, (20, 20), (100, 20), paint=remove)
    assert artwork.mask[20, 60] == 127
    stroke(artwork, HARD, (20, 20), (100, 20), paint=remove)
    assert artwork.mask[20, 20:100].max() == 0


def test_building_up_adds_with_every_dab_and_every_stroke(artwork: Artwork) -> None:
    brush = BrushStyle(diameter=30, hardness=0.0, opacity=0.6, flow=0.05)
    peaks = []
    for _ in range(4):
        stroke(artwork, brush, (50, 50), (60, 50), paint=build_up)
        peaks.append(int(artwork.mask.max()))
    assert 0 < peaks[0] < 0.6 * 255
    assert peaks == sorted(set(peaks)), "higher each time"
    stroke(artwork, brush, *((50, 50), (60, 50)) * 200, paint=build_up)
    assert artwork.mask.max() < 255, "0.6 of what was left"


def test_the_slowest_flow_arrives_at_the_opacity(artwork: Artwork) -> None:
    stroke(artwork, BrushStyle(diameter=9, hardness=1.0, opacity=0.8, flow=0.01), *((50, 50), (53, 50)) * 400)
    assert artwork.mask[50, 50] == 204


def test_colour_is_painted_over_the_picture_and_the_mask_is_left(artwork: Artwork) -> None:
    changes = count(artwork.mask_changed)
    brush = BrushStyle(diameter=20, hardness=1.0, opacity=0.5)
    drawn = BrushStroke(artwork, "Colour", brush, "picture", colour(200, 50, 0))
    drawn.to(50, 50)
    drawn.to(80, 50)
    drawn.end()
    assert artwork.rgb(QRect(60, 50, 1, 1)).ravel().tolist() == [150, 100, 100]
    assert (artwork.pixels[..., 3] == 255).all()
    assert not changes
    artwork.undo()
    assert (artwork.rgb() == (100, 150, 200)).all()


def test_painting_in_full_is_exactly_the_colour(artwork: Artwork) -> None:
    drawn = BrushStroke(artwork, "Colour", HARD, "picture", colour(1, 2, 3))
    drawn.to(50, 50)
    drawn.end()
    assert artwork.rgb(QRect(50, 50, 1, 1)).ravel().tolist() == [1, 2, 3]


def test_pressure_scales_the_width(artwork: Artwork) -> None:
    stroke(artwork, HARD, (20, 70, 0.25), (180, 70, 1.0))
    widths = (artwork.mask > 127).sum(axis=0)
    assert 4 <= widths[21] <= 7
    assert 18 <= widths[178] <= 21
    assert (np.diff(widths[25:175].astype(int)) >= -1).all()


@pytest.mark.parametrize(
    "points",
    [
        [(-50, -50), (-20, 400)],
        [(1e6, 1e6), (-1e6, 1e6)],
        [(250, 75)],
    ],
)
def test_a_stroke_outside_leaves_nothing(artwork: Artwork, points: list[tuple[float, float]]) -> None:
    changes = count(artwork.mask_changed)
    stroke(artwork, HARD, *points)
    assert not artwork.mask.any()
    assert not artwork.can_undo
    assert not changes


def test_a_stroke_across_the_picture_paints_between_points_outside(artwork: Artwork) -> None:
    stroke(artwork, HARD, (-3000.0, 75.0), (3000.0, 75.0))
    assert (artwork.mask[67:83] == 255).all()
    assert not artwork.mask[:63].any()
    assert not artwork.mask[87:].any()


def test_the_reported_rectangles_hold_every_changed_pixel(artwork: Artwork) -> None:
    changes: list[QRect] = []
    artwork.mask_changed.connect(changes.append)
    drawn = BrushStroke(artwork, "Brush", BrushStyle(diameter=31, hardness=0.3), "mask", add)
    before = artwork.mask.copy()
    for point in ((-10, 30), (150, 140), (150.3, 20.7), (30, 30)):
        drawn.to(*point)
        changed = artwork.mask != before
        for rect in changes:
            changed[rect.top() : rect.bottom() + 1, rect.left() : rect.right() + 1] = False
        assert not changed.any()
        before = artwork.mask.copy()
        changes.clear()
    drawn.end()


def test_a_stroke_ended_by_undo_takes_no_more_points(artwork: Artwork) -> None:
    drawn = BrushStroke(artwork, "Brush", HARD, "mask", add)
    drawn.to(50, 50)
    artwork.undo()
    assert not drawn.is_open
    drawn.to(100, 50)
    drawn.end()
    assert not artwork.mask.any()
    assert artwork.can_redo


def test_a_stroke_on_a_single_pixel() -> None:
    artwork = Artwork()
    artwork.blank(1, 1, QColor(0, 0, 0))
    stroke(artwork, BrushStyle(diameter=1, hardness=1.0), (0.5, 0.5), (40, 0.5))
    assert artwork.mask.tolist() == [[255]]
    artwork.undo()
    assert artwork.mask.tolist() == [[0]]
