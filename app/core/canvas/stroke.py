"""One stroke of a tool is one undo step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

import numpy as np
from PySide6.QtCore import QRect

from app.core.canvas.undo import (
    TILES_AT_ONCE,
    Change,
    Patch,
    Pixels,
    SavedTiles,
    UndoStep,
    bounds,
    cells_of,
    packed,
)

Layer: TypeAlias = Literal["picture", "mask"]


class Layered(Protocol):
    """The part of Artwork that a stroke uses. `pixels` (H, W, 4) and `mask` (H, W) are new arrays after a resize."""

    pixels: Pixels
    mask: Pixels

    @property
    def rect(self) -> QRect: ...
    def emit_change(self, layer: Layer, rect: QRect) -> None: ...
    def emit_history(self) -> None: ...
    def end_gesture(self, gesture: Stroke, step: UndoStep | None) -> None: ...


class Stroke:
    """One undo step: touch() a rectangle, write into it, call changed(); at last call end().

    Something else may end it (undo while the pen is down): check `is_open` before you continue.
    """

    def __init__(self, artwork: Layered, name: str) -> None:
        """Artwork.begin makes it."""
        self.name = name
        self.is_open = True
        self._artwork = artwork
        self._saved: dict[Layer, SavedTiles] = {
            "picture": SavedTiles(cells_of(artwork.pixels)),
            "mask": SavedTiles(cells_of(artwork.mask)),
        }
        self._packed: dict[Layer, list[Patch]] = {"picture": [], "mask": []}
        self.is_dirty = False
        """Whether changed() was called."""

    def touch(self, layer: Layer, rect: QRect) -> None:
        """Call it before writing into `rect` of a layer. Raises RuntimeError where the stroke has ended."""
        if not self.is_open:
            raise RuntimeError(f"The stroke “{self.name}” has ended.")
        self._saved[layer].touch(rect.intersected(self._artwork.rect))

    def before(self, layer: Layer, rect: QRect) -> Pixels:
        """Copy a touched part from before the stroke: (h, w) of the mask, (h, w, 4) B, G, R, 255 of the picture."""
        cells = self._saved[layer].before(rect.intersected(self._artwork.rect))
        pixels = cells.view(np.uint8)
        return pixels if layer == "mask" else pixels.reshape(*cells.shape, 4)

    def changed(self, layer: Layer, rect: QRect) -> None:
        """Call it after writing into `rect`: views of the artwork repaint."""
        inside = rect.intersected(self._artwork.rect)
        if not self.is_open or inside.isEmpty():
            return
        if not self.is_dirty:
            self.is_dirty = True
            self._artwork.emit_history()
        self._artwork.emit_change(layer, inside)

    def pack(self, layer: Layer) -> None:
        """Pack what was touched so far and is not touched again: a long stroke keeps no tiles as they were."""
        self._packed[layer] += packed(self._saved[layer].take())

    def end(self) -> None:
        """Add one step to the history; none where no pixel changed."""
        if not self.is_open:
            return
        self.is_open = False
        step = PaintStep(self._artwork, self.name, self._packed, {k: saved.take() for k, saved in self._saved.items()})
        self._artwork.end_gesture(self, step if step.size else None)

    def abandon(self) -> None:
        """Revert the stroke, without a step in the history."""
        if not self.is_open:
            return
        self.is_open = False
        self._artwork.end_gesture(self, None)
        for _ in PaintStep(self._artwork, self.name, self._packed, {}).undoing():
            pass
        for layer, saved in self._saved.items():
            if keys := saved.restore():
                self._artwork.emit_change(layer, bounds(keys, self._artwork.rect))


@dataclass(eq=False)
class PaintStep:
    """A step of the history: tiles of the picture, of the mask, or of both. `changes` are those not packed yet."""

    artwork: Layered = field(repr=False)
    name: str
    patches: dict[Layer, list[Patch]] = field(repr=False)
    changes: dict[Layer, list[Change]] = field(repr=False)

    @property
    def size(self) -> int:
        """Its size in bytes; smaller once it is packed."""
        waiting = sum(change.nbytes for changes in self.changes.values() for _, change in changes)
        return waiting + sum(patch.size for patches in self.patches.values() for patch in patches)

    @property
    def tiles(self) -> int:
        waiting = sum(len(changes) for changes in self.changes.values())
        return waiting + sum(len(patch.keys) for patches in self.patches.values() for patch in patches)

    def packing(self) -> Iterator[None]:
        """Pack what is not packed yet."""
        for layer, changes in self.changes.items():
            while changes:
                some, changes[:TILES_AT_ONCE] = changes[:TILES_AT_ONCE], []
                self.patches[layer].append(Patch.of(some))
                yield

    def undoing(self) -> Iterator[None]:
        yield from self.packing()
        for layer, patches in self.patches.items():
            cells = cells_of(self.artwork.pixels if layer == "picture" else self.artwork.mask)
            for patch in patches:
                patch.toggle(cells)
                self.artwork.emit_change(layer, bounds(patch.keys, self.artwork.rect))
                yield

    redoing = undoing
