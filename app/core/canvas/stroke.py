"""What is painted as one and undone as one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from PySide6.QtCore import QRect

from app.core.canvas.undo import Patch, Pixels, Saved, bounds, cells_of

if TYPE_CHECKING:
    from app.core.canvas.artwork import Artwork

Layer: TypeAlias = Literal["picture", "mask"]


class Stroke:
    """One change that will be undone as one: touch a rectangle, write into it, say that it changed; end.

    A stroke may be ended from elsewhere (undo while the pen is down): ask `is_open` before going on with it.
    """

    def __init__(self, artwork: Artwork, name: str) -> None:
        """Artwork.begin makes it."""
        self.name = name
        self.is_open = True
        self._artwork = artwork
        self._saved: dict[Layer, Saved] = {
            "picture": Saved(cells_of(artwork.pixels)),
            "mask": Saved(cells_of(artwork.mask)),
        }
        self.is_dirty = False
        """Whether something was said to have changed."""

    def touch(self, layer: Layer, rect: QRect) -> None:
        """Before writing into `rect` of a layer. Raises RuntimeError where the stroke has ended."""
        if not self.is_open:
            raise RuntimeError(f"The stroke “{self.name}” has ended.")
        self._saved[layer].touch(rect.intersected(self._artwork.rect))

    def before(self, layer: Layer, rect: QRect) -> Pixels:
        """A copy of a touched part as it was before: (h, w) of the mask, (h, w, 4) B, G, R, 255 of the picture."""
        cells = self._saved[layer].before(rect.intersected(self._artwork.rect))
        pixels = cells.view(np.uint8)
        return pixels if layer == "mask" else pixels.reshape(*cells.shape, 4)

    def changed(self, layer: Layer, rect: QRect) -> None:
        """After writing into `rect`: whoever shows the artwork is told."""
        inside = rect.intersected(self._artwork.rect)
        if not self.is_open or inside.isEmpty():
            return
        if not self.is_dirty:
            self.is_dirty = True
            self._artwork.history_changed.emit()
        self._artwork._changed(layer, inside)

    def end(self) -> None:
        """From now on it is one step of the history; none where nothing came out other than it was."""
        if not self.is_open:
            return
        self.is_open = False
        layers = {layer: patches for layer, saved in self._saved.items() if (patches := saved.patches())}
        self._artwork._ended(self, Painted(self._artwork, self.name, layers) if layers else None)

    def abandon(self) -> None:
        """As if it had never been begun."""
        if not self.is_open:
            return
        self.is_open = False
        self._artwork._ended(self, None)
        for layer, saved in self._saved.items():
            if keys := saved.restore():
                self._artwork._changed(layer, bounds(keys, self._artwork.rect))


@dataclass(frozen=True)
class Painted:
    """A step of the history: tiles of the picture, of the mask, or of both."""

    artwork: Artwork = field(repr=False)
    name: str
    layers: dict[Layer, tuple[Patch, ...]] = field(repr=False)

    @property
    def size(self) -> int:
        return sum(patch.size for patches in self.layers.values() for patch in patches)

    def undo(self) -> None:
        for layer, patches in self.layers.items():
            cells = cells_of(self.artwork.pixels if layer == "picture" else self.artwork.mask)
            for patch in patches:
                patch.toggle(cells)
            keys = [key for patch in patches for key in patch.keys]
            self.artwork._changed(layer, bounds(keys, self.artwork.rect))

    redo = undo
