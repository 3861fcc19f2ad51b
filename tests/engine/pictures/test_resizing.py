"""Pictures at another size are Pillow's to the bit, whole or in part."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from engine.pictures.png import enlarge_picture, image_of
from engine.pictures.resizing import Pixels, Size, resize, strips

SIZES = [(64, 48), (131, 40), (17, 90), (20, 11), (65, 49), (640, 1), (1, 480), (1023, 777)]


def picture(width: int, height: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def by_pillow(rgb: Pixels, size: Size) -> Pixels:
    """One side after the other."""
    image = Image.fromarray(rgb)
    for one in ((size[0], image.height), size):
        grows = one[0] > image.width or one[1] > image.height
        image = image.resize(one, Image.Resampling.LANCZOS if grows else Image.Resampling.BOX)
    return np.array(image)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("old", [(64, 48), (1, 1), (3, 2), (33, 7), (128, 128)])
def test_every_pixel_is_the_one_that_pillow_makes(old: Size, size: Size) -> None:
    rgb = picture(*old)
    hard = np.where(rgb > 127, np.uint8(255), np.uint8(0))  # overshoots on both sides
    for given in (rgb, hard, np.full_like(rgb, 255)):
        np.testing.assert_array_equal(resize(given, size), by_pillow(given, size))


@pytest.mark.parametrize("old", [(64, 64), (512, 40), (1100, 900), (700, 700), (96, 1300)])
def test_a_large_picture_is_pillows_too(old: Size) -> None:
    rgb = picture(*old)
    np.testing.assert_array_equal(resize(rgb, (700, 700)), by_pillow(rgb, (700, 700)))


@pytest.mark.parametrize("size", [*SIZES, (1200, 1100)])
def test_strips_give_every_row_once(size: Size) -> None:
    rgb, part = picture(64, 48), (size[0] // 3, size[1] // 3, size[0] - size[0] // 3, size[1] - size[1] // 3)
    given = np.zeros(part[3], int)
    seen = np.empty((part[3], part[2], 3), np.uint8)

    def take(first: int, rows: Pixels) -> None:
        given[first : first + len(rows)] += 1
        seen[first : first + len(rows)] = rows

    strips(rgb, size, part, take)
    assert (given == 1).all()
    np.testing.assert_array_equal(seen, by_pillow(rgb, size)[part[1] :, part[0] :])


@pytest.mark.parametrize("size", [(64, 48), (131, 40), (17, 90), (20, 11)])
def test_a_part_of_a_resized_picture_is_that_part_of_the_whole(size: tuple[int, int]) -> None:
    rgb = picture(64, 48)
    whole = resize(rgb, size)
    for x, y, w, h in ((0, 0, *size), (3, 2, 5, 7), (size[0] - 4, size[1] - 3, 4, 3), (2, 2, 0, 4)):
        assert np.array_equal(resize(rgb, size, (x, y, w, h)), whole[y : y + h, x : x + w])


def test_a_picture_shrinks_by_areas_and_a_flat_one_stays_what_it_is() -> None:
    rgb = picture(64, 48)
    small = resize(rgb, (16, 12))
    exact = rgb.reshape(12, 4, 16, 4, 3).mean((1, 3))
    assert np.abs(small - exact).max() <= 1
    flat = np.full((30, 30, 3), (12, 200, 99), np.uint8)
    for size in ((7, 7), (77, 91), (7, 91)):
        assert resize(flat, size).shape == (size[1], size[0], 3)
        assert (resize(flat, size) == flat[0, 0]).all()
    assert np.array_equal(resize(rgb, (64, 48)), rgb)


@pytest.mark.parametrize("factor", [1, 2, 7])
def test_an_exported_picture_is_enlarged_as_pillow_does(factor: int) -> None:
    rgb = picture(33, 21)[:, ::-1]  # no block of memory of its own
    size = (33 * factor, 21 * factor)
    by_squares = Image.fromarray(np.ascontiguousarray(rgb)).resize(size, Image.Resampling.NEAREST)
    np.testing.assert_array_equal(enlarge_picture(rgb, factor, "nearest"), np.array(by_squares))
    np.testing.assert_array_equal(enlarge_picture(rgb, factor, "lanczos"), by_pillow(np.ascontiguousarray(rgb), size))
    np.testing.assert_array_equal(np.array(image_of(rgb)), rgb)
