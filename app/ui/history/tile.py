"""A tile of the gallery: the picture, with its star, its rating as dots, and the number of a stack."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.core.history.history import History
from app.core.history.table import ROW
from app.ui.look import icons
from app.ui.widgets.picture_fit import fit_in
from engine.history.query import MISSING, Row

_STAR = ((0, -1), (0.235, -0.324), (0.951, -0.309), (0.38, 0.124), (0.588, 0.809), (0, 0.4), (-0.588, 0.809),
         (-0.38, 0.124), (-0.951, -0.309), (-0.235, -0.324))  # fmt: skip


class Tile(QStyledItemDelegate):
    """Paints the Row of app.core.history.table, and asks for the thumbnail that it lacks."""

    def __init__(self, history: History, parent: QObject) -> None:
        super().__init__(parent)
        self._history, self._thumbnails = history, history.thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return option.rect.size()

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row: Row = index.data(ROW)
        palette, rect = QApplication.palette(), option.rect
        image = self._thumbnails.kept(row.head)
        if row.state != MISSING and self._thumbnails.lacks(row.head):
            picture = self._history.picture(row.id)
            if picture is not None:
                self._thumbnails.want(row.id, row.head, picture.path)
        if row.stack > 1:
            self._paint_stack(painter, rect, palette)
        self._paint_picture(painter, rect, row, image, palette)
        line = option.fontMetrics.height()
        if row.starred or row.rating or row.stack > 1:
            self._paint_marks(painter, rect, row, line, palette)
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            self._frame(painter, rect, palette.color(QPalette.ColorRole.Highlight), max(2.0, line / 6))
        elif state & QStyle.StateFlag.State_MouseOver:
            self._frame(painter, rect, palette.color(QPalette.ColorRole.Mid), 1.5)
        if state & QStyle.StateFlag.State_HasFocus:
            self._frame(painter, rect.adjusted(3, 3, -3, -3), palette.color(QPalette.ColorRole.Text), 1)

    def _paint_picture(self, painter: QPainter, rect: QRect, row: Row, image: QImage | None, palette: QPalette) -> None:
        if image is not None and not image.isNull() and row.state != MISSING:
            painter.drawImage(self._fitted(rect, image, row, painter), image)
            return
        painter.fillRect(rect, palette.color(QPalette.ColorRole.Button))
        if image is None and row.state != MISSING:
            return  # it is being read
        side = min(rect.width(), rect.height()) / 3
        place = QRectF(0, 0, side, side)
        place.moveCenter(QPointF(rect.center()))
        icons.paint(painter, "alarm", place, palette.color(QPalette.ColorRole.PlaceholderText))

    def _fitted(self, rect: QRect, image: QImage, row: Row, painter: QPainter) -> QRectF:
        """Return where a thumbnail stands: each of its pixels one of the screen, unless it is of another side."""
        device = painter.device()
        ratio = device.devicePixelRatioF() if device is not None else 1.0
        if self._thumbnails.lacks(row.head):
            return fit_in(QRectF(rect), image)
        width, height = image.width() / ratio, image.height() / ratio
        left = rect.left() + round((rect.width() - width) / 2 * ratio) / ratio
        top = rect.top() + round((rect.height() - height) / 2 * ratio) / ratio
        return QRectF(left, top, width, height)

    @staticmethod
    def _paint_stack(painter: QPainter, rect: QRect, palette: QPalette) -> None:
        """The edge of more pictures behind this one."""
        painter.setPen(palette.color(QPalette.ColorRole.Mid))
        for by in (2, 4):
            painter.drawLine(rect.left() + by, rect.top() - by, rect.right() + by, rect.top() - by)
            painter.drawLine(rect.right() + by, rect.top() - by, rect.right() + by, rect.bottom() - by)

    @staticmethod
    def _paint_marks(painter: QPainter, rect: QRect, row: Row, line: int, palette: QPalette) -> None:
        """On plates of the window's colours: they are read on every picture."""
        ink, ground = palette.color(QPalette.ColorRole.Text), QColor(palette.color(QPalette.ColorRole.Window))
        ground.setAlpha(225)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        high = line * 1.1
        if row.starred or row.rating:
            step, star = line * 0.5, line * 0.95 if row.starred else 0.0
            plate = QRectF(rect.left() + 4, rect.bottom() - 3 - high, line * 0.4 + star + step * row.rating, high)
            paint_plate(painter, plate, ground)
            x, y = plate.left() + line * 0.2, plate.center().y()
            if row.starred:
                accent = palette.color(QPalette.ColorRole.Highlight)
                paint_star(painter, QPointF(x + line * 0.42, y), line * 0.4, accent)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink)
            for k in range(row.rating):
                painter.drawEllipse(QPointF(x + star + step * (k + 0.5), y), line * 0.15, line * 0.15)
        if row.stack > 1:
            text = str(row.stack)
            wide = painter.fontMetrics().horizontalAdvance(text) + line * 0.6
            plate = QRectF(rect.right() - 3 - wide, rect.bottom() - 3 - high, wide, high)
            paint_plate(painter, plate, ground)
            painter.setPen(ink)
            painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()

    @staticmethod
    def _frame(painter: QPainter, rect: QRect, colour: QColor, width: float) -> None:
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.MiterJoin))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        half = width / 2
        painter.drawRect(QRectF(rect).adjusted(half, half, -half, -half))


def paint_plate(painter: QPainter, plate: QRectF, ground: QColor) -> None:
    """The ground of a mark."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(plate, plate.height() / 4, plate.height() / 4)


def paint_star(painter: QPainter, middle: QPointF, radius: float, ink: QColor) -> None:
    star = QPolygonF([QPointF(middle.x() + radius * x, middle.y() + radius * y) for x, y in _STAR])
    painter.setPen(QPen(ink, max(1.0, radius / 7)))
    painter.setBrush(ink)
    painter.drawPolygon(star)
