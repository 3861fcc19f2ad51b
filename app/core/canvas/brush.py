"""Brush strokes: points and pressure become dabs, and dabs change the pixels under them.

Within one stroke the dabs make one coverage, of which the most counts where they overlap: a stroke of opacity 0.5 that
crosses itself is still at 0.5. How coverage changes a layer is one small function of (before, coverage).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect

from app.core.canvas.artwork import Artwork, Layer
from app.core.canvas.undo import Pixels, part

SPACING = 0.1  # from dab to dab, of the diameter
AT_ONCE = 256  # pixels of a side beyond the brush's: the part of a long segment that is painted and reported at once
THINNEST = 0.05  # of the pressure: a pen that barely touches still draws
SHAPES = 32  # dabs that a stroke keeps; a mouse needs no more than 16, a pen's pressure as many as there are sizes

Paint: TypeAlias = Callable[[Pixels, Pixels], Pixels]
"""(before, coverage) → after. Before is (h, w) of the mask or (h, w, 4) of the picture, coverage (h, w) 0 … 255."""


def add(before: Pixels, coverage: Pixels) -> Pixels:
    """Raise the mask to at least the coverage: painting twice at opacity 0.5 leaves 0.5."""
    return np.maximum(before, coverage)


def remove(before: Pixels, coverage: Pixels) -> Pixels:
    """Lower the mask to at most 255 minus the coverage."""
    return np.minimum(before, 255 - coverage)


def build_up(before: Pixels, coverage: Pixels) -> Pixels:
    """Raise the mask by the coverage's share of the rest up to 255: each stroke adds to it."""
    return before + share(255 - before, coverage)


def colour(red: int, green: int, blue: int) -> Paint:
    """Paint a colour over the picture; red, green, blue 0 … 255."""
    covers = np.arange(256, dtype=np.uint8)
    paints = share(np.array((blue, green, red, 255), np.uint8), covers[:, None]).view(np.uint32)[:, 0]

    def paint(before: Pixels, coverage: Pixels) -> Pixels:
        """Each byte is at most 255 minus what is added to it: four at a time never carry into one another."""
        after = share(before, repeat_channels(255 - coverage)).view(np.uint32)[..., 0]
        after += paints.take(coverage)
        return after.view(np.uint8).reshape(before.shape)

    return paint


def repeat_channels(values: Pixels) -> Pixels:
    """(h, w) → (h, w, 4), each four times: in a fraction of the time that broadcasting over the last axis takes."""
    return (values.astype(np.uint32) * np.uint32(0x01010101)).view(np.uint8).reshape(*values.shape, 4)


def share(a: Pixels, b: Pixels) -> Pixels:
    """a·b/255, rounded to the nearest; exact for all uint8."""
    product = np.multiply(a, b, dtype=np.uint16)
    product += 128
    product += product >> 8
    product >>= 8
    return product.astype(np.uint8)


@dataclass(frozen=True)
class BrushStyle:
    """How a stroke is drawn.

    diameter -- pixels of the picture, at full pressure; at least 1
    hardness -- 0 … 1: the share of the radius that is covered in full
    opacity -- 0 … 1: what one stroke covers at most
    flow -- 0 … 1: how far one dab takes the coverage towards that
    """

    diameter: float = 48.0
    hardness: float = 0.8
    opacity: float = 1.0
    flow: float = 1.0

    def step(self, diameter: float) -> float:
        """Pixels between dabs: less than a tenth where a large hard brush would show scallops of half a pixel."""
        return max(0.5, min(SPACING * diameter, math.sqrt(diameter)))


def dab(diameter: float, hardness: float, dx: float = 0.0, dy: float = 0.0) -> Pixels:
    """One touch of a brush, (n, n), n odd: 0 … 255, centred `dx`, `dy` (within ±½) from the middle pixel's centre.

    Covered in full up to hardness·radius, then falling smoothly; the hardest edge still takes a pixel, which is what
    antialiases it.
    """
    radius = diameter / 2
    reach = math.ceil(radius)
    at = np.arange(-reach, reach + 1, dtype=np.float32)
    edge = max(1.0, radius * (1 - hardness))
    height = np.hypot(at[None, :] - np.float32(dx), at[:, None] - np.float32(dy))
    np.subtract(np.float32(radius + 0.5), height, out=height)
    height /= np.float32(edge)
    np.clip(height, 0, 1, out=height)
    if edge > 1:
        height *= height * (3 - 2 * height)
    height *= 255
    return np.rint(height, out=height).astype(np.uint8)


