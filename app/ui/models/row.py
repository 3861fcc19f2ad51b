"""A row of a list of models: its picture, its name, a second line, and the badge of its family."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QImage, QPainter, QPainterPath, QPalette, QPen
from PySide6.QtWidgets import QApplication, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.core.models.table import ABOUT, ALARM, BADGE, PICTURE
from app.core.models.thumbnails import Thumbnails
from app.ui.look import icons
from app.ui.look.theme import em

HIGH = 2.9  # em


class ModelRow(QStyledItemDelegate):
    """Paints the roles of app.core.models.table; every row has the same height."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, round(option.fontMetrics.height() * HIGH))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        palette, line = QApplication.palette(), option.fontMetrics.height()
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        frame = QRectF(option.rect).adjusted(1.5, 0.5, -1.5, -0.5)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 1.5))
            painter.setBrush(palette.color(QPalette.ColorRole.Button))
            painter.drawRoundedRect(frame, line / 3, line / 3)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.color(QPalette.ColorRole.Midlight))
            painter.drawRoundedRect(frame, line / 3, line / 3)
        faded = bool(index.data(ALARM))
        edge = line * 0.35
        side = frame.height() - 2 * edge
        square = QRectF(frame.left() + edge, frame.top() + edge, side, side)
        painter.setOpacity(0.55 if faded else 1.0)
        paint_picture(painter, square, self._image(index.data(PICTURE)), palette)
        painter.setOpacity(1.0)
        left, right = round(square.right() + line * 0.6), round(frame.right() - line * 0.5)
        if badge := index.data(BADGE) or "":
            right = self._badge(painter, option, badge, right, frame, faded) - line // 2
        words = QRect(left, round(frame.top() + line * 0.3), right - left, round(frame.height() - line * 0.6))
        muted = palette.color(QPalette.ColorRole.PlaceholderText)
        painter.setFont(option.font)
        painter.setPen(muted if faded else palette.color(QPalette.ColorRole.Text))
        name = option.fontMetrics.elidedText(str(index.data()), Qt.TextElideMode.ElideMiddle, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, name)
        painter.setPen(muted)
        about = option.fontMetrics.elidedText(index.data(ABOUT) or "", Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, about)
        painter.restore()

    def _image(self, path: Path | None) -> QImage | None:
        return None if path is None else self._thumbnails.of(path)

    @staticmethod
    def _badge(
        painter: QPainter, option: QStyleOptionViewItem, text: str, right: int, frame: QRectF, faded: bool
    ) -> int:
        """Paint the badge with its right end at `right`; return where it begins."""
        palette, line = QApplication.palette(), option.fontMetrics.height()
        font = QFont(option.font)
        font.setPointSizeF(font.pointSizeF() * 0.88)
        painter.setFont(font)
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, round(frame.width() / 3))
        width = painter.fontMetrics().horizontalAdvance(shown) + line * 0.9
        box = QRectF(right - width, frame.center().y() - line * 0.6, width, line * 1.2)
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Mid), 1))
        painter.setBrush(palette.color(QPalette.ColorRole.Window))
        painter.drawRoundedRect(box, line * 0.6, line * 0.6)
        painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText if faded else QPalette.ColorRole.Text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, shown)
        return round(box.left())


def paint_picture(painter: QPainter, square: QRectF, image: QImage | None, palette: QPalette) -> None:
    """Paint a model's picture with round corners, or the sign of a model where it has none."""
    radius = square.height() / 7
    outline = QPainterPath()
    outline.addRoundedRect(square, radius, radius)
    painter.save()
    if image is None:
        painter.fillPath(outline, palette.color(QPalette.ColorRole.Button))
        inset = square.height() / 4
        ink = palette.color(QPalette.ColorRole.PlaceholderText)
        icons.paint(painter, "model", square.adjusted(inset, inset, -inset, -inset), ink)
    else:
        painter.setClipPath(outline)
        painter.drawImage(square, image, QRectF(image.rect()))
    painter.restore()


class ModelList(QListView):
    """A list of models that stays smooth with thousands: every row has the same height, pictures come when seen."""

    def __init__(self, thumbnails: Thumbnails, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setObjectName("models")
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)  # the row under the pointer is shown
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.verticalScrollBar().setSingleStep(em(self, HIGH))
        self.setItemDelegate(ModelRow(thumbnails, self))
        thumbnails.arrived.connect(self.viewport().update)
