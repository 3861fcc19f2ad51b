"""The mask over the picture: its tint, grain where it is partial, and outlines that read on any ground.

All of it is made at the resolution of the screen, for the rectangle that is painted and no more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QRectF
from PySide6.QtGui import QColor, QImage

from app.ui.canvas.shrunk_copy import Pixels, ShrunkCopy
from app.ui.canvas.viewport import Viewport

TINT = 0.45  # opacity over a pixel that is made anew
FAINT = 0.30  # of that, over a partial one between its grains
GRAIN = 64  # device pixels after which the grain repeats
LIGHT, DARK = QColor(255, 255, 255), QColor(0, 0, 0)  # an outline alternates with dark: one of the two is seen
BLENDED, DENOISED = 5, 2  # device-independent pixels of a dash
LIGHTNESS = 0.55  # of the tint, in either look of the window: the pictures are the same


@dataclass(frozen=True)
class Cells:
    """What is made anew in the model's own pixels: `free` (h, w) bool lies over `box` of the document."""

    free: NDArray[np.bool_]
    box: QRect

    def around(self, rect: QRect) -> QRect:
        """`rect` of the document with the cells that it touches; a pixel on the border of two touches both."""
        across = 1 + math.ceil(self.box.width() / self.free.shape[1])
        down = 1 + math.ceil(self.box.height() / self.free.shape[0])
        return rect.adjusted(-across, -down, across, down)


class Overlay:
    """Paints a mask (H, W) uint8 for one widget."""

    def __init__(self, mask: ShrunkCopy) -> None:
        self._mask = mask
        self.cells: Cells | None = None

    def image(self, viewport: Viewport, exposed: QRect, colour: QColor, tinted: bool) -> QImage | None:
        """Premultiplied pixels for `exposed`, in device pixels of the canvas; None where there is nothing to draw.

        The outlines are drawn always, the tint in `colour` if `tinted`.
        """
        ratio = viewport.ratio
        thick = max(1, round(ratio))
        grid = Grid(viewport, exposed.adjusted(-thick, -thick, thick, thick))
        factor = 1 << max(0, math.ceil(math.log2(1 / viewport.scale))) if viewport.scale < 1 else 1
        values = grid.sampled(self._mask.at(factor), factor)
        cells = None if self.cells is None else grid.over(self.cells)
        if not values.any() and (cells is None or not cells.any()):
            return None
        inner = values[thick:-thick, thick:-thick]
        shift = exposed.topLeft() - grid.corner
        out = tints(inner, shift, colour) if tinted else np.zeros(inner.shape, np.uint32)
        if cells is not None:
            dash(out, rim(cells, thick), shift, DENOISED * ratio, colour)
        dash(out, rim(values > 0, thick), shift, BLENDED * ratio, LIGHT)
        image = QImage(
            out.data, exposed.width(), exposed.height(), 4 * exposed.width(), QImage.Format.Format_ARGB32_Premultiplied
        )
        return image.copy()


class Grid:
    """The device pixels of `rect` and where in the document their centres lie."""

    def __init__(self, viewport: Viewport, rect: QRect) -> None:
        self.corner = corner_of(viewport)
        offset = viewport.offset * viewport.ratio
        self.x = (np.arange(rect.left(), rect.left() + rect.width()) + 0.5 - offset.x()) / viewport.scale
        self.y = (np.arange(rect.top(), rect.top() + rect.height()) + 0.5 - offset.y()) / viewport.scale

    def sampled(self, values: Pixels, factor: int) -> Pixels:
        """`values`, of blocks of `factor` document pixels, at each device pixel; 0 outside."""
        return _sample(values, self.y / factor, self.x / factor)

    def over(self, cells: Cells) -> NDArray[np.bool_]:
        box, (height, width) = cells.box, cells.free.shape
        y = (self.y - box.y()) * height / box.height()
        x = (self.x - box.x()) * width / box.width()
        return _sample(cells.free.view(np.uint8), y, x).view(np.bool_)


