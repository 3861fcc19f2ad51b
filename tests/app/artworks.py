"""Shared by tests of the artwork: a picture with different pixels everywhere, and paint on its mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect

from app.core.canvas.artwork import Artwork


def picture(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    """Noise, (height, width, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def paint(artwork: Artwork, rect: QRect, value: int = 255) -> None:
    """One undoable stroke that fills a rectangle of the mask."""
    artwork.apply_mask(rect, np.full((rect.height(), rect.width()), value, np.uint8), "Brush")


def kept(artwork: Artwork, before: NDArray[np.uint8], *painted: QRect) -> bool:
    """Whether every pixel outside of what was painted is the one it was, and every painted place shows another."""
    outside = np.ones(artwork.mask.shape, bool)
    for rect in painted:
        outside[rect.top() : rect.bottom() + 1, rect.left() : rect.right() + 1] = False
    now = artwork.rgb()
    changed = (now != before).any(axis=2)
    return not changed[outside].any() and all(
        changed[rect.top() : rect.bottom() + 1, rect.left() : rect.right() + 1].any() for rect in painted
    )
