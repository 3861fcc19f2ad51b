"""Edits of the whole mask: shapes, colours, grow, shrink, feather, invert, clear. Each is one undo step.

Outside the picture is as its edge: a mask that reaches the edge is neither shrunk nor feathered from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath

from app.core.canvas.artwork import ANEW, KEEP, Artwork
from app.core.canvas.brush import Paint, add, share
from app.core.canvas.undo import Pixels, part
from engine.pictures import masks

WINDOW = 512  # pixels of a side of the first window in which a fill looks for connected pixels
BAND = 1024  # rows computed at once: temporary arrays stay small however large the picture is
BLOCK = 256  # side of a block that is skipped where it is uniform, as most of a mask is


def clear(artwork: Artwork, name: str = "Clear mask") -> None:
    rect = bounds(artwork.mask)
    artwork.apply_mask(rect, np.full((rect.height(), rect.width()), KEEP, np.uint8), name)


def invert(artwork: Artwork, name: str = "Invert mask") -> None:
    artwork.apply_mask(artwork.rect, ANEW - artwork.mask, name)


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
    _paint_region(artwork, rect, lambda band: path_coverage(path, band), paint, opacity, name)


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
    if artwork.rect.contains(x, y):
        rect, found = pixels_alike(artwork.pixels, x, y, tolerance, everywhere)
        corner = rect.topLeft()
        _paint_region(artwork, rect, lambda band: part(found, band.translated(-corner)), paint, opacity, name)


def _paint_region(
    artwork: Artwork, rect: QRect, coverage: Callable[[QRect], Pixels], paint: Paint, opacity: float, name: str
) -> None:
    stroke = artwork.begin(name)
    for band in bands(rect):
        stroke.touch("mask", band)
        covers = coverage(band)
        if opacity < 1:
            covers = share(covers, np.full_like(covers, round(255 * opacity)))
        view = part(artwork.mask, band)
        view[...] = paint(view, covers)
    stroke.changed("mask", rect)
    stroke.end()


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


def bands(rect: QRect) -> list[QRect]:
    """`rect` from top to bottom, BAND rows at most each."""
    return [
        QRect(rect.left(), top, rect.width(), min(BAND, rect.top() + rect.height() - top))
        for top in range(rect.top(), rect.top() + rect.height(), BAND)
        if rect.width()
    ]


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


def pixels_alike(pixels: Pixels, x: int, y: int, tolerance: int, everywhere: bool = False) -> tuple[QRect, Pixels]:
    """Where a picture (H, W, ≥ 3) has the colour of (x, y): the smallest rectangle with all of it, and there 255 or 0.

    A colour is the same where no channel is more than `tolerance` (0 … 255) away. Unless `everywhere`, only what hangs
    together with (x, y) by pixels side by side: looked for in a window that grows on the sides that it is cut off at,
    so that a small patch of a large picture takes no longer than of a small one.
    """
    whole = QRect(0, 0, pixels.shape[1], pixels.shape[0])
    around = QRect(x - WINDOW // 2, y - WINDOW // 2, WINDOW, WINDOW)
    window = whole if everywhere else around.intersected(whole)
    while True:
        found = _within(part(pixels, window), pixels[y, x, :3], tolerance)
        if not everywhere:
            found = connected_pixels(found, x - window.left(), y - window.top())
        values = found.view(np.uint8)
        inner = bounds(values)
        rect = inner.translated(window.topLeft())
        grown = window.adjusted(
            -window.width() * (rect.left() == window.left()), -window.height() * (rect.top() == window.top()),
            window.width() * (rect.right() == window.right()), window.height() * (rect.bottom() == window.bottom()),
        ).intersected(whole)  # fmt: skip
        if grown == window:
            values *= 255
            return rect, part(values, inner)
        window = grown


def _within(pixels: Pixels, colour: Pixels, tolerance: int) -> NDArray[np.bool_]:
    """Where no channel of a picture (H, W, ≥ 3) is more than `tolerance` away from a colour (3,)."""
    same = np.empty(pixels.shape[:2], np.bool_)
    for top in range(0, len(pixels), BAND):
        band, into = pixels[top : top + BAND], same[top : top + BAND]
        into[...] = True
        for channel in range(3):
            value = int(colour[channel])
            low, high = max(0, value - tolerance), min(255, value + tolerance)
            into &= band[..., channel] - np.uint8(low) <= high - low  # below `low` it wraps around to more
    return same


def connected_pixels(inside: NDArray[np.bool_], x: int, y: int) -> NDArray[np.bool_]:
    """The part of `inside` (H, W) that hangs together with (x, y), which lies in it, by pixels side by side.

    Over runs of pixels in a row instead of pixels: the runs of the next row that touch one are neighbours in the list.
    """
    height, width = inside.shape
    framed = np.zeros((height, width + 1), np.bool_)  # one column more, so that no run goes on in the next row
    framed[:, :-1] = inside
    flat = framed.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat[0]:
        edges = np.concatenate(([0], edges))
    first, last = edges[::2], edges[1::2]  # of each run, `last` exclusive: places in `flat`
    neighbours = []
    for shift in (-(width + 1), width + 1):
        lowest = np.searchsorted(last, first + shift, side="right")  # ends after this one starts
        highest = np.searchsorted(first, last + shift, side="left")  # and starts before this one ends
        neighbours.append((lowest.tolist(), highest.tolist()))
    seed = int(np.searchsorted(first, y * (width + 1) + x, side="right")) - 1
    reached = bytearray(len(first))
    reached[seed] = 1
    stack = [seed]
    while stack:
        run = stack.pop()
        for lowest, highest in neighbours:
            for other in range(lowest[run], highest[run]):
                if not reached[other]:
                    reached[other] = 1
                    stack.append(other)
    kept = np.frombuffer(reached, np.bool_)
    turns = np.column_stack((first[kept], last[kept])).ravel()
    lengths = np.diff(turns, prepend=0, append=flat.size)
    values = np.zeros(len(lengths), np.bool_)
    values[1::2] = True
    return np.repeat(values, lengths).reshape(framed.shape)[:, :-1].copy()
