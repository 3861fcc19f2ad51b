"""Undo steps: undo and redo to the bit, and memory for the changed tiles only."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRect

from app.core.canvas.undo import Cells, SavedTiles, cells_of, packed
from tests.app.artworks import picture

HEIGHT, WIDTH = 150, 700  # 33 tiles, those at the right and the bottom cut


def layer(name: str) -> Cells:
    if name == "mask":
        return picture(WIDTH, HEIGHT)[..., 0].copy()
    pixels = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    pixels[..., :3] = picture(WIDTH, HEIGHT)
    return cells_of(pixels)


@pytest.mark.parametrize("name", ["mask", "picture"])
@pytest.mark.parametrize("share", [0.0005, 0.3, 0.85, 0.97, 1.0])
@pytest.mark.parametrize("change", ["noise", "one value"])
def test_a_step_leads_back_and_there_again(name: str, share: float, change: str) -> None:
    rng = np.random.default_rng(0)
    cells = layer(name)
    before, saved = cells.copy(), SavedTiles(cells)
    saved.touch(QRect(0, 0, WIDTH, HEIGHT))
    where = rng.random(cells.shape) < share
    noise = rng.integers(1, 1 << 8 * min(3, cells.itemsize), cells.shape)
    other = np.where(where, noise if change == "noise" else 77, 0).astype(cells.dtype)
    cells[...] = np.bitwise_xor(cells, other)
    after = cells.copy()
    assert (after != before).any()
    patches = tuple(packed(saved.take()))
    for expected in (before, after, before):
        for patch in patches:
            patch.toggle(cells)
        np.testing.assert_array_equal(cells, expected)
    size, changed = sum(patch.size for patch in patches), np.count_nonzero(where) * min(3, cells.itemsize)
    assert size < 1.15 * changed + cells.size / 8 + 500
    if change == "one value" and share > 0.1:
        assert size < 0.2 * changed + cells.size / 8, "what compresses is compressed"
