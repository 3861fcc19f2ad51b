"""Blending keeps what the mask keeps, to the bit, and rounds the rest to the nearest, whatever the mask looks like."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.pictures.blending import MOST_RUNS, OPAQUE, alpha, blend, painted_bounds

SIDE = 96
Y, X = np.mgrid[:SIDE, :SIDE]
MASKS = {
    "empty": np.zeros((SIDE, SIDE)),
    "full": np.full((SIDE, SIDE), 255),
    "barely full": np.full((SIDE, SIDE), OPAQUE),
    "a disc with a soft edge": 255 - (np.hypot(X - 50, Y - 40) - 20) * 12,
    "soft all over": 1 + X * 62 / SIDE,
    "stripes, more than are blended one by one": np.where(X // 3 % 2, 255, 0) * (X > 9) * (X < 9 + 6 * MOST_RUNS),
    "noise": np.random.default_rng(0).integers(0, 256, (SIDE, SIDE)),
    "one column": np.where(X == 95, 33, 0),
    "one opaque column": np.where(X == 0, 99, 0),
}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_each_pixel_is_the_nearest_to_the_exact_mixture(name: str, channels: int) -> None:
    mask = MASKS[name].clip(0, 255).astype(np.uint8)
    old, new = np.random.default_rng(1).integers(0, 256, (2, SIDE, SIDE, channels), dtype=np.uint8)
    pixels = old.copy()
    for top in range(0, SIDE, 16):
        blend(pixels[top : top + 16], new[top : top + 16], mask[top : top + 16])
    share = alpha(mask)[..., None].astype(np.int64)
    exact: NDArray[np.int64] = (2 * (old * (255 - share) + new * share) + 255) // 510
    np.testing.assert_array_equal(pixels, exact)
    np.testing.assert_array_equal(pixels[mask == 0], old[mask == 0])
    np.testing.assert_array_equal(pixels[mask >= OPAQUE], new[mask >= OPAQUE])


def test_every_pair_of_values_and_every_share_is_rounded_to_the_nearest() -> None:
    """All 255² sums that there can be, by way of old 0 and new 0 … 255 and the other way round."""
    values = np.arange(256, dtype=np.uint8)
    mask = np.repeat(np.arange(OPAQUE, dtype=np.uint8)[None], 256, axis=0)
    share = alpha(mask).astype(np.int64)
    for old, new in ((values * 0, values), (values, values * 0), (255 - values, values)):
        pixels = np.repeat(old[:, None, None], OPAQUE, axis=1)
        blend(pixels, np.repeat(new[:, None, None], OPAQUE, axis=1), mask)
        exact = (2 * (old[:, None] * (255 - share) + new[:, None] * share) + 255) // 510
        np.testing.assert_array_equal(pixels[..., 0], exact)


def test_what_is_painted_is_the_smallest_rectangle() -> None:
    mask = np.zeros((40, 50), np.uint8)
    assert painted_bounds(mask) == (0, 0, 0, 0)
    mask[7, 3] = mask[31, 20] = 1
    assert painted_bounds(mask) == (3, 7, 18, 25)
