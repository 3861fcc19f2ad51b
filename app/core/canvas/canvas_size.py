"""Change the size of the artwork: cut parts are kept for undo, added parts follow from the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QRect

from app.core.canvas.undo import Pixels, pack, part, unpack


def cut_strips(pixels: Pixels, mask: Pixels, rect: QRect) -> tuple[Strip, ...]:
    """Keep the parts of both outside of `rect`: above, below, left and right of it."""
    height, width = mask.shape
    inside = rect.intersected(QRect(0, 0, width, height))
    top, bottom = inside.top(), inside.top() + inside.height()
    left, right = inside.left(), inside.left() + inside.width()
    around = (
        QRect(0, 0, width, top),
        QRect(0, bottom, width, height - bottom),
        QRect(0, top, left, inside.height()),
        QRect(right, top, width - right, inside.height()),
    )
    return tuple(Strip.of(pixels, mask, strip) for strip in around if not strip.isEmpty())


def crop(pixels: Pixels, mask: Pixels, rect: QRect, added: int) -> tuple[Pixels, Pixels]:
    """Return part `rect` of both. Beyond them the picture repeats its edge and the mask is `added`."""
    inside = rect.intersected(QRect(0, 0, mask.shape[1], mask.shape[0]))
    kept = inside.translated(-rect.topLeft())
    new_mask = np.full((rect.height(), rect.width()), added, np.uint8)
    part(new_mask, kept)[...] = part(mask, inside)
    new = np.empty((rect.height(), rect.width(), pixels.shape[2]), np.uint8)
    part(new, kept)[...] = part(pixels, inside)
    left, right = kept.left(), kept.left() + kept.width()
    top, bottom = kept.top(), kept.top() + kept.height()
    new[top:bottom, :left] = new[top:bottom, left, None]
    new[top:bottom, right:] = new[top:bottom, right - 1, None]
    new[:top] = new[top]
    new[bottom:] = new[bottom - 1]
    return new, new_mask


@dataclass(frozen=True)
class Strip:
    """A part of an artwork that was cut off."""

    rect: QRect
    pixels: bytes = field(repr=False)
    mask: bytes = field(repr=False)

    @classmethod
    def of(cls, pixels: Pixels, mask: Pixels, rect: QRect) -> Strip:
        return cls(rect, pack(part(pixels, rect).tobytes()), pack(part(mask, rect).tobytes()))

    def put_back(self, pixels: Pixels, mask: Pixels) -> None:
        for target, kept in ((pixels, self.pixels), (mask, self.mask)):
            view = part(target, self.rect)
            view[...] = unpack(kept).reshape(view.shape)


@dataclass(frozen=True)
class SizeStep:
    """A step of the history: the picture went from `before` to `after`, both in the pixels of `before`.

    crop -- makes the artwork a rectangle of itself, with strips put back where they were
    """

    crop: Callable[[QRect, Sequence[Strip]], None] = field(repr=False)
    name: str
    before: QRect
    after: QRect
    strips: tuple[Strip, ...] = field(repr=False)

    @property
    def size(self) -> int:
        return sum(len(strip.pixels) + len(strip.mask) for strip in self.strips)

    def undoing(self) -> Iterator[None]:
        self.crop(self.before.translated(-self.after.topLeft()), self.strips)
        yield

    def redoing(self) -> Iterator[None]:
        self.crop(self.after, ())
        yield
