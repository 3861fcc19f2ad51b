"""Where a run's pictures lie in the artwork, and how they are seen there: through the mask as it was when they were
asked for, over the picture as it is now.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter

from app.core.canvas.artwork import Artwork, copy_reversed
from app.core.canvas.brush import repeat_channels, share
from app.core.canvas.undo import part
from engine.pictures.blending import alpha, painted_bounds, runs
from engine.pictures.compositing import patch
from engine.pictures.resizing import strips
from engine.spec.edit import Box, Inputs

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """box  -- what the model saw, in the artwork's pixels; it may reach outside
    rect    -- the part of the box where anything of a picture may be seen: inside the artwork as it was
    packed  -- the mask (h, w) in `rect`, deflated; None where all of it is seen
    """

    box: QRect
    rect: QRect
    packed: bytes | None

    @classmethod
    def on(cls, artwork: Artwork, box: QRect, masked: bool) -> Placement:
        """Place pictures in `box` of the artwork, through its current mask; `masked` False: all of the box."""
        seen = box.intersected(artwork.rect)
        if not masked:
            return cls(QRect(box), seen, None)
        mask = part(artwork.mask, seen)
        rect = QRect(*painted_bounds(mask)).translated(seen.topLeft())
        if rect.isEmpty():
            return cls(QRect(box), QRect(), None)
        return cls.through(box, rect, part(artwork.mask, rect))

    @classmethod
    def through(cls, box: QRect, rect: QRect, mask: Pixels | None) -> Placement:
        """Place pictures in `box` through a mask (h, w) of `rect`; None: all. Raises ValueError for another size."""
        if mask is None:
            return cls(QRect(box), QRect(rect), None)
        if mask.shape != (rect.height(), rect.width()):
            raise ValueError(f"The mask of {rect.width()} × {rect.height()} pixels is not {mask.shape}.")
        return cls(QRect(box), QRect(rect), zlib.compress(mask.tobytes(), 1))

    def moved(self, by: QPoint) -> Placement:
        """Move the placement, because a change of size moved the artwork's pixels."""
        return Placement(self.box.translated(by), self.rect.translated(by), self.packed)

    @property
    def mask(self) -> Pixels | None:
        """The mask (h, w) of `rect`; None where all of it is shown."""
        if self.packed is None:
            return None
        return np.frombuffer(zlib.decompress(self.packed), np.uint8).reshape(self.rect.height(), self.rect.width())

    def pixels(self, artwork: Artwork, made: Pixels) -> tuple[QRect, Pixels]:
        """Where in the artwork `made` (of any size) goes, and the pixels (h, w, 3) there with it blended in. Where the
        mask is 0 they are the artwork's, to the bit.
        """
        seen = self.rect.intersected(artwork.rect)
        mask = self.mask
        if mask is not None:
            mask = part(mask, seen.translated(-self.rect.topLeft()))
        return seen, patch(artwork.rgb(seen), mask, box_of(self.box.translated(-seen.topLeft())), made)[1]


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The part of the artwork that a run makes anew, as it was at its submission, and where its pictures go.

    inputs -- what the engine is given; None where a fork keeps its parent's
    """

    inputs: Inputs | None
    placement: Placement


@dataclass(frozen=True, slots=True, eq=False)
class PlacedPicture:
    """A picture to paint over `rect` of the artwork: transparent where the artwork stays."""

    rect: QRect
    image: QImage


def overlay(picture: QImage, placement: Placement) -> PlacedPicture:
    """Render a run's picture (of any size) in its place, at the artwork's resolution. For any thread."""
    rect, box, mask = placement.rect, placement.box, placement.mask
    pixels = np.empty((rect.height(), rect.width(), 4), np.uint8)

    def lay(first: int, made: Pixels) -> None:
        rows = slice(first, first + len(made))
        copy_reversed(made, pixels[rows])
        pixels[rows, :, 3] = 255
        if mask is not None:
            fade(pixels[rows], mask[rows])

    if not rect.isEmpty():
        strips(to_rgb(picture), (box.width(), box.height()), box_of(rect.translated(-box.topLeft())), lay)
    kind = QImage.Format.Format_RGB32 if mask is None else QImage.Format.Format_ARGB32_Premultiplied
    return PlacedPicture(rect, QImage(pixels.data, rect.width(), rect.height(), 4 * rect.width(), kind))


def fade(pixels: Pixels, mask: Pixels) -> None:
    """Multiply opaque pixels (h, w, 4) by the opacity in a mask (h, w), in place: premultiplied alpha."""
    done = 0
    for first, last, soft in runs(mask):
        pixels[:, done:first] = 0
        done = last
        if soft:
            part = np.s_[:, first:last]
            pixels[part] = share(pixels[part], repeat_channels(alpha(mask[part])))
    pixels[:, done:] = 0


def thumbnail(picture: QImage, placement: Placement, size: QSize) -> QImage:
    """Render the box with the picture in it at `size` pixels, to be painted over the artwork's box."""
    ignore, smooth = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    small = picture.scaled(size, ignore, smooth).convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
    rect, box = placement.rect, placement.box
    across, down = size.width() / box.width(), size.height() / box.height()
    inner = QRectF(
        (rect.x() - box.x()) * across, (rect.y() - box.y()) * down, rect.width() * across, rect.height() * down
    )
    shape = QImage(size, QImage.Format.Format_Alpha8)
    shape.fill(0)
    painter = QPainter(shape)
    if (mask := placement.mask) is None:
        painter.fillRect(inner, Qt.GlobalColor.black)
    else:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        seen = QImage(mask.data, rect.width(), rect.height(), rect.width(), QImage.Format.Format_Alpha8)
        whole = inner.size().toSize().expandedTo(QSize(1, 1))
        painter.drawImage(inner, seen.scaled(whole, ignore, smooth))
    painter.end()
    painter = QPainter(small)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
    painter.drawImage(0, 0, shape)
    painter.end()
    return small


def to_rgb(picture: QImage) -> Pixels:
    """A copy, (h, w, 3)."""
    rgb = picture.convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    return lines[:, : 3 * rgb.width()].reshape(rgb.height(), rgb.width(), 3).copy()


def box_of(rect: QRect) -> Box:
    return rect.x(), rect.y(), rect.width(), rect.height()
