"""Take pictures that are dropped on the window, with a hint over the canvas while they hover."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QMimeData, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QDragEnterEvent, QDragMoveEvent, QDropEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QWidget

from app.core.files.mime import holds_picture
from app.core.models.dropped import models_in
from app.ui.look import icons
from app.ui.look.theme import em


class DropHint(QWidget):
    """Says over `over` what dropping will do; it takes no events."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Drop to open")
        self.text = ""
        self.hide()

    def show_over(self, text: str) -> None:
        self.text = text
        self.setGeometry(self._over.rect())
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        ground = QColor(palette.color(QPalette.ColorRole.Dark))
        ground.setAlpha(200)
        painter.fillRect(self.rect(), ground)
        accent = palette.color(QPalette.ColorRole.Highlight)
        margin = em(self, 1)
        frame = QRectF(self.rect()).adjusted(margin, margin, -margin, -margin)
        pen = QPen(accent, max(1.0, em(self, 0.12)), Qt.PenStyle.CustomDashLine)
        pen.setDashPattern([5, 4])
        painter.setPen(pen)
        painter.drawRoundedRect(frame, em(self, 0.6), em(self, 0.6))
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 1.25)
        painter.setFont(font)
        side, pad = em(self, 2.4), em(self, 1.2)
        wide = painter.fontMetrics().horizontalAdvance(self.text)
        high = painter.fontMetrics().height()
        plate = QRectF(0, 0, wide + 2 * pad, side + high + 2.3 * pad)
        plate.moveCenter(frame.center())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.color(QPalette.ColorRole.Window))
        painter.drawRoundedRect(plate, em(self, 0.6), em(self, 0.6))
        icons.paint(painter, "open", QRectF(plate.center().x() - side / 2, plate.top() + pad, side, side), accent)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        words = QRectF(plate.left(), plate.bottom() - pad - high, plate.width(), high)
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, self.text)
        painter.end()


class DropTarget(QObject):
    """Makes `window` take pictures wherever they are dropped, with the hint over `canvas`."""

    def __init__(
        self, window: QWidget, canvas: QWidget, take: Callable[[QMimeData], object], keys: Callable[[], bool]
    ) -> None:
        """`keys`: whether dropped files become key frames of a morph."""
        super().__init__(window)
        self._keys = keys
        self.hint = DropHint(canvas)
        self._take = take
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDropEvent):  # QDragEnterEvent and QDragMoveEvent are QDropEvents
            if not holds_picture(event.mimeData()) or event.source() is not None:  # dragged out of this window
                event.ignore()
                return True
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            if isinstance(event, QDragEnterEvent):
                self.hint.show_over(_hint_of(event.mimeData(), self._keys()))
            elif not isinstance(event, QDragMoveEvent):
                self.hint.hide()
                self._take(event.mimeData())
            return True
        if event.type() == QEvent.Type.DragLeave:
            self.hint.hide()
        return False


def _hint_of(mime: QMimeData, keys: bool) -> str:
    count = len(mime.urls())
    if models := models_in(mime):
        return "Drop to add it to the models" if len(models) < 2 else f"Drop to add {len(models)} to the models"
    if keys:
        return "Drop to add it to the key frames" if count < 2 else f"Drop to add {count} key frames"
    return "Drop to open this picture" if count < 2 else f"Drop to open the first of {count} files"
