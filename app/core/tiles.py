"""What was under the paint: 64² tiles saved before their first touch, and steps that are undone as they are redone.

A step keeps the exclusive-or of before and after, compressed: applied once it undoes, applied again it redoes, nothing
is compressed on the way, and its size never changes, so one bound over the history holds whichever way one goes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect

TILE = 64
TILES_AT_ONCE = (
    64  # compressed together: long enough to compress well, short enough to need no second picture in memory
)
PROBE = 4096  # bytes that tell whether the rest compresses

Key = tuple[int, int]  # row and column of a tile
Pixels = NDArray[np.uint8]  # (H, W) or (H, W, channels)


def keys_over(rect: QRect) -> Iterator[Key]:
    """The tiles that meet `rect`, which lies in the picture."""
    if rect.isEmpty():
        return
    for row in range(rect.top() // TILE, rect.bottom() // TILE + 1):
        for column in range(rect.left() // TILE, rect.right() // TILE + 1):
            yield row, column


def tile(pixels: Pixels, key: Key) -> Pixels:
    """A view of one tile; those at the right and the bottom may be smaller than TILE²."""
    y, x = key[0] * TILE, key[1] * TILE
    return pixels[y : y + TILE, x : x + TILE]


def part(pixels: Pixels, rect: QRect) -> Pixels:
    """A view of `rect`, which lies in the picture."""
    return pixels[rect.top() : rect.top() + rect.height(), rect.left() : rect.left() + rect.width()]


def bounds(keys: Sequence[Key], within: QRect) -> QRect:
    """The smallest rectangle of whole tiles that holds all of `keys`."""
    rows, columns = [key[0] for key in keys], [key[1] for key in keys]
    left, top = min(columns) * TILE, min(rows) * TILE
    return QRect(left, top, (max(columns) + 1) * TILE - left, (max(rows) + 1) * TILE - top).intersected(within)


def packed(raw: bytes | memoryview) -> bytes:
    """In zlib's format; stored as it is where its beginning is like noise, which takes 30 times as long to compress."""
    start = raw[:PROBE]
    return zlib.compress(raw, 1 if len(zlib.compress(start, 1)) < 0.75 * len(start) else 0)


@dataclass(frozen=True)
class Patch:
    """The exclusive-or of before and after of some tiles, one after the other, compressed."""

    keys: tuple[Key, ...]
    packed: bytes

    def toggle(self, pixels: Pixels) -> None:
        """Before becomes after, after becomes before."""
        raw = np.frombuffer(zlib.decompress(self.packed), np.uint8)
        start = 0
        for key in self.keys:
            view = tile(pixels, key)
            view ^= raw[start : start + view.size].reshape(view.shape)
            start += view.size


class Saved:
    """The tiles of one layer as they were before a stroke touched them."""

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels
        self._tiles: dict[Key, Pixels] = {}

    def touch(self, rect: QRect) -> None:
        """Save what `rect` meets; what has been saved already stays as it is."""
        for key in keys_over(rect):
            if key not in self._tiles:
                self._tiles[key] = tile(self._pixels, key).copy()

    def before(self, rect: QRect) -> Pixels:
        """A copy of `rect` as it was; all of it has been touched."""
        out = np.empty((rect.height(), rect.width(), *self._pixels.shape[2:]), np.uint8)
        for key in keys_over(rect):
            y, x = key[0] * TILE - rect.top(), key[1] * TILE - rect.left()
            inner = self._tiles[key][max(0, -y) : rect.height() - y, max(0, -x) : rect.width() - x]
            y, x = max(0, y), max(0, x)
            out[y : y + inner.shape[0], x : x + inner.shape[1]] = inner
        return out

    def restore(self) -> list[Key]:
        """Put everything back as it was; the tiles that were saved."""
        for key, before in self._tiles.items():
            tile(self._pixels, key)[...] = before
        return list(self._tiles)

    def patches(self) -> tuple[Patch, ...]:
        """What has changed since the first touch; tiles that are as they were cost nothing."""
        changes: list[tuple[Key, Pixels]] = []
        for key, before in self._tiles.items():
            change = before ^ tile(self._pixels, key)
            if change.any():
                changes.append((key, change))
        return tuple(
            Patch(tuple(key for key, _ in some), packed(b"".join(change.data for _, change in some)))
            for some in (changes[k : k + TILES_AT_ONCE] for k in range(0, len(changes), TILES_AT_ONCE))
        )


class Step(Protocol):
    """Something that was done to an artwork and can be undone."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int:
        """Bytes that it keeps."""

    def undo(self) -> None: ...
    def redo(self) -> None: ...


class History:
    """What was done and what was undone, within `limit` bytes: past it the oldest is let go of, never the newest."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.done: list[Step] = []
        self.undone: list[Step] = []

    @property
    def size(self) -> int:
        return sum(step.size for step in self.done) + sum(step.size for step in self.undone)

    def add(self, step: Step) -> None:
        self.undone.clear()
        self.done.append(step)
        size = self.size
        while size > self.limit and len(self.done) > 1:
            size -= self.done.pop(0).size

    def clear(self) -> None:
        self.done.clear()
        self.undone.clear()

    def undo(self) -> None:
        self._move(self.done, self.undone, lambda step: step.undo())

    def redo(self) -> None:
        self._move(self.undone, self.done, lambda step: step.redo())

    @staticmethod
    def _move(source: list[Step], target: list[Step], do: Callable[[Step], None]) -> None:
        do(source[-1])  # first: a step that finds no memory stays where it is
        target.append(source.pop())
