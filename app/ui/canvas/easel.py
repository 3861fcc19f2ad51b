"""The artwork on the canvas: the picture, a candidate over it, the mask with its outlines, and the hand's tool."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPalette, QPen

from app.core.canvas.artwork import Artwork
from app.core.canvas.toolset import Toolset
from app.ui.canvas import badge
from app.ui.canvas.hand import Hand
from app.ui.canvas.overlay import Cells, Overlay, tint_of, to_device_pixels
from app.ui.canvas.resample import CRISP_FROM
from app.ui.canvas.shrunk_copy import ShrunkCopy, block_maximum, block_mean
from app.ui.canvas.view import CanvasView
from app.ui.canvas.viewport import Viewport
from app.ui.look.theme import em

CELLS_FROM = 2048  # pixels of a side of the box: the outline of a larger one follows a smaller copy of the mask
HALF = 0.5  # device pixels per document pixel below which the picture is shrunk before it is painted


class Easel(QObject):
    """Paints the artwork on a canvas while `shown`; repaints only changed parts."""

    def __init__(self, canvas: CanvasView, artwork: Artwork, tools: Toolset) -> None:
        super().__init__(canvas)
        self.viewport = Viewport()
        self.hand = Hand(canvas, artwork, tools)
        self._canvas, self._artwork, self._tools = canvas, artwork, tools
        self._candidate: tuple[QRect, QImage] | None = None
        self._result_shown = False
        self._was_busy = False
        self._free_cells: Callable[[], NDArray[np.bool_] | None] = lambda: None
        self._small = ShrunkCopy(lambda: artwork.pixels, block_mean)
        self._mask = ShrunkCopy(lambda: artwork.mask, block_maximum)
        self._overlay = Overlay(self._mask)
        self._coarse = ShrunkCopy(lambda: artwork.mask, block_maximum)
        self._box_note: Callable[[], str] = lambda: ""
        self._stale = True  # the outline of the model's pixels
        self._drawn = QRect()  # what the hand's ring and outline cover
        artwork.opened.connect(self._reopened)
        artwork.resized.connect(self._reopened)
        artwork.picture_changed.connect(self._picture_changed)
        artwork.mask_changed.connect(self._mask_changed)
        artwork.box_changed.connect(self.look_again)
        for signal in (tools.tool_changed, tools.choices_changed):  # the box tool dims what it leaves out
            signal.connect(self._refresh)
        self.hand.moved.connect(self._hand_moved)

    @property
    def shown(self) -> bool:
        return self._canvas.stand is self

    @shown.setter
    def shown(self, shown: bool) -> None:
        if shown == self.shown:
            return
        self._canvas.stand = self if shown else None
        self.hand.at_work = shown
        if shown:
            self._reopened()

    @property
    def tint(self) -> QColor:
        """Of the mask."""
        return tint_of(self._canvas.palette().color(QPalette.ColorRole.Highlight))

    @property
    def candidate(self) -> QImage | None:
        return self._candidate[1] if self._candidate else None

    def set_candidate(self, box: QRect, image: QImage | None) -> None:
        """Show `image`, of any size, over `box` of the document; None: the document as it is."""
        if image is not None and self._candidate == (box, image):
            return
        before, self._candidate = self._candidate, None if image is None else (QRect(box), image)
        for shown in (before, self._candidate):
            if shown:
                self._update(shown[0])
        if (before is None) != (self._candidate is None):
            self._refresh()  # the tint goes, or comes back

    @property
    def result_shown(self) -> bool:
        """Whether a result of a run is shown: the mask is hidden then, except during a gesture."""
        return self._result_shown

    @result_shown.setter
    def result_shown(self, result_shown: bool) -> None:
        if result_shown != self._result_shown:
            self._result_shown = result_shown
            self._refresh()

    def see_as(self, free_cells: Callable[[], NDArray[np.bool_] | None]) -> None:
        """What says which of the model's pixels in the box are made anew (h, w); None: no outline of them.

        It is called after each change of the mask or the box.
        """
        self._free_cells = free_cells
        self.look_again()

    def note_box(self, note: Callable[[], str]) -> None:
        """What says a few words on the box, which are painted in its corner; "" for nothing."""
        self._box_note = note

    def mask_for_cells(self) -> tuple[NDArray[np.uint8], int]:
        """Return the mask with each block of factor × factor pixels as its largest value, and the factor: 1 unless the
        box is large, where all of it cannot be looked at after each move of a brush.
        """
        side = max(self._artwork.box.width(), self._artwork.box.height(), 1)
        factor = 1 << max(0, math.ceil(math.log2(side / CELLS_FROM)))
        return self._coarse.at(factor), factor

    def look_again(self) -> None:
        """What `see_as` was given would say something else now."""
        self._stale = True
        self._refresh()

    # painting

    def paint(self, painter: QPainter, exposed: QRect) -> None:
        if not self._artwork.is_open:
            return
        painter.save()
        painter.setClipRect(self.viewport.rect().intersected(QRectF(exposed)), Qt.ClipOperation.IntersectClip)
        painter.save()
        painter.setTransform(self.viewport.transform, True)
        self._paint_picture(painter)
        painter.restore()
        if self._tools.mask_shown and (self.hand.busy or not self._result_shown):
            self._paint_mask(painter, exposed)
        painter.restore()
        self._paint_box(painter)
        self._paint_hand(painter)

    def _paint_picture(self, painter: QPainter) -> None:
        scale, whole = self.viewport.scale, QRectF(self._artwork.rect)
        if scale < HALF:
            factor = 1 << math.floor(math.log2(1 / scale))
            pixels = self._small.at(factor)
            height, width = pixels.shape[:2]
            picture = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
            whole = QRectF(0, 0, width * factor, height * factor)
        else:
            picture = self._artwork.image
        self._lay(painter, whole, picture)
        if self._candidate:
            self._lay(painter, QRectF(self._candidate[0]), self._candidate[1])

    def _lay(self, painter: QPainter, place: QRectF, picture: QImage) -> None:
        scale = self.viewport.scale * place.width() / max(1, picture.width())
        smooth = scale != 1 and (scale < CRISP_FROM or self._canvas.smooth)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(place, picture)

    def _paint_mask(self, painter: QPainter, exposed: QRect) -> None:
        if self._stale:
            self._stale = False
            free = self._free_cells()
            self._overlay.cells = None if free is None else Cells(free, self._artwork.box)
        tinted = self._candidate is None or self.hand.busy
        ratio = self.viewport.ratio
        area = to_device_pixels(QRectF(exposed).intersected(self.viewport.rect()), ratio)
        if area.isEmpty():
            return
        image = self._overlay.image(self.viewport, area, self.tint, tinted)
        if image is not None:
            painter.save()
            painter.scale(1 / ratio, 1 / ratio)
            painter.drawImage(area.topLeft(), image)
            painter.restore()

    def _paint_box(self, painter: QPainter) -> None:
        in_hand = self._tools.tool == "box"
        if not (self._tools.mask_shown or in_hand):
            return
        box = self.viewport.transform.mapRect(QRectF(self._artwork.box))
        if in_hand:
            outside = QPainterPath()
            outside.addRect(self.viewport.rect())
            outside.addRect(box)
            painter.fillPath(outside.intersected(path_of(self.viewport.rect())), QColor(0, 0, 0, 110))
        two_tone(painter, path_of(box), dashed=True)
        note = self._box_note()
        if note:  # under the box; above its lower edge where the canvas ends there
            plate = QRectF(box.left(), box.bottom() + 2, em(self._canvas, 0.6 * len(note)), em(self._canvas))
            plate.moveBottom(min(plate.bottom(), self._canvas.height() - 2))
            badge.paint(painter, plate, note, self._canvas.palette(), left=True)
        if in_hand:
            side = em(self._canvas, 0.5)
            painter.setPen(QPen(Qt.GlobalColor.black, 1))
            painter.setBrush(Qt.GlobalColor.white)
            for corner in (box.topLeft(), box.topRight(), box.bottomLeft(), box.bottomRight()):
                painter.drawRect(QRectF(corner - QPointF(side, side) / 2, QPointF(corner + QPointF(side, side) / 2)))
            painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_hand(self, painter: QPainter) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = self.hand.tool.outline()
        if not outline.isEmpty():
            two_tone(painter, self.viewport.transform.map(outline), dashed=True)
        at = self.hand.at
        if at is not None and (self.hand.tool.ring or self.hand.by_key):
            two_tone(painter, self._pointer(self.viewport.transform.map(at)))
        painter.restore()

    def _pointer(self, at: QPointF) -> QPainterPath:
        """Paint the ring of the brush; a cross for no ring, or one too small to be seen."""
        path, arm = QPainterPath(), em(self._canvas, 0.4)
        radius = self.hand.tool.choices.size * self.viewport.logical / 2 if self.hand.tool.ring else 0.0
        if radius:
            path.addEllipse(at, radius, radius)
        if radius < arm or self.hand.by_key:
            for x, y in ((arm, 0), (-arm, 0), (0, arm), (0, -arm)):
                path.moveTo(at + QPointF(x, y) * max(0.4, min(1, radius / arm)))
                path.lineTo(at + QPointF(x, y) * (1 + max(0.4, min(1, radius / arm))))
        return path

    # what changed

    def _reopened(self) -> None:
        self._small.forget()
        self._mask.forget()
        self._coarse.forget()
        self._candidate = None
        self._stale = True
        size = self._artwork.rect.size()
        if size != self.viewport.picture:
            self.viewport.picture = size
            self.viewport.fitted = True
        if self.shown:
            self._canvas.refit()

    def _picture_changed(self, rect: QRect) -> None:
        self._small.touch(rect)
        self._update(rect)

    def _mask_changed(self, rect: QRect) -> None:
        self._mask.touch(rect)
        self._coarse.touch(rect)
        self._stale = True
        self._update(self._overlay.cells.around(rect) if self._overlay.cells else rect)

    def _hand_moved(self) -> None:
        if self.hand.busy != self._was_busy:
            self._was_busy = self.hand.busy
            if self._candidate is not None or self._result_shown:
                self._refresh()  # the mask is shown or hidden
        outline = self.viewport.transform.map(self.hand.tool.outline()).boundingRect()
        at = self.hand.at
        if at is not None:
            outline = outline.united(self._pointer(self.viewport.transform.map(at)).boundingRect())
        drawn = outline.toAlignedRect().adjusted(-3, -3, 3, 3)
        if self.shown:
            self._canvas.update(self._drawn.united(drawn))
        self._drawn = drawn

    def _refresh(self) -> None:
        if self.shown:
            self._canvas.update()

    def _update(self, rect: QRect) -> None:
        """Repaint `rect` of the document, with the edges that smoothing and the outlines reach."""
        if self.shown:
            margin = math.ceil(self.viewport.logical) + 2
            place = self.viewport.transform.mapRect(QRectF(rect)).toAlignedRect()
            self._canvas.update(place.adjusted(-margin, -margin, margin, margin))


def path_of(rect: QRectF) -> QPainterPath:
    path = QPainterPath()
    path.addRect(rect)
    return path


def two_tone(painter: QPainter, path: QPainterPath, dashed: bool = False) -> None:
    """Paint a line that shows on any picture: dark under light."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 190), 1 if dashed else 2.6))
    painter.drawPath(path)
    pen = QPen(QColor(255, 255, 255, 240), 1 if dashed else 1.2)
    if dashed:
        pen.setDashPattern([5, 4])
    painter.setPen(pen)
    painter.drawPath(path)
