"""The picture that is worked on: its pixels, its mask, the box that the model sees, and all that was done to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRect, QSize, Signal
from PySide6.QtGui import QColor, QImage

from app.core.tiles import History, Patch, Pixels, Saved, bounds, part

Layer: TypeAlias = Literal["picture", "mask"]
LIMIT = 256 << 20  # bytes of history
KEEP, ANEW = 0, 255  # the mask's ends; a value m between has its pixel made anew in the last m/255 of the steps


class Artwork(QObject):
    """A picture (H, W, 3) uint8 and a mask (H, W) uint8 (0 keep … 255 make anew), with undo and redo of everything.

    Who writes into `pixels` or `mask` does so in a Stroke: touch, write, changed. Each setter emits only on change.
    """

    opened = Signal()  # another picture or another size: `pixels`, `mask` and their images are others
    picture_changed = Signal(QRect)
    mask_changed = Signal(QRect)
    box_changed = Signal()
    history_changed = Signal()
    closed = Signal()

    def __init__(self, limit: int = LIMIT, parent: QObject | None = None) -> None:
        """`limit`: the bytes that the history may keep; past it the oldest step is let go of."""
        super().__init__(parent)
        self._history = History(limit)
        self._stroke: Stroke | None = None
        self._box, self._box_aspect = QRect(), QSize(1, 1)
        self.title = ""
        self.revision = 0
        """Goes up with every change of a pixel, of the mask or of the size."""
        self._take(np.empty((0, 0, 4), np.uint8), np.empty((0, 0), np.uint8))

    # what there is

    @property
    def is_open(self) -> bool:
        return self.mask.size > 0

    @property
    def width(self) -> int:
        return self.mask.shape[1]

    @property
    def height(self) -> int:
        return self.mask.shape[0]

    @property
    def rect(self) -> QRect:
        return QRect(0, 0, self.width, self.height)

    @property
    def image(self) -> QImage:
        """The picture, RGB32: a view of `pixels` (H, W, 4) in the order B, G, R, 255, true while they change."""
        return self._image

    @property
    def mask_image(self) -> QImage:
        """The mask, Alpha8: a view of `mask`."""
        return self._mask_image

    def rgb(self, rect: QRect | None = None) -> NDArray[np.uint8]:
        """A copy (h, w, 3) of the picture, or of the part of `rect` that lies in it."""
        inside = self.rect if rect is None else rect.intersected(self.rect)
        return np.ascontiguousarray(part(self.pixels, inside)[..., 2::-1])

    # the box: what the model sees

    @property
    def box(self) -> QRect:
        """What the model sees, in the picture's pixels. It may reach outside, its centre may not."""
        return QRect(self._box)

    @box.setter
    def box(self, box: QRect) -> None:
        self._place(self._fitted(box))

    @property
    def box_aspect(self) -> QSize:
        """The size of which the box keeps the shape: the model's."""
        return QSize(self._box_aspect)

    @box_aspect.setter
    def box_aspect(self, aspect: QSize) -> None:
        """Another shape: the box keeps its centre and, roughly, its area. Raises ValueError for an empty size."""
        if aspect.isEmpty():
            raise ValueError("The box needs a width and a height.")
        if aspect == self._box_aspect:
            return
        self._box_aspect = QSize(aspect)
        if self.is_open:
            centre, area = QRect(self._box).center(), self._box.width() * self._box.height()
            width = max(1, round((area * aspect.width() / aspect.height()) ** 0.5))
            box = self._shaped(width)
            box.moveCenter(centre)
            self._place(self._fitted(box))

    def largest_box(self) -> QRect:
        """The largest box of the shape that fits into the picture, in its middle."""
        by_height = int(self.height * self._box_aspect.width() / self._box_aspect.height())
        box = self._shaped(max(1, min(self.width, by_height)))
        box.moveTo((self.width - box.width()) // 2, (self.height - box.height()) // 2)
        return box

    def _shaped(self, width: int) -> QRect:
        return QRect(0, 0, width, max(1, round(width * self._box_aspect.height() / self._box_aspect.width())))

    def _fitted(self, box: QRect) -> QRect:
        """`box` in the shape asked for, with its centre in the picture."""
        fitted = self._shaped(max(1, box.width()))
        half_width, half_height = fitted.width() // 2, fitted.height() // 2
        fitted.moveTo(
            min(max(box.x(), -half_width), self.width - (fitted.width() - half_width)),
            min(max(box.y(), -half_height), self.height - (fitted.height() - half_height)),
        )
        return fitted

    def _place(self, box: QRect) -> None:
        if box != self._box:
            self._box = box
            self.box_changed.emit()

    # open and close

    def open(self, rgb: NDArray[np.uint8], title: str = "", box_size: tuple[int, int] | None = None) -> None:
        """Work on a picture (H, W, 3) from now on, with an empty mask and no history.

        The box takes the shape of `box_size` (width, height), the model's, and is the largest that fits; without it,
        the box is the whole picture. Raises ValueError for an array of another kind.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or not rgb.size:
            raise ValueError(f"A picture is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}.")
        self._start(bgra(rgb), title, box_size)

    def blank(self, width: int, height: int, colour: QColor, box_size: tuple[int, int] | None = None) -> None:
        """Work on a picture of one colour from now on. Raises ValueError where a side is less than 1."""
        if width < 1 or height < 1:
            raise ValueError(f"A picture has at least one pixel, not {width} × {height}.")
        pixels = np.empty((height, width, 4), np.uint8)
        pixels[...] = (colour.blue(), colour.green(), colour.red(), 255)
        self._start(pixels, "", box_size)

    def close(self) -> None:
        if not self.is_open:
            return
        self._forget()
        self._take(np.empty((0, 0, 4), np.uint8), np.empty((0, 0), np.uint8))
        self._box, self.title = QRect(), ""
        self.revision += 1
        self.closed.emit()
        self.history_changed.emit()

    def _start(self, pixels: Pixels, title: str, box_size: tuple[int, int] | None) -> None:
        self._forget()
        self._take(pixels, np.zeros(pixels.shape[:2], np.uint8))
        self.title = title
        self._box_aspect = QSize(*box_size) if box_size else QSize(self.width, self.height)
        self._box = self.largest_box()
        self.revision += 1
        self.opened.emit()
        self.box_changed.emit()
        self.history_changed.emit()

    def _forget(self) -> None:
        if self._stroke:
            self._stroke.is_open = False
            self._stroke = None
        self._history.clear()

    def _take(self, pixels: Pixels, mask: Pixels) -> None:
        """Both contiguous: the images look at their memory and keep it alive for whoever still holds one."""
        self.pixels, self.mask = pixels, mask
        height, width = mask.shape
        self._image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
        self._mask_image = QImage(mask.data, width, height, width, QImage.Format.Format_Alpha8)

    # what is done to it

    def begin(self, name: str) -> Stroke:
        """Begin to change it; `name` is what undo is called by, such as "Brush". A stroke still open is ended first."""
        if self._stroke:
            self._stroke.end()
        self._stroke = Stroke(self, name)
        return self._stroke

    def apply(self, box: QRect, rgb: NDArray[np.uint8], name: str) -> None:
        """Put a picture (box height, box width, 3) into the box, as far as it lies in this one; undoable.

        Raises ValueError where its size is not the box's.
        """
        if rgb.shape != (box.height(), box.width(), 3):
            raise ValueError(f"A picture for {box.width()} × {box.height()} pixels is not {rgb.shape}.")
        self._write("picture", self.pixels[..., 2::-1], box, rgb, name)

    def apply_mask(self, rect: QRect, values: NDArray[np.uint8], name: str) -> None:
        """Put values (rect height, rect width) into the mask, as far as they lie in it; undoable.

        Raises ValueError where their size is not the rectangle's.
        """
        if values.shape != (rect.height(), rect.width()):
            raise ValueError(f"A mask for {rect.width()} × {rect.height()} pixels is not {values.shape}.")
        self._write("mask", self.mask, rect, values, name)

    def _write(self, layer: Layer, target: Pixels, rect: QRect, values: NDArray[np.uint8], name: str) -> None:
        inside = rect.intersected(self.rect)
        stroke = self.begin(name)
        if not inside.isEmpty():
            stroke.touch(layer, inside)
            part(target, inside)[...] = part(values, inside.translated(-rect.topLeft()))
            stroke.changed(layer, inside)
        stroke.end()

    def _changed(self, layer: Layer, rect: QRect) -> None:
        self.revision += 1
        (self.picture_changed if layer == "picture" else self.mask_changed).emit(rect)

    def _ended(self, stroke: Stroke, step: Painted | None) -> None:
        self._stroke = None
        if step:
            self._history.add(step)
        if stroke.is_dirty or step:
            self.history_changed.emit()

    # undo and redo

    @property
    def can_undo(self) -> bool:
        return bool(self._history.done) or bool(self._stroke and self._stroke.is_dirty)

    @property
    def can_redo(self) -> bool:
        return bool(self._history.undone) and not (self._stroke and self._stroke.is_dirty)

    @property
    def undo_text(self) -> str:
        """What undo would take back, such as "Brush"; "" when there is nothing."""
        if self._stroke and self._stroke.is_dirty:
            return self._stroke.name
        return self._history.done[-1].name if self._history.done else ""

    @property
    def redo_text(self) -> str:
        return self._history.undone[-1].name if self.can_redo else ""

    @property
    def history_size(self) -> int:
        """Bytes that the history keeps."""
        return self._history.size

    def undo(self) -> None:
        """Take the last step back; a stroke still open is ended first, and is that step. Without one, nothing."""
        if self._stroke:
            self._stroke.end()
        if self._history.done:
            self._history.undo()
            self.history_changed.emit()

    def redo(self) -> None:
        if self._stroke:
            self._stroke.end()
        if self._history.undone:
            self._history.redo()
            self.history_changed.emit()


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
            "picture": Saved(artwork.pixels[..., :3]),  # the fourth byte never changes
            "mask": Saved(artwork.mask),
        }
        self.is_dirty = False
        """Whether something was said to have changed."""

    def touch(self, layer: Layer, rect: QRect) -> None:
        """Before writing into `rect` of a layer. Raises RuntimeError where the stroke has ended."""
        if not self.is_open:
            raise RuntimeError(f"The stroke “{self.name}” has ended.")
        self._saved[layer].touch(rect.intersected(self._artwork.rect))

    def before(self, layer: Layer, rect: QRect) -> Pixels:
        """A copy of a touched part as it was before: (h, w) of the mask, (h, w, 3) B, G, R of the picture."""
        return self._saved[layer].before(rect.intersected(self._artwork.rect))

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
        return sum(len(patch.packed) for patches in self.layers.values() for patch in patches)

    def undo(self) -> None:
        for layer, patches in self.layers.items():
            pixels = self.artwork.pixels[..., :3] if layer == "picture" else self.artwork.mask
            for patch in patches:
                patch.toggle(pixels)
            keys = [key for patch in patches for key in patch.keys]
            self.artwork._changed(layer, bounds(keys, self.artwork.rect))

    redo = undo


def bgra(rgb: NDArray[np.uint8]) -> Pixels:
    """(H, W, 3) → (H, W, 4) in the order B, G, R, 255: what QImage calls RGB32 on a little-endian machine."""
    pixels = np.empty((*rgb.shape[:2], 4), np.uint8)
    pixels[..., 2::-1] = rgb
    pixels[..., 3] = 255
    return pixels
