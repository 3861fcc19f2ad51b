"""Undo steps: 64² tiles saved before their first change, kept as the exclusive-or of before and after.

A step keeps the exclusive-or of before and after, and of it only the pixels that changed: applied once it undoes,
applied again it redoes, nothing is compressed on the way, and its size never changes, so one bound over the history
holds whichever way one goes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect

TILE = 64
TILES_AT_ONCE = 64  # packed together: long enough to compress well, short enough to stay in the processor's cache
PROBES, PROBE = 4, 1024  # how many parts of how many bytes tell whether the rest compresses
DEFLATED, PLAIN = b"\1", b"\0"
NEARLY_ALL = 0.9  # of the cells: where more have changed, the others are kept with them, which is faster
WORTHWHILE = 0.5  # of its size: what compresses no better takes a frame for a stroke of a large brush

Key = tuple[int, int]  # row and column of a tile
Pixels = NDArray[np.uint8]  # (H, W) or (H, W, channels)
Cells = NDArray[np.uint8] | NDArray[np.uint32]
"""(H, W): the mask, or the picture with the four bytes of a pixel as one number."""

Change: TypeAlias = tuple[Key, Cells]
"""A tile, and the exclusive-or of before and after."""


def keys_over(rect: QRect) -> Iterator[Key]:
    """Yield the tiles that meet `rect`, which lies in the picture."""
    if rect.isEmpty():
        return
    for row in range(rect.top() // TILE, rect.bottom() // TILE + 1):
        for column in range(rect.left() // TILE, rect.right() // TILE + 1):
            yield row, column


def cells_of(pixels: Pixels) -> Cells:
    """Return a view of a mask (H, W) or of a picture (H, W, 4) with one number per pixel."""
    return pixels if pixels.ndim == 2 else pixels.view(np.uint32)[..., 0]


def tile(cells: Cells, key: Key) -> Cells:
    """Return a view of one tile; those at the right and the bottom may be smaller than TILE²."""
    y, x = key[0] * TILE, key[1] * TILE
    return cells[y : y + TILE, x : x + TILE]


def part(pixels: Pixels, rect: QRect) -> Pixels:
    """Return a view of `rect`, which lies in the picture."""
    return pixels[rect.top() : rect.top() + rect.height(), rect.left() : rect.left() + rect.width()]


def bounds(keys: Sequence[Key], within: QRect) -> QRect:
    """Return the smallest rectangle of whole tiles that holds all of `keys`."""
    rows, columns = [key[0] for key in keys], [key[1] for key in keys]
    left, top = min(columns) * TILE, min(rows) * TILE
    return QRect(left, top, (max(columns) + 1) * TILE - left, (max(rows) + 1) * TILE - top).intersected(within)


def pack(raw: memoryview | bytes) -> bytes:
    """Deflated, or as it is where parts of it say that it would not halve, which takes 30 times as long: unpacked()
    knows by the first byte.
    """
    starts = (len(raw) * k // PROBES for k in range(PROBES))
    parts = raw if len(raw) <= PROBES * PROBE else b"".join(raw[start : start + PROBE] for start in starts)
    small = len(zlib.compress(parts, 1)) < WORTHWHILE * len(parts)
    return b"".join((DEFLATED, zlib.compress(raw, 1)) if small else (PLAIN, raw))


def unpack(kept: bytes) -> Pixels:
    """Return the packed bytes, (n,) uint8; read only."""
    if kept[:1] == PLAIN:
        return np.frombuffer(kept, np.uint8, offset=1)
    return np.frombuffer(zlib.decompress(memoryview(kept)[1:]), np.uint8)


@dataclass(frozen=True)
class Patch:
    """The exclusive-or of before and after of some tiles, one after the other: which cells changed, and their values.

    hit    -- a bit for each cell whose value is kept, deflated; empty where that is all of them
    values -- by channels, as packed() packs them; a picture's fourth byte never changes
    """

    keys: tuple[Key, ...]
    hit: bytes
    values: bytes

    @classmethod
    def of(cls, changes: Sequence[Change]) -> Patch:
        """Make a patch of tiles with the exclusive-or of before and after."""
        cells: Cells = np.concatenate([change.ravel() for _, change in changes])
        hit = cells != 0
        sparse = np.count_nonzero(hit) < NEARLY_ALL * len(hit)
        values = cells[hit] if sparse else cells
        if values.dtype == np.uint32:
            values = np.ascontiguousarray(values.view(np.uint8).reshape(-1, 4)[:, :3].T)
        bits = zlib.compress(np.packbits(hit).data, 1) if sparse else b""
        return cls(tuple(key for key, _ in changes), bits, pack(values.data.cast("B")))

    @property
    def size(self) -> int:
        return len(self.hit) + len(self.values)

    def toggle(self, cells: Cells) -> None:
        """Swap before and after."""
        tiles = [tile(cells, key) for key in self.keys]
        count = sum(view.size for view in tiles)
        raw = unpack(self.values)
        if cells.dtype == np.uint32:
            four = np.zeros((len(raw) // 3, 4), np.uint8)
            for channel, plane in enumerate(raw.reshape(3, -1)):
                four[:, channel] = plane
            changed: Cells = four.view(np.uint32)[:, 0]
        else:
            changed = raw
        if self.hit:
            bits = np.frombuffer(zlib.decompress(self.hit), np.uint8)
            hit = np.unpackbits(bits, count=count).view(np.bool_)
            values = np.zeros(count, cells.dtype)
            values[hit] = changed
        else:
            values = changed
        start = 0
        for view in tiles:
            view ^= values[start : start + view.size].reshape(view.shape)
            start += view.size


def packed(changes: Sequence[Change]) -> Iterator[Patch]:
    """Yield patches of TILES_AT_ONCE tiles."""
    return (Patch.of(changes[k : k + TILES_AT_ONCE]) for k in range(0, len(changes), TILES_AT_ONCE))


class SavedTiles:
    """The tiles of one layer as they were before a stroke touched them."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._tiles: dict[Key, Cells] = {}

    def touch(self, rect: QRect) -> None:
        """Save the tiles that `rect` meets, unless they are saved already."""
        for key in keys_over(rect):
            if key not in self._tiles:
                self._tiles[key] = tile(self._cells, key).copy()

    def before(self, rect: QRect) -> Cells:
        """Copy `rect` from before the stroke; all of it must have been touched."""
        out = np.empty((rect.height(), rect.width()), self._cells.dtype)
        for key in keys_over(rect):
            y, x = key[0] * TILE - rect.top(), key[1] * TILE - rect.left()
            inner = self._tiles[key][max(0, -y) : rect.height() - y, max(0, -x) : rect.width() - x]
            y, x = max(0, y), max(0, x)
            out[y : y + inner.shape[0], x : x + inner.shape[1]] = inner
        return out

    def restore(self) -> list[Key]:
        """Restore the saved tiles; returns their keys."""
        for key, before in self._tiles.items():
            tile(self._cells, key)[...] = before
        return list(self._tiles)

    def take(self) -> list[Change]:
        """Return the changes since the first touch, and forget the tiles; unchanged tiles cost nothing."""
        changes = ((key, before ^ tile(self._cells, key)) for key, before in self._tiles.items())
        changed = [(key, change) for key, change in changes if change.any()]
        self._tiles.clear()
        return changed


class UndoStep(Protocol):
    """A change of an artwork that can be undone."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int:
        """Its size in bytes."""

    def undoing(self) -> Iterator[None]:
        """Undo it; yields where that may be interrupted."""

    def redoing(self) -> Iterator[None]:
        """Redo it, as undoing()."""


class History:
    """Steps done and undone, within `limit` bytes: above it the oldest is dropped, never the newest."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.done: list[UndoStep] = []
        self.undone: list[UndoStep] = []

    @property
    def size(self) -> int:
        return sum(step.size for step in self.done) + sum(step.size for step in self.undone)

    def add(self, step: UndoStep) -> None:
        self.undone.clear()
        self.done.append(step)
        size = self.size
        while size > self.limit and len(self.done) > 1:
            size -= self.done.pop(0).size

    def clear(self) -> None:
        self.done.clear()
        self.undone.clear()

    def undoing(self) -> Iterator[None]:
        """Undo the newest step; it is undone once this ends: a step that runs out of memory stays where it is."""
        yield from self.done[-1].undoing()
        self.undone.append(self.done.pop())

    def redoing(self) -> Iterator[None]:
        yield from self.undone[-1].redoing()
        self.done.append(self.undone.pop())
