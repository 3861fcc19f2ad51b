"""The artwork: the picture being edited, its mask, the box that the model sees, and the undo history."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPoint, QRect, QSize, Signal
from PySide6.QtGui import QColor, QImage

from app.core.canvas.box import fit_box, largest_box, reshape_box
from app.core.canvas.box_move import BoxMove, BoxPlace
from app.core.canvas.canvas_size import SizeStep, Strip, crop, cut_strips
from app.core.canvas.origin import Origin
from app.core.canvas.pace import Pace
from app.core.canvas.stroke import Layer, PaintStep, Stroke
from app.core.canvas.undo import TILE, History, Pixels, UndoStep, part

LIMIT = 256 << 20  # bytes of history
LARGE = 1 << 22  # pixels: a change of a larger picture is made in pieces
BAND = 1 << 20  # pixels of such a piece
TILES = 512  # of an undo step: a larger one is packed, undone and redone in pieces
KEEP, ANEW = 0, 255  # the mask's ends; a value m between has its pixel made anew in the last m/255 of the steps


class Artwork(QObject):
    """A picture (H, W, 3) uint8 and a mask (H, W) uint8 (0 keep … 255 make anew); every change can be undone.

    Write into `pixels` or `mask` only in a Stroke: touch, write, changed. Each setter emits only on change.
    """

    opened = Signal()  # another picture: `pixels`, `mask`, the image, the box and the history are new
    resized = Signal(QPoint)  # the same picture in another size; carries the new place of its old pixel (0, 0)
    picture_changed = Signal(QRect)
    mask_changed = Signal(QRect)
    box_changed = Signal()
    box_pinned = Signal()  # whether the box was placed by hand
    history_changed = Signal()
    closed = Signal()

    def __init__(self, limit: int = LIMIT, parent: QObject | None = None) -> None:
        """`limit`: bytes that the history may keep; above it the oldest step is dropped."""
        super().__init__(parent)
        self._history = History(limit)
        self._writing, self._packing = Pace(self), Pace(self)
        self._writing.changed.connect(self.history_changed)
        self._stroke: Stroke | BoxMove | None = None
        self._box, self._box_aspect, self._by_hand = QRect(), QSize(1, 1), False
        self.title = ""
        self.origin: Origin | None = None  # None where nothing is known
        self.revision = 0
        """Goes up with every change of a pixel, of the mask or of the size."""
        self._take(np.empty((0, 0, 4), np.uint8), np.empty((0, 0), np.uint8))

    # contents

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
        """The picture as RGB32: a view of `pixels` (H, W, 4) in the order B, G, R, 255."""
        return self._image

    def rgb(self, rect: QRect | None = None) -> NDArray[np.uint8]:
        """Copy the picture, or the part of `rect` that lies in it: (h, w, 3)."""
        self.finish()
        inside = self.rect if rect is None else rect.intersected(self.rect)
        rgb = np.empty((inside.height(), inside.width(), 3), np.uint8)
        copy_reversed(part(self.pixels, inside), rgb)
        return rgb

    # the box: what the model sees

    @property
    def box(self) -> QRect:
        """The part that the model sees, in the picture's pixels. It may reach outside, its centre may not.

        Setting it pins it (`box_by_hand`). It is not a step of the history; what a hand does is: begin_move().
        """
        return QRect(self._box)

    @box.setter
    def box(self, box: QRect) -> None:
        if self.is_open:
            self.fit_box(box)
            self.box_by_hand = True

    def fit_box(self, box: QRect) -> None:
        """Place the box without a hand, within its limits."""
        self._place(fit_box(box, self._box_aspect, self.rect))

    @property
    def box_by_hand(self) -> bool:
        """Whether the box was placed on purpose: then it does not follow the mask (app.core.canvas.auto_box)."""
        return self._by_hand

    @box_by_hand.setter
    def box_by_hand(self, by_hand: bool) -> None:
        if self.is_open and by_hand != self._by_hand:
            self._by_hand = by_hand
            self.box_pinned.emit()

    @property
    def box_aspect(self) -> QSize:
        """The model's size; the box keeps its aspect ratio."""
        return QSize(self._box_aspect)

    @box_aspect.setter
    def box_aspect(self, aspect: QSize) -> None:
        """Change the aspect ratio: the box keeps its centre and about its area. Raises ValueError for an empty size."""
        if aspect.isEmpty():
            raise ValueError("The box needs a width and a height.")
        if aspect == self._box_aspect:
            return
        self._box_aspect = QSize(aspect)
        if self.is_open:
            self._place(reshape_box(self._box, aspect, self.rect))

    def put_box(self, place: BoxPlace) -> None:
        """Move the box to an earlier or later place (undo, redo), in the aspect ratio of the current model."""
        same = place.aspect == self._box_aspect
        self._place(QRect(place.box) if same else reshape_box(place.box, self._box_aspect, self.rect))
        self.box_by_hand = place.by_hand

    def _place(self, box: QRect) -> None:
        if box != self._box:
            self._box = box
            self.box_changed.emit()

    # open and close

    def open(
        self,
        rgb: NDArray[np.uint8],
        title: str = "",
        box_size: tuple[int, int] | None = None,
        mask: NDArray[np.uint8] | None = None,
    ) -> None:
        """Replace the artwork by a picture (H, W, 3), without history; its mask (H, W) is empty unless given.

        The box takes the shape of `box_size` (width, height), the model's, and is the largest that fits; without it,
        the box is the whole picture. Raises ValueError for an array of another kind.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or not rgb.size:
            raise ValueError(f"A picture is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}.")
        self.adopt(bgra(rgb), title, box_size, mask)

    def adopt(
        self,
        pixels: Pixels,
        title: str = "",
        box_size: tuple[int, int] | None = None,
        mask: NDArray[np.uint8] | None = None,
        origin: Origin | None = None,
    ) -> None:
        """Do as open() for the result of bgra(), perhaps of another thread; the array then belongs to the artwork."""
        if mask is not None and (mask.shape != pixels.shape[:2] or mask.dtype != np.uint8):
            raise ValueError(f"The mask of this picture is {pixels.shape[:2]} uint8, not {mask.shape} {mask.dtype}.")
        self._start(pixels, title, box_size, mask, origin)

    def blank(self, width: int, height: int, colour: QColor, box_size: tuple[int, int] | None = None) -> None:
        """Replace the artwork by a picture of one colour. Raises ValueError where a side is less than 1."""
        self._start(plain_picture(width, height, colour), "", box_size)

    def close(self) -> None:
        if not self.is_open:
            return
        self._forget()
        self._take(np.empty((0, 0, 4), np.uint8), np.empty((0, 0), np.uint8))
        self._box, self.title, self.origin, self._by_hand = QRect(), "", None, False
        self.revision += 1
        self.closed.emit()
        self.history_changed.emit()

    def _start(
        self,
        pixels: Pixels,
        title: str,
        box_size: tuple[int, int] | None,
        mask: NDArray[np.uint8] | None = None,
        origin: Origin | None = None,
    ) -> None:
        self._forget()
        self._take(pixels, np.zeros(pixels.shape[:2], np.uint8) if mask is None else mask.copy(order="C"))
        self.title, self.origin = title, origin
        self._box_aspect = QSize(*box_size) if box_size else QSize(self.width, self.height)
        self._box, self._by_hand = largest_box(self._box_aspect, self.rect), False
        self.revision += 1
        self.opened.emit()
        self.box_changed.emit()
        self.history_changed.emit()

    def _forget(self) -> None:
        self._writing.drop()
        self._packing.drop()
        if self._stroke:
            self._stroke.is_open = False
            self._stroke = None
        self._history.clear()

    def _take(self, pixels: Pixels, mask: Pixels) -> None:
        """Set both arrays, which are contiguous. The image is a view of `pixels` and keeps their memory alive."""
        self.pixels, self.mask = pixels, mask
        height, width = mask.shape
        self._image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)

    # changes

    def begin(self, name: str) -> Stroke:
        """Begin a stroke; undo shows `name`, such as "Brush". A stroke that is still open ends first."""
        self._end_open()
        self._stroke = stroke = Stroke(self, name)
        return stroke

    def begin_move(self, name: str) -> BoxMove:
        """Begin to move or resize the box, as begin() does for paint."""
        self._end_open()
        self._stroke = move = BoxMove(self, name)
        return move

    def apply(self, box: QRect, rgb: NDArray[np.uint8], name: str) -> None:
        """Put a picture (box height, box width, 3) into the box, within the artwork; one undo step.

        Raises ValueError where its size is not the box's.
        """
        if rgb.shape != (box.height(), box.width(), 3):
            raise ValueError(f"A picture for {box.width()} × {box.height()} pixels is not {rgb.shape}.")
        self._write("picture", lambda inside, made: copy_reversed(made, part(self.pixels, inside)), box, rgb, name)

    def apply_mask(self, rect: QRect, values: NDArray[np.uint8], name: str) -> None:
        """Put values (rect height, rect width) into the mask, within the artwork; one undo step.

        Raises ValueError where their size is not the rectangle's.
        """
        if values.shape != (rect.height(), rect.width()):
            raise ValueError(f"A mask for {rect.width()} × {rect.height()} pixels is not {values.shape}.")
        self._write("mask", lambda inside, made: np.copyto(part(self.mask, inside), made), rect, values, name)

    def resize(self, rect: QRect, name: str = "Canvas size") -> None:
        """Change the size to `rect` of the picture, which may cut it and reach beyond it; one undo step.

        What is added is masked in full and repeats the picture's edge, as the model sees it beyond a picture.
        Raises ValueError where nothing of the picture would be left.
        """
        if rect.isEmpty() or rect.intersected(self.rect).isEmpty():
            raise ValueError("Nothing of the picture lies in its new size.")
        self._end_open()
        if rect != self.rect:
            step = SizeStep(self._crop, name, self.rect, QRect(rect), cut_strips(self.pixels, self.mask, rect))
            for _ in step.redoing():
                pass
            self._history.add(step)
            self.history_changed.emit()

    def _crop(self, rect: QRect, strips: Sequence[Strip]) -> None:
        """Change the size to `rect` of the artwork, with `strips` put back in their places."""
        pixels, mask = crop(self.pixels, self.mask, rect, ANEW)
        for strip in strips:
            strip.put_back(pixels, mask)
        self._take(pixels, mask)
        self._box = fit_box(self._box.translated(-rect.topLeft()), self._box_aspect, self.rect)
        self.revision += 1
        self.resized.emit(-rect.topLeft())
        self.box_changed.emit()

    def _write(
        self, layer: Layer, write: Callable[[QRect, Pixels], None], rect: QRect, values: Pixels, name: str
    ) -> None:
        corner = rect.topLeft()
        self.paint(name, layer, rect, lambda band: write(band, part(values, band.translated(-corner))))

    # long work

    @property
    def busy(self) -> bool:
        """Whether a long change is going on, some milliseconds at a time."""
        return self._writing.busy or self._packing.busy

    def finish(self) -> None:
        """End a long change now."""
        self._writing.finish()

    def work(self, change: Iterator[None]) -> None:
        """Make a change that yields where it may be interrupted: at once on a picture that is not large."""
        self._end_open()
        self._writing.start(change, self.width * self.height <= LARGE)

    def paint(self, name: str, layer: Layer, rect: QRect, write: Callable[[QRect], None]) -> None:
        """Change a layer in `rect`, as far as it lies in the picture, as one undo step: `write` is called with bands of
        it, from top to bottom.
        """
        self.work(self.painting(name, layer, rect, write))

    def painting(self, name: str, layer: Layer, rect: QRect, write: Callable[[QRect], None]) -> Iterator[None]:
        """Do paint() in pieces."""
        inside = rect.intersected(self.rect)
        stroke = self.begin(name)
        for band in bands(inside):
            stroke.touch(layer, band)
            write(band)
            stroke.pack(layer)
            stroke.changed(layer, band)
            yield
        stroke.end()

    def _end_open(self) -> None:
        self.finish()
        if self._stroke:
            self._stroke.end()

    @property
    def in_gesture(self) -> bool:
        """Whether a stroke or a move of the box has begun to change something, and goes on."""
        return self._stroke is not None and self._stroke.is_dirty

    # for the gestures that begin() and begin_move() return

    def emit_change(self, layer: Layer, rect: QRect) -> None:
        """Report that pixels of a layer changed in `rect`."""
        self.revision += 1
        (self.picture_changed if layer == "picture" else self.mask_changed).emit(rect)

    def emit_history(self) -> None:
        """Report that the undo history changed."""
        self.history_changed.emit()

    def end_gesture(self, gesture: Stroke | BoxMove, step: UndoStep | None) -> None:
        """End a gesture; `step` goes into the history, None where nothing changed."""
        self._stroke = None
        if step:
            self._history.add(step)
            if isinstance(step, PaintStep):
                self._packing.start(step.packing(), step.tiles <= TILES)
        if gesture.is_dirty or step:
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
        """The name of the step that undo reverts, such as "Brush"; "" for none."""
        if self._stroke and self._stroke.is_dirty:
            return self._stroke.name
        return self._history.done[-1].name if self._history.done else ""

    @property
    def redo_text(self) -> str:
        return self._history.undone[-1].name if self.can_redo else ""

    @property
    def history_size(self) -> int:
        """Size of the history in bytes."""
        return self._history.size

    def undo(self) -> None:
        """Revert the last step, if there is one; a stroke that is still open ends first and is that step."""
        self._end_open()
        if self._history.done:
            self._writing.start(self._walk(self._history.undoing()), _is_small(self._history.done[-1]))

    def redo(self) -> None:
        self._end_open()
        if self._history.undone:
            self._writing.start(self._walk(self._history.redoing()), _is_small(self._history.undone[-1]))

    def _walk(self, steps: Iterator[None]) -> Iterator[None]:
        yield from steps
        self.history_changed.emit()


def bands(rect: QRect) -> Iterator[QRect]:
    """`rect` from top to bottom, in whole rows of tiles of about BAND pixels."""
    step = max(1, BAND // max(1, rect.width() * TILE)) * TILE
    top, end = rect.top(), rect.top() + rect.height()
    while top < end and rect.width() > 0:
        below = min(end, (top // step + 1) * step)
        yield QRect(rect.left(), top, rect.width(), below - top)
        top = below


def _is_small(step: UndoStep) -> bool:
    return not isinstance(step, PaintStep) or step.tiles <= TILES


def plain_picture(width: int, height: int, colour: QColor) -> Pixels:
    """Return (height, width, 4) of one colour, as bgra() does. Raises ValueError where a side is less than 1."""
    if width < 1 or height < 1:
        raise ValueError(f"A picture has at least one pixel, not {width} × {height}.")
    pixels = np.full((height, width), colour.rgb(), "<u4").view(np.uint8)  # 0xFFRRGGBB, its lowest byte first
    return pixels.reshape(height, width, 4)


def bgra(rgb: NDArray[np.uint8]) -> Pixels:
    """Convert (H, W, 3) to (H, W, 4) in the order B, G, R, 255: QImage's RGB32 on a little-endian machine."""
    pixels = np.empty((*rgb.shape[:2], 4), np.uint8)
    copy_reversed(rgb, pixels)
    pixels[..., 3] = 255
    return pixels


def copy_reversed(source: Pixels, target: Pixels) -> None:
    """Copy R, G, B to B, G, R or back, channel by channel: in a third of the time that a reversed view takes."""
    for channel in range(3):
        target[..., channel] = source[..., 2 - channel]
