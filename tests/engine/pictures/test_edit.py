"""Pictures go into a run and come back: unmasked pixels to the bit, nothing painted lost, bad arrays in a sentence."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.pictures.blending import OPAQUE, alpha
from engine.pictures.compositing import composite, crop, free_cells, patch, visible_part
from engine.pictures.masks import dilate, feather
from engine.pictures.resizing import resize
from engine.spec.edit import Box, Inputs, check, pool_mask, steps_to_go
from engine.spec.request import RequestError

ROOT = Path(__file__).parents[3]
INSIDE, OUTSIDE = (3, 2, 29, 31), (-7, -5, 40, 23)
ROUNDABOUT, CORNER, TINY = (-9, -20, 200, 170), (30, 40, 64, 64), (5, 7, 1, 3)


def picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def blotches(width: int, height: int, seed: int = 1) -> np.ndarray:
    """A mask with every kind of value: much 0, much 255, soft ones between them."""
    rng = np.random.default_rng(seed)
    return np.where(
        rng.random((height, width)) < 0.4, 0, rng.choice([1, 17, 63, 64, 200, 255], (height, width))
    ).astype(np.uint8)


@pytest.mark.parametrize("box", [INSIDE, OUTSIDE, ROUNDABOUT, CORNER, TINY])
@pytest.mark.parametrize("size", [(37, 53), (61, 45), (128, 128)])
@pytest.mark.parametrize("made", [(32, 32), (128, 128), (29, 31)])
def test_unmasked_pixels_are_bit_identical(
    box: Box, size: tuple[int, int], made: tuple[int, int], tmp_path: Path
) -> None:
    """On odd sizes, in boxes that reach outside, through save and reload; a naive loop says what the rest is."""
    rgb, mask = picture(*size), blotches(*size)
    new = picture(*made, seed=2)
    out = composite(rgb, mask, box, new)
    assert out is not rgb
    in_box = np.zeros(mask.shape, bool)
    x, y, w, h = visible_part(box, rgb)
    in_box[y : y + h, x : x + w] = True
    kept = ~in_box | (mask == 0)
    assert np.array_equal(out[kept], rgb[kept])
    Image.fromarray(out).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image)[kept], rgb[kept])
    large = resize(new, box[2:])
    for row in range(y, y + h, 5):
        for column in range(x, x + w, 3):
            a = min(int(mask[row, column]) * 255 // OPAQUE, 255) / 255
            there = large[row - box[1], column - box[0]]
            assert np.abs(out[row, column] - (rgb[row, column] * (1 - a) + there * a)).max() <= 0.5


def test_a_mask_from_a_quarter_on_shows_the_new_picture_whole_and_a_feathered_edge_blends() -> None:
    values = alpha(np.arange(256, dtype=np.uint8))
    assert values[0] == 0
    assert (values[OPAQUE:] == 255).all()
    assert (np.diff(values[: OPAQUE + 1].astype(int)) > 0).all()
    rgb, new = picture(20, 20), picture(20, 20, 3)
    assert np.array_equal(composite(rgb, np.full((20, 20), 255, np.uint8), (0, 0, 20, 20), new), new)
    assert np.array_equal(composite(rgb, None, (0, 0, 20, 20), new), new)


def test_a_patch_holds_every_changed_pixel() -> None:
    rgb, mask, new = picture(41, 33), blotches(41, 33), picture(16, 16, 3)
    (x, y, w, h), pixels = patch(rgb, mask, OUTSIDE, new)
    assert (x, y, w, h) == (0, 0, 33, 18)
    assert np.array_equal(composite(rgb, mask, OUTSIDE, new)[y : y + h, x : x + w], pixels)


def test_a_box_outside_shows_the_edge_going_on_and_keeps_all_there() -> None:
    rgb, mask = picture(10, 8), np.full((8, 10), 255, np.uint8)
    inputs = crop(rgb, mask, (-3, -2, 16, 12), (16, 12))
    assert inputs.mask is not None
    assert np.array_equal(inputs.source, np.pad(rgb, ((2, 2), (3, 3), (0, 0)), mode="edge"))
    assert np.array_equal(inputs.mask, np.pad(mask, ((2, 2), (3, 3))))
    assert inputs.box == (-3, -2, 16, 12)


@pytest.mark.parametrize(
    ("old", "new"), [((40, 40), (10, 10)), ((37, 53), (16, 16)), ((5, 3), (16, 16)), ((7, 90), (30, 8))]
)
def test_nothing_painted_is_lost_and_no_cell_is_free_without_paint(old: tuple[int, int], new: tuple[int, int]) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        mask = np.where(rng.random((old[1], old[0])) < 0.05, rng.integers(1, 256, (old[1], old[0])), 0).astype(np.uint8)
        cells = pool_mask(mask, new)
        for j in range(new[1]):
            for i in range(new[0]):
                rows = slice(j * old[1] // new[1], -(-(j + 1) * old[1] // new[1]))
                columns = slice(i * old[0] // new[0], -(-(i + 1) * old[0] // new[0]))
                assert cells[j, i] == mask[rows, columns].max()
        assert cells.max() == mask.max()


def test_a_mask_is_a_number_of_steps() -> None:
    mask = np.arange(256, dtype=np.uint8)
    assert np.array_equal(steps_to_go(mask, 255), mask)
    for n in (1, 2, 7, 12, 1000):
        exact = mask / 255 * n
        assert np.abs(steps_to_go(mask, n) - exact).max() <= 0.5
        assert (steps_to_go(mask, n)[[0, 255]] == (0, n)).all()


def test_the_outline_is_of_the_cells_that_a_run_remakes() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[9, 21] = 255
    mask[30, 3] = 10  # a fiftieth of the steps: none of 12, one of 25
    cells = free_cells(mask, (0, 0, 40, 40), (10, 10), 12)
    assert cells.shape == (10, 10)
    assert np.argwhere(cells).tolist() == [[2, 5]]
    assert free_cells(mask, (0, 0, 40, 40), (10, 10), 25)[7, 0]
    assert np.argwhere(free_cells(mask, (20, 8, 4, 4), (4, 4), 12)).tolist() == [[1, 1]]


def test_digests_know_values_and_shape_and_not_the_box() -> None:
    rgb, mask = picture(6, 4), blotches(6, 4)
    assert Inputs(rgb, mask).digests == Inputs(rgb.copy(), mask.copy(), (1, 2, 3, 4)).digests
    assert Inputs(rgb).digests[1] == ""
    assert Inputs(rgb.reshape(6, 4, 3)).digests[0] != Inputs(rgb).digests[0]
    other = rgb.copy()
    other[0, 0, 0] ^= 1
    assert Inputs(other, mask).digests[0] != Inputs(rgb, mask).digests[0]


def test_arrays_that_are_no_pictures_are_refused_in_a_sentence() -> None:
    rgb = picture(6, 4)
    holed = rgb.astype(np.float32)
    holed[1, 1, 0] = np.nan
    for array, mask, says in (
        (holed, None, "not numbers"),
        (rgb.astype(np.float32), None, "uint8"),
        (rgb, holed[..., 0], "The mask has values that are not numbers"),
        (rgb[..., 0], None, "red, green and blue"),
        (rgb[:0], None, "sides of 1"),
        (rgb, np.zeros((6, 4), np.uint8), "mask has 4×6 pixels and the picture 6×4"),
    ):
        with pytest.raises(RequestError, match=says):
            check(array, mask)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="20000×20000 pixels, and 16384 a side"):
        crop(rgb, None, (-9, -9, 20000, 20000), (8, 8))
    for box in ((6, 0, 5, 5), (-5, 0, 5, 5), (0, 0, 0, 4), (0, 4, 3, 3)):
        with pytest.raises(RequestError, match="box shows nothing"):
            crop(rgb, None, box, (8, 8))


def test_cropping_and_blending_need_no_torch() -> None:
    modules = "engine.spec.edit, engine.pictures.masks, engine.pictures.image_file, engine.paths"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(("height", "width"), [(5, 700), (700, 5), (300, 290)])
@pytest.mark.parametrize("size", [(32, 24), (640, 480), (1024, 768)])
def test_a_box_that_reaches_outside_is_the_padded_picture_resized(
    height: int, width: int, size: tuple[int, int]
) -> None:
    rng = np.random.default_rng(height)
    rgb = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = (rng.random((height, width)) < 0.02).astype(np.uint8) * 200
    x, y, w, h = box = (-7, -450, 800, 600) if height == 5 else (-350, -20, 800, 600)
    beyond = (max(0, -y), max(0, y + h - height)), (max(0, -x), max(0, x + w - width))
    seen = np.s_[max(0, y) : y + h, max(0, x) : x + w]
    inputs = crop(rgb, mask, box, size)
    assert np.array_equal(inputs.source, resize(np.pad(rgb[seen], (*beyond, (0, 0)), mode="edge"), size))
    assert inputs.mask is not None
    assert np.array_equal(inputs.mask, pool_mask(np.pad(mask[seen], beyond), size))


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes there")
@pytest.mark.parametrize("shape", ["(4, 16384)", "(16384, 4)"])
def test_a_long_thin_picture_needs_no_square_of_its_length(shape: str) -> None:
    code = (
        "import resource, numpy as np\nfrom engine.pictures.compositing import crop, free_cells, whole_box\n"
        f"rgb, mask = np.zeros((*{shape}, 3), np.uint8), np.full({shape}, 255, np.uint8)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\nbox = whole_box(rgb, (64, 64))\n"
        "crop(rgb, mask, box, (64, 64))\nfree_cells(mask, box, (64, 64), 9)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100 * 1024


def test_a_mask_grows_and_softens_within_bounds() -> None:
    mask = np.zeros((4, 4), np.uint8)
    for pixels in (-1, 1025, 10**9):
        with pytest.raises(RequestError, match="grows by 0 to 1024 pixels"):
            dilate(mask, pixels)
    for far in (math.nan, math.inf, -1, 5000):
        with pytest.raises(RequestError, match="softened over 0 to 4096 pixels"):
            feather(mask, far)
