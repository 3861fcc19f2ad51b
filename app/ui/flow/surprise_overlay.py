"""The map of what surprises the model, over the picture on the canvas; the region under the pointer says its bits."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QHoverEvent, QImage, QPainter, QPalette, QPen

from app.core.flow.likelihood import PictureLikelihood
from app.core.shown.render import from_rgb
from app.ui.canvas.easel import path_of, two_tone
from app.ui.canvas.view import CanvasView
from app.ui.flow.heat_colours import overlay_heat
from app.ui.look.theme import em

HOVERS = (QEvent.Type.HoverMove, QEvent.Type.HoverEnter, QEvent.Type.HoverLeave)


class SurpriseOverlay(QObject):
    """Lies on the canvas while the appraisal has a map to show, and tells it where the pointer is."""

    def __init__(self, canvas: CanvasView, picture_likelihood: PictureLikelihood) -> None:
        super().__init__(canvas)
        self._canvas, self._likelihood = canvas, picture_likelihood
        self._painted: tuple[object, QImage] | None = None
        canvas.setAttribute(Qt.WidgetAttribute.WA_Hover)
        canvas.installEventFilter(self)
        picture_likelihood.map_changed.connect(self.refresh)
        picture_likelihood.pointed_region_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        shown = self._likelihood.map is not None
        self._canvas.glass = self if shown else None
        if shown:
            self._canvas.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in HOVERS and self._likelihood.map is not None:
            inside = isinstance(event, QHoverEvent) and event.type() != QEvent.Type.HoverLeave
            self._point(event.position() if inside and isinstance(event, QHoverEvent) else None)
        return False

    def _point(self, at: QPointF | None) -> None:
        seen = self._likelihood.map
        if at is None or seen is None:
            self._likelihood.pointed_region = None
            return
        place, (height, width) = seen.place, seen.regions.pixels.shape
        spot = self._canvas.viewport.to_picture(at) - place.topLeft()
        self._likelihood.pointed_region = seen.regions.at(
            spot.x() * width / place.width(), spot.y() * height / place.height()
        )

    def paint(self, painter: QPainter, exposed: QRect) -> None:
        seen = self._likelihood.map
        if seen is None:
            return
        place = self._canvas.viewport.transform.mapRect(seen.place)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, place.width() < seen.rgb.shape[1])
        painter.drawImage(place, self._image())
        pointed_region = self._likelihood.pointed_region
        if pointed_region is not None:
            self._paint_region(painter, self.region(*pointed_region), seen.regions.words(*pointed_region))
        painter.restore()

    def region(self, row: int, column: int) -> QRectF:
        """Where a region of the map is on the canvas."""
        seen = self._likelihood.map
        assert seen is not None
        height, width = seen.regions.pixels.shape
        x, y, w, h = seen.regions.extent(row, column)
        across, down = seen.place.width() / width, seen.place.height() / height
        part = QRectF(x * across, y * down, w * across, h * down).translated(seen.place.topLeft())
        return self._canvas.viewport.transform.mapRect(part)

    def _image(self) -> QImage:
        seen = self._likelihood.map
        assert seen is not None
        if self._painted is None or self._painted[0] is not seen:
            self._painted = seen, from_rgb(overlay_heat(seen.rgb, seen.regions.scaled()))
        return self._painted[1]

    def _paint_region(self, painter: QPainter, region: QRectF, words: str) -> None:
        two_tone(painter, path_of(region))
        metrics, line = painter.fontMetrics(), em(self._canvas)
        box = QRectF(0, 0, metrics.horizontalAdvance(words) + line, 1.5 * line)
        box.moveBottomLeft(region.topRight() + QPointF(0.3 * line, -0.2 * line))
        room = QRectF(self._canvas.rect()).adjusted(2, 2, -2, -2)
        box.moveLeft(max(room.left(), min(box.left(), room.right() - box.width())))
        box.moveTop(max(room.top(), min(box.top(), room.bottom() - box.height())))
        palette = self._canvas.palette()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Mid), 1))
        painter.setBrush(palette.color(QPalette.ColorRole.Window))
        painter.drawRoundedRect(box, 0.3 * line, 0.3 * line)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), words)
