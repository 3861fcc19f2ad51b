"""Shapes, colours and edges of the mask, against the plain definition of each."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QPainterPath, QPolygonF

from app.core.canvas import mask_edits
from app.core.canvas.artwork import Artwork
from app.core.canvas.brush import remove
from engine.pictures.masks import dilate, feather


@pytest.fixture
def artwork() -> Artwork:
    rng = np.random.default_rng(0)
    opened = Artwork()
    opened.open(rng.integers(0, 4, (330, 410, 3), dtype=np.uint8) * 20)
    return opened


def blobs(height: int, width: int, seed: int = 3) -> np.ndarray:
    """A mask in degrees, most of it empty or full."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(6):
        y, x = rng.integers(height), rng.integers(width)
        mask[max(0, y - 20) : y + 30, max(0, x - 30) : x + 25] = rng.choice([255, 255, 90])
    mask[rng.integers(height, size=9), rng.integers(width, size=9)] = 40
    return mask


def path_of(make: str, *arguments: object) -> QPainterPath:
    path = QPainterPath()
    getattr(path, make)(*arguments)
    return path


@pytest.mark.parametrize("pixels", [0, 1, 2, 5, 13])
@pytest.mark.parametrize("size", [(40, 60), (1, 1), (1, 70), (9, 2)])
def test_growing_takes_the_most_within_a_disc(pixels: int, size: tuple[int, int]) -> None:
    mask = blobs(*size)
    y, x = np.mgrid[-pixels : pixels + 1, -pixels : pixels + 1]
    disc = np.argwhere(y * y + x * x <= pixels * pixels)
    padded = np.pad(mask, pixels)
    expected = np.max([padded[dy : dy + size[0], dx : dx + size[1]] for dy, dx in disc], axis=0)
    assert np.array_equal(dilate(mask, pixels), expected)


@pytest.mark.parametrize("block", [7, 64, 4096])
@pytest.mark.parametrize("change", ["grow", "shrink", "feather"])
def test_where_the_picture_is_cut_into_blocks_cannot_be_seen(
    artwork: Artwork, change: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mask_edits, "BLOCK", block)
    mask = blobs(artwork.height, artwork.width)
    artwork.apply_mask(artwork.rect, mask, "Load mask")
    getattr(mask_edits, change)(artwork, 9)
    whole = {
        "grow": lambda: dilate(mask, 9),
        "shrink": lambda: 255 - dilate(255 - mask, 9),
        "feather": lambda: feather(mask, 9),
    }[change]()
    assert np.array_equal(artwork.mask, whole)
    artwork.undo()
    assert np.array_equal(artwork.mask, mask)


def test_a_feathered_edge_is_a_gaussian_over_about_its_pixels(artwork: Artwork) -> None:
    artwork.apply_mask(QRect(0, 0, 200, 330), np.full((330, 200), 255, np.uint8), "Half")
    mask_edits.feather(artwork, 20)
    line = artwork.mask[165].astype(int)
    assert (artwork.mask == artwork.mask[165]).all(), "from the picture's own edges nothing comes in"
    assert line[0] == 255
    assert abs(line[199] + line[200] - 255) <= 2
    assert line[190] == pytest.approx(255 * 0.84, abs=6), "one sigma, 10 pixels, inside"
    assert line[219] == pytest.approx(255 * 0.023, abs=6), "two sigmas outside"
    assert (np.diff(line) <= 0).all()


def test_a_full_mask_stays_full_and_an_empty_one_empty(artwork: Artwork) -> None:
    for fill in (0, 255):
        artwork.apply_mask(artwork.rect, np.full(artwork.mask.shape, fill, np.uint8), "Load mask")
        text = artwork.undo_text
        for change in (mask_edits.grow, mask_edits.shrink, mask_edits.feather):
            change(artwork, 12)
            assert (artwork.mask == fill).all()
        assert artwork.undo_text == text, "nothing changed, so there is nothing to undo"


def test_shrinking_undoes_growing_of_a_convex_shape_away_from_the_edge(artwork: Artwork) -> None:
    artwork.apply_mask(QRect(60, 60, 90, 70), np.full((70, 90), 255, np.uint8), "Shape")
    before = artwork.mask.copy()
    mask_edits.grow(artwork, 11)
    assert artwork.mask.sum() > before.sum()
    mask_edits.shrink(artwork, 11)
    assert np.array_equal(artwork.mask, before)


