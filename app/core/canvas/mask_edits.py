"""Edits of the whole mask: shapes, colours, grow, shrink, feather, invert, clear. Each is one undo step.

Outside the picture is as its edge: a mask that reaches the edge is neither shrunk nor feathered from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath

from app.core.canvas.artwork import ANEW, KEEP, Artwork
from app.core.canvas.brush import Paint, add, share
from app.core.canvas.colour_search import find_alike
from app.core.canvas.undo import Pixels, part
from engine.pictures import masks

BLOCK = 256  # side of a block that is skipped where it is uniform, as most of a mask is


def clear(artwork: Artwork, name: str = "Clear mask") -> None:
    def write(band: QRect) -> None:
        part(artwork.mask, band)[...] = KEEP

    artwork.paint(name, "mask", bounds(artwork.mask), write)


def invert(artwork: Artwork, name: str = "Invert mask") -> None:
    def write(band: QRect) -> None:
        view = part(artwork.mask, band)
        np.subtract(ANEW, view, out=view)

    artwork.paint(name, "mask", artwork.rect, write)


def grow(artwork: Artwork, pixels: int, name: str = "Grow mask") -> None:
    """Grow the mask: every pixel becomes the largest within `pixels` of it."""
    _within_reach(artwork, pixels, name, lambda mask: masks.dilate(mask, pixels))


def shrink(artwork: Artwork, pixels: int, name: str = "Shrink mask") -> None:
    """Shrink the mask: every pixel becomes the smallest within `pixels` of it."""
    _within_reach(artwork, pixels, name, lambda mask: ANEW - masks.dilate(ANEW - mask, pixels))


def feather(artwork: Artwork, pixels: float, name: str = "Feather mask") -> None:
    """Blur the mask by a Gaussian of σ = pixels/2, so that an edge runs out over about `pixels` on both its sides."""
    _within_reach(artwork, blur_reach(pixels / 2), name, lambda mask: masks.feather(mask, pixels))


def fill(artwork: Artwork, path: QPainterPath, paint: Paint = add, opacity: float = 1.0, name: str = "Shape") -> None:
    """Paint the inside of a path (odd-even) into the mask, antialiased, as far as it lies in the picture."""
    rect = path.boundingRect().toAlignedRect().intersected(artwork.rect)
    artwork.work(_painting(artwork, rect, lambda band: path_coverage(path, band), paint, opacity, name))


def fill_colour(
    artwork: Artwork,
    x: int,
    y: int,
    tolerance: int,
    everywhere: bool = False,
    paint: Paint = add,
    opacity: float = 1.0,
    name: str = "Fill",
) -> None:
    """Paint into the mask where the picture has the colour that it has at (x, y); nothing where that lies outside."""

    def search() -> Iterator[None]:
        rect, found = yield from find_alike(artwork.pixels, x, y, tolerance, everywhere)
        corner = rect.topLeft()
        yield from _painting(artwork, rect, lambda band: part(found, band.translated(-corner)), paint, opacity, name)

    if artwork.rect.contains(x, y):
        artwork.work(search())


def _painting(
    artwork: Artwork, rect: QRect, coverage: Callable[[QRect], Pixels], paint: Paint, opacity: float, name: str
) -> Iterator[None]:
    def write(band: QRect) -> None:
        covers = coverage(band)
        if opacity < 1:
            covers = share(covers, np.full_like(covers, round(255 * opacity)))
        view = part(artwork.mask, band)
        view[...] = paint(view, covers)

    return artwork.painting(name, "mask", rect, write)


def _within_reach(artwork: Artwork, reach: int, name: str, change: Callable[[Pixels], Pixels]) -> None:
    """Apply a change that depends on pixels up to `reach` away, and skip uniform blocks."""
    mask = artwork.mask
    rect = bounds(mask).adjusted(-reach, -reach, reach, reach).intersected(artwork.rect)
    changed = part(mask, rect).copy()
    side = max(BLOCK, 8 * reach)  # the rims that blocks share stay small beside them
    for top in range(rect.top(), rect.top() + rect.height(), side):
        for left in range(rect.left(), rect.left() + rect.width(), side):
            block = QRect(left, top, side, side).intersected(rect)
            around = block.adjusted(-reach, -reach, reach, reach).intersected(artwork.rect)
            seen = part(mask, around)
            if seen.min() != seen.max():
                made = part(change(seen), block.translated(-around.topLeft()))
                part(changed, block.translated(-rect.topLeft()))[...] = made
    artwork.apply_mask(rect, changed, name)


def bounds(mask: Pixels) -> QRect:
    """Return the smallest rectangle with all values that are not 0; empty where all are 0."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return QRect()
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return QRect(left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top)


def path_coverage(path: QPainterPath, rect: QRect) -> Pixels:
    """Return the share of each pixel of `rect` that lies in the path, (h, w), 0 … 255."""
    image = QImage(rect.size(), QImage.Format.Format_Alpha8)
    image.fill(0)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(-rect.topLeft())
    painter.fillPath(path, Qt.GlobalColor.black)
    painter.end()
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(rect.height(), image.bytesPerLine())
    return rows[:, : rect.width()].copy()


def blur_reach(sigma: float) -> int:
    """Return the reach of a feathering, pixels: three box filters of radius below σ + 1, and part of a pixel."""
    return 3 * (math.ceil(sigma) + 1)