def _sample(values: Pixels, y: NDArray[np.float64], x: NDArray[np.float64]) -> Pixels:
    rows, columns = np.floor(y).astype(np.intp), np.floor(x).astype(np.intp)
    out = np.zeros((len(rows), len(columns)), np.uint8)
    inside = [np.flatnonzero((at >= 0) & (at < size)) for at, size in zip((rows, columns), values.shape, strict=True)]
    if all(len(found) for found in inside):
        (top, bottom), (left, right) = ((found[0], found[-1] + 1) for found in inside)
        out[top:bottom, left:right] = values.take(rows[top:bottom], 0).take(columns[left:right], 1)
    return out


def tint_of(accent: QColor) -> QColor:
    """Its hue, as light as can be seen on black and on white."""
    return QColor.fromHslF(max(0.0, accent.hslHueF()), accent.hslSaturationF(), LIGHTNESS)


def tints(values: Pixels, shift: QPoint, colour: QColor) -> NDArray[np.uint32]:
    """A share m / 255 of the device pixels of value m in the full tint, the others in a fainter one."""
    down, across = (
        (np.arange(size) + at) % GRAIN for size, at in zip(values.shape, (shift.y(), shift.x()), strict=True)
    )
    index = values.astype(np.uint16)
    index += np.uint16(256) * (values > grain().take(across, 1).take(down, 0))
    return palette(colour.rgb()).take(index)


def corner_of(viewport: Viewport) -> QPoint:
    """The document's corner in device pixels: what the grain and the dashes hang on, so that panning moves them too."""
    return (viewport.offset * viewport.ratio).toPoint()


def rim(inside: NDArray[np.bool_], thick: int) -> NDArray[np.bool_]:
    """The pixels of `inside` with one outside within `thick`, across or down; without the margin of `thick`."""
    middle = slice(thick, -thick)
    kept = inside[middle, middle]
    deep = (
        inside[: -2 * thick, middle] & inside[2 * thick :, middle]
        & inside[middle, : -2 * thick] & inside[middle, 2 * thick :]
    )  # fmt: skip
    return kept & ~deep


def dash(out: NDArray[np.uint32], edge: NDArray[np.bool_], shift: QPoint, length: float, light: QColor) -> None:
    """Paint `edge` in `light` and dark by turns, `length` device pixels each."""
    ys, xs = np.nonzero(edge)
    turn = ((ys + shift.y() + xs + shift.x()) // max(1, round(length))) % 2 == 0
    out[ys, xs] = np.where(turn, np.uint32(light.rgba()), np.uint32(DARK.rgba()))


@lru_cache(maxsize=1)
def grain() -> Pixels:
    """(GRAIN, GRAIN) thresholds 0 … 254, each as often as the others, in an order that looks like noise."""
    count = GRAIN * GRAIN
    order = np.random.default_rng(7).permutation(count)
    return (order * 255 // count).astype(np.uint8).reshape(GRAIN, GRAIN)


@lru_cache(maxsize=4)
def palette(rgb: int) -> NDArray[np.uint32]:
    """(512,): by the mask's value what lies between the grains, and then 256 times what a grain is."""
    colour = QColor(rgb)
    between = [premultiply(colour, TINT * FAINT * m / 255) for m in range(256)]
    return np.array(between + 256 * [premultiply(colour, TINT)], np.uint32)


def premultiply(colour: QColor, opacity: float) -> int:
    """As Format_ARGB32_Premultiplied keeps it."""
    alpha = round(255 * opacity)
    red, green, blue = (round(v * alpha / 255) for v in (colour.red(), colour.green(), colour.blue()))
    return alpha << 24 | red << 16 | green << 8 | blue


def to_device_pixels(rect: QRectF, ratio: float) -> QRect:
    """`rect`, logical, in whole device pixels: all that it touches."""
    return QRectF(rect.x() * ratio, rect.y() * ratio, rect.width() * ratio, rect.height() * ratio).toAlignedRect()