def test_clear_and_invert(artwork: Artwork) -> None:
    mask_edits.clear(artwork)
    assert not artwork.can_undo, "there was nothing"
    mask = blobs(artwork.height, artwork.width)
    artwork.apply_mask(artwork.rect, mask, "Load mask")
    mask_edits.invert(artwork)
    assert np.array_equal(artwork.mask, 255 - mask)
    mask_edits.clear(artwork)
    assert not artwork.mask.any()
    assert artwork.undo_text == "Clear mask"
    artwork.undo()
    artwork.undo()
    assert np.array_equal(artwork.mask, mask)


# shapes


def test_a_rectangle_covers_its_pixels_by_their_share(artwork: Artwork) -> None:
    mask_edits.fill(artwork, path_of("addRect", QRectF(10.5, 20, 30, 10.25)))
    assert (artwork.mask[20:30, 11:40] == 255).all()
    assert abs(int(artwork.mask[25, 10]) - 128) <= 2
    assert abs(int(artwork.mask[25, 40]) - 128) <= 2
    assert abs(int(artwork.mask[30, 20]) - 64) <= 2
    assert artwork.mask[:20].max() == artwork.mask[31:].max() == 0


def test_an_ellipse_and_a_polygon_have_their_area(artwork: Artwork) -> None:
    mask_edits.fill(artwork, path_of("addEllipse", QRectF(50, 40, 200, 100)))
    assert artwork.mask.sum() / 255 == pytest.approx(np.pi * 100 * 50, rel=0.002)
    artwork.undo()
    triangle = QPolygonF([QPointF(100, 100), QPointF(300, 100), QPointF(100, 220)])
    mask_edits.fill(artwork, path_of("addPolygon", triangle))
    assert artwork.mask.sum() / 255 == pytest.approx(200 * 120 / 2, rel=0.002)
    assert artwork.undo_text == "Shape"


def test_a_shape_is_taken_away_and_painted_to_its_opacity(artwork: Artwork) -> None:
    whole = path_of("addRect", QRectF(-100, -100, 900, 900))
    mask_edits.fill(artwork, whole, opacity=0.5)
    assert (artwork.mask == 128).all()
    mask_edits.fill(artwork, path_of("addRect", QRectF(300, 300, 900, 900)), remove)
    assert artwork.mask[300:, 300:].max() == 0
    assert (artwork.mask[:300] == 128).all()


def test_bands_of_a_tall_shape_meet(artwork: Artwork, monkeypatch: pytest.MonkeyPatch) -> None:
    ellipse = path_of("addEllipse", QRectF(30.3, 10.7, 300, 300))
    mask_edits.fill(artwork, ellipse)
    once = artwork.mask.copy()
    artwork.undo()
    monkeypatch.setattr(mask_edits, "BAND", 17)
    mask_edits.fill(artwork, ellipse)
    assert np.abs(artwork.mask.astype(int) - once).max() <= 1


@pytest.mark.parametrize(
    "path",
    [
        QPainterPath(),
        path_of("addRect", QRectF(-50, -50, 40, 40)),
        path_of("addRect", QRectF(5, 5, 0, 10)),
        path_of("addPolygon", QPolygonF([QPointF(3, 3)])),
    ],
)
def test_a_shape_without_inside_is_nothing(artwork: Artwork, path: QPainterPath) -> None:
    mask_edits.fill(artwork, path)
    assert not artwork.mask.any()
    assert not artwork.can_undo


# colours


def flooded(same: np.ndarray, x: int, y: int) -> np.ndarray:
    """The plain queue of pixels."""
    out = np.zeros_like(same)
    out[y, x] = True
    queue = deque([(y, x)])
    while queue:
        row, column = queue.popleft()
        for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if 0 <= r < same.shape[0] and 0 <= c < same.shape[1] and same[r, c] and not out[r, c]:
                out[r, c] = True
                queue.append((r, c))
    return out


