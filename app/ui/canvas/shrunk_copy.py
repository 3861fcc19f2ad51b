"""A smaller copy of a large array for the screen, refreshed where the array changed and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QRect

Pixels = NDArray[np.uint8]


class ShrunkCopy:
    """`source()` (H, W, …) with each `factor` × `factor` block as one value, made by `reduce`."""

    def __init__(self, source: Callable[[], Pixels], reduce: Callable[[Pixels, int], Pixels]) -> None:
        self._source, self._reduce = source, reduce
        self._factor = 0
        self._made: Pixels = np.zeros((0, 0), np.uint8)
        self._dirty = QRect()

    def at(self, factor: int) -> Pixels:
        """(ceil(H / factor), ceil(W / factor), …), up to date. A factor of 1 is the source itself."""
        source = self._source()
        if factor == 1:
            return source
        whole = QRect(0, 0, source.shape[1], source.shape[0])
        shape = (-(-source.shape[0] // factor), -(-source.shape[1] // factor), *source.shape[2:])
        if factor != self._factor or self._made.shape != shape:
            self._factor, self._made, self._dirty = factor, np.empty(shape, np.uint8), whole
        dirty = self._dirty.intersected(whole)
        self._dirty = QRect()
        if not dirty.isEmpty():
            left, top = dirty.left() // factor, dirty.top() // factor
            right, bottom = dirty.right() // factor + 1, dirty.bottom() // factor + 1
            part = source[top * factor : bottom * factor, left * factor : right * factor]
            self._made[top:bottom, left:right] = self._reduce(part, factor)
        return self._made

    def touch(self, rect: QRect) -> None:
        """The source has changed in `rect`."""
        self._dirty = self._dirty.united(rect)

    def forget(self) -> None:
        """The source is another one."""
        self._factor = 0


def block_mean(part: Pixels, factor: int) -> Pixels:
    """Averages blocks of (H, W, 4); those at the far edges may be cut short."""
    height, width = part.shape[:2]
    picture = Image.frombuffer("RGBX", (width, height), np.ascontiguousarray(part), "raw", "RGBX", 0, 1)  # no copy
    return np.asarray(picture.reduce(factor))


def block_maximum(part: Pixels, factor: int) -> Pixels:
    """The largest value of each block of (H, W): what is painted is never lost from sight."""
    height, width = part.shape
    if not part.any():  # the mask of a large picture that was just opened, in a tenth of the time
        return np.zeros((-(-height // factor), -(-width // factor)), np.uint8)
    over = -height % factor, -width % factor
    if any(over):
        part = np.pad(part, ((0, over[0]), (0, over[1])))
    columns: Any = part[:, ::factor]
    for k in range(1, factor):
        columns = np.maximum(columns, part[:, k::factor])
    rows: Any = columns[::factor]
    for k in range(1, factor):
        rows = np.maximum(rows, columns[k::factor])
    return np.asarray(rows)