class BrushStroke:
    """One stroke of a brush on one layer. Undone as one; points may lie outside the picture."""

    def __init__(self, artwork: Artwork, name: str, brush: BrushStyle, layer: Layer, paint: Paint) -> None:
        """Undo shows `name`. The stroke begins with the first point."""
        self._artwork, self._brush, self._layer, self._paint = artwork, brush, layer, paint
        self._stroke = artwork.begin(name)
        self._target = artwork.mask if layer == "mask" else artwork.pixels
        self._coverage = np.zeros((artwork.height, artwork.width), np.uint8)  # no memory until it is painted on
        self._shapes: dict[tuple[float, float, float], Pixels] = {}
        self._last: tuple[float, float, float] | None = None  # x, y and pressure of the last point
        self._left = 0.0  # pixels until the next dab
        self._dirty = QRect()

    @property
    def is_open(self) -> bool:
        """Whether it takes points; undo ends it."""
        return self._stroke.is_open

    def to(self, x: float, y: float, pressure: float = 1.0) -> None:
        """Draw on in a straight line, x and y in pixels of the picture; pressure 0 … 1 scales the diameter.

        What was painted is told by then. A stroke that has been ended takes no more.
        """
        if not self.is_open:
            return
        pressure = max(THINNEST, min(1.0, pressure))
        for dab_x, dab_y, dab_pressure in self._dabs(x, y, pressure):
            self._stamp(dab_x, dab_y, dab_pressure)
        self._flush()
        self._last = (x, y, pressure)

    def end(self) -> None:
        self._stroke.end()

    def abandon(self) -> None:
        self._stroke.abandon()

    def _dabs(self, x: float, y: float, pressure: float) -> NDArray[np.float64]:
        """(n, 3): x, y and pressure of the dabs from the last point to this one that meet the picture."""
        if self._last is None:
            at = np.array([[x, y, pressure]])
            self._left = self._brush.step(self._brush.diameter * pressure)
        else:
            start, stop = np.array(self._last), np.array((x, y, pressure))
            length = math.hypot(x - self._last[0], y - self._last[1])
            # the finer of both ends' steps, so that a line that thins out stays one
            step = self._brush.step(self._brush.diameter * min(pressure, self._last[2]))
            along = np.arange(min(self._left, step), length + 1e-9, step)
            self._left = step - (length - along[-1]) if len(along) else self._left - length
            at = start + (stop - start) * (along / max(length, 1e-9))[:, None]
        reach = self._brush.diameter / 2 + 1
        inside = (at[:, 0] > -reach) & (at[:, 0] < self._artwork.width + reach)
        inside &= (at[:, 1] > -reach) & (at[:, 1] < self._artwork.height + reach)
        return at[inside]

    def _stamp(self, x: float, y: float, pressure: float) -> None:
        column, row = math.floor(x), math.floor(y)
        shape = self._shape(self._brush.diameter * pressure, x - column - 0.5, y - row - 0.5)
        reach = len(shape) // 2
        rect = QRect(column - reach, row - reach, len(shape), len(shape))
        inside = rect.intersected(self._artwork.rect)
        if inside.isEmpty():
            return
        both = self._dirty.united(inside)
        if max(both.width(), both.height()) > len(shape) + AT_ONCE:
            self._flush()
            both = inside
        self._dirty = both
        covered, most = part(self._coverage, inside), part(shape, inside.translated(-rect.topLeft()))
        if self._brush.flow >= 1:
            np.maximum(covered, most, out=covered)
        else:  # up by at least 1, so that the slowest flow arrives
            gap = np.maximum(most, covered) - covered
            covered += np.ceil(gap * np.float32(self._brush.flow)).astype(np.uint8)

    def _shape(self, diameter: float, dx: float, dy: float) -> Pixels:
        """Return the dab for a place, to a quarter of a pixel and two hundredths of the diameter, times the opacity."""
        if diameter < self._brush.diameter:
            diameter = max(1.0, math.exp(round(math.log(diameter) / 0.02) * 0.02))
        key = (diameter, round(4 * dx) / 4, round(4 * dy) / 4)
        shape = self._shapes.get(key)
        if shape is None:
            if len(self._shapes) >= SHAPES:
                self._shapes.clear()
            shape = dab(max(1.0, diameter), self._brush.hardness, key[1], key[2])
            if self._brush.opacity < 1:
                shape = share(shape, np.full_like(shape, round(255 * self._brush.opacity)))
            self._shapes[key] = shape
        return shape

    def _flush(self) -> None:
        """Paint where the coverage rose, and report it."""
        rect, self._dirty = self._dirty, QRect()
        if rect.isEmpty() or not self._stroke.is_open:
            return
        self._stroke.touch(self._layer, rect)
        part(self._target, rect)[...] = self._paint(self._stroke.before(self._layer, rect), part(self._coverage, rect))
        self._stroke.changed(self._layer, rect)