@pytest.mark.parametrize("density", [0.3, 0.55, 0.6, 0.7, 1.0])
def test_connected_pixels_equal_a_flood_fill_with_a_queue(density: float) -> None:
    rng = np.random.default_rng(int(100 * density))
    for height, width in ((40, 57), (1, 30), (30, 1), (1, 1), (64, 64)):
        for _ in range(8):
            inside = rng.random((height, width)) < density
            y, x = int(rng.integers(height)), int(rng.integers(width))
            inside[y, x] = True
            assert np.array_equal(mask_edits.connected_pixels(inside, x, y), flooded(inside, x, y))


def test_a_spiral_hangs_together() -> None:
    inside = np.zeros((81, 81), np.bool_)
    y = x = 40
    dy, dx, length = 0, 1, 2
    while 0 <= y < 81 and 0 <= x < 81:
        for _ in range(length):
            if 0 <= y < 81 and 0 <= x < 81:
                inside[y, x] = True
            y, x = y + dy, x + dx
        dy, dx = dx, -dy
        length += 1
    assert np.array_equal(mask_edits.connected_pixels(inside, 40, 40), flooded(inside, 40, 40))


@pytest.mark.parametrize("tolerance", [0, 19, 20, 40, 255])
@pytest.mark.parametrize("everywhere", [True, False])
def test_a_colour_is_the_same_up_to_the_tolerance_in_its_largest_channel(
    artwork: Artwork, tolerance: int, everywhere: bool
) -> None:
    x, y = 200, 100
    rgb = artwork.rgb().astype(int)
    same = np.abs(rgb - rgb[y, x]).max(axis=2) <= tolerance
    expected = same if everywhere else flooded(same, x, y)
    mask_edits.fill_colour(artwork, x, y, tolerance, everywhere)
    assert np.array_equal(artwork.mask, np.where(expected, 255, 0))
    artwork.undo()
    assert not artwork.mask.any()


@pytest.mark.parametrize("window", [4, 7, 64])
@pytest.mark.parametrize("density", [0.0, 0.1, 0.45])
def test_the_search_window_does_not_change_the_result(
    window: int, density: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It grows along a way that turns, to the picture's edges and no farther than that what hangs together reaches."""
    monkeypatch.setattr(mask_edits, "WINDOW", window)
    rng = np.random.default_rng(0)
    for height, width in ((90, 61), (1, 40), (33, 1), (1, 1), (50, 50)):
        rgb = np.where(rng.random((height, width, 1)) < density, np.uint8(200), np.uint8(90)).repeat(3, axis=2)
        rgb[::9, 3:] = 0
        rgb[4::18, -3:] = 90
        for _ in range(6):
            y, x = int(rng.integers(height)), int(rng.integers(width))
            rect, values = mask_edits.pixels_alike(rgb, x, y, 20)
            found = np.zeros((height, width), np.uint8)
            found[rect.top() : rect.bottom() + 1, rect.left() : rect.right() + 1] = values
            assert np.array_equal(found > 0, flooded((rgb == rgb[y, x]).all(axis=2), x, y))
            assert values[0].any() and values[-1].any() and values[:, 0].any() and values[:, -1].any()  # noqa: PT018


def test_a_patch_of_a_huge_picture_is_found_without_looking_at_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    connected = mask_edits.connected_pixels

    def watched(inside: np.ndarray, x: int, y: int) -> np.ndarray:
        seen.append(inside.size)
        return connected(inside, x, y)

    monkeypatch.setattr(mask_edits, "connected_pixels", watched)
    rgb = np.zeros((3000, 5000, 3), np.uint8)
    rgb[1500:1510, 2000:3000] = 7
    rect, values = mask_edits.pixels_alike(rgb, 2100, 1505, 0)
    assert (rect.x(), rect.y(), rect.width(), rect.height()) == (2000, 1500, 1000, 10)
    assert (values == 255).all()
    assert sum(seen) < rgb[..., 0].size / 8


def test_a_click_outside_fills_nothing(artwork: Artwork) -> None:
    for x, y in ((-1, 5), (410, 5), (5, 330)):
        mask_edits.fill_colour(artwork, x, y, 255, True)
    assert not artwork.can_undo
