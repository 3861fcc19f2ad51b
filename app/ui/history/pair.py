"""One picture in large, or two to compare: side by side, with a slider, or one after the other, under one zoom."""

from __future__ import annotations

from typing import Literal, TypeAlias

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.ui.canvas.viewport import Viewport
from app.ui.look.theme import em
from app.ui.widgets.picture_fit import fit_in

Mode: TypeAlias = Literal["side", "slider", "blink"]
BLINK_MS = 700
READING, UNREADABLE = "Reading …", "This picture cannot be read"


class Pair(QWidget):
    """Paints `images`, one or two, under one viewport. The second is fitted to the size of the first.

    Wheel zooms, dragging pans; the slider is dragged by its line, and by ← and →. None: it is being read.
    """

    stepped = Signal(int)  # ← or → with one picture
    left = Signal()  # Esc

    def __init__(self) -> None:
        super().__init__()
        self.images: tuple[QImage | None, ...] = ()
        self.captions: tuple[str, ...] = ()
        self.viewport = Viewport()
        self.smooth = True
        self._mode: Mode = "side"
        self._split = 0.5
        self._second = False  # which picture a blink shows
        self._dragged: QPointF | None = None
        self._sliding = False
        self._timer = QTimer(self)
        self._timer.setInterval(BLINK_MS)
        self._timer.timeout.connect(self._blink)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Pictures in large")

    # what it shows

    @property
    def mode(self) -> Mode:
        """How two pictures are compared."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode
        self._second = False
        self._fit_canvas()
        self._run_timer()
        self.update()

    def show_images(self, images: tuple[QImage | None, ...], captions: tuple[str, ...]) -> None:
        """Show pictures; other ones are fitted, the same ones keep the zoom."""
        other = captions != self.captions or len(images) != len(self.images)
        self.images, self.captions = images, captions
        self.setAccessibleDescription(" beside ".join(captions))
        if other:
            self.viewport.fitted = True
        self._fit_canvas()
        self._run_timer()
        self.update()

    @property
    def split(self) -> float:
        """Where the slider stands, 0 (left) … 1."""
        return self._split

    @property
    def shows_second(self) -> bool:
        """Whether the blink shows the second picture."""
        return self._second

    def turn(self) -> None:
        """Show the other picture of a blink, and stop the clock: from now on by hand."""
        self._timer.stop()
        self._blink()

    def fit(self) -> None:
        self.viewport.fit()
        self.update()

    def actual_size(self) -> None:
        self.viewport.zoom_to(1.0)
        self.update()

    def _blink(self) -> None:
        self._second = not self._second
        self.update()

    def _run_timer(self) -> None:
        if len(self.images) == 2 and self._mode == "blink" and self.isVisible():
            self._timer.start()
        else:
            self._timer.stop()

    @property
    def _beside(self) -> bool:
        return len(self.images) == 2 and self._mode == "side"

    def _pane(self, at: int) -> QRectF:
        """Where picture `at` may be painted."""
        if not self._beside:
            return QRectF(self.rect())
        half = self.width() / 2
        return QRectF(at * half, 0, half, self.height())

    def _fit_canvas(self) -> None:
        first = next((image for image in self.images if image is not None and not image.isNull()), None)
        size = QSize() if first is None else first.size()
        changed = size != self.viewport.picture
        self.viewport.picture = size
        self.viewport.resize(self._pane(0).size(), self.devicePixelRatioF(), em(self, 1.6))
        if changed and self.viewport.fitted:
            self.viewport.fit(em(self, 1.6))

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.palette().color(QPalette.ColorRole.Dark))
        if not self.images:
            painter.end()
            return
        if self._beside:
            for at in (0, 1):
                self._paint(painter, at, self._pane(at), self._pane(at).topLeft())
            self._line(painter, self.width() / 2, 1)
        elif len(self.images) == 2 and self._mode == "slider":
            x = self._split * self.width()
            self._paint(painter, 0, QRectF(0, 0, x, self.height()), QPointF())
            self._paint(painter, 1, QRectF(x, 0, self.width() - x, self.height()), QPointF())
            self._line(painter, x, 2)
        else:
            self._paint(painter, int(self._second and len(self.images) == 2), QRectF(self.rect()), QPointF())
        painter.end()

    def _paint(self, painter: QPainter, at: int, clip: QRectF, origin: QPointF) -> None:
        painter.save()
        painter.setClipRect(clip)
        image = self.images[at]
        if image is None or image.isNull():
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(clip, Qt.AlignmentFlag.AlignCenter, READING if image is None else UNREADABLE)
        else:
            scale = self.viewport.scale
            smooth = scale < 1 or (self.smooth and scale < 2)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
            painter.drawImage(fit_in(self.viewport.rect().translated(origin), image), image)
        self._caption(painter, at, clip)
        painter.restore()

    def _caption(self, painter: QPainter, at: int, clip: QRectF) -> None:
        """At the outer lower corner of the picture's part, on a plate of the window's colour."""
        room, high = clip.width() - em(self, 1), em(self, 1.5)
        if room < em(self, 3) or at >= len(self.captions):
            return
        text = painter.fontMetrics().elidedText(self.captions[at], Qt.TextElideMode.ElideRight, int(room))
        wide = painter.fontMetrics().horizontalAdvance(text) + em(self, 0.8)
        right = at == 1 and self._mode == "slider"
        x = clip.right() - wide - em(self, 0.5) if right else clip.left() + em(self, 0.5)
        plate = QRectF(x, clip.bottom() - high - em(self, 0.5), wide, high)
        ground = self.palette().color(QPalette.ColorRole.Window)
        ground.setAlpha(225)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(plate, high / 4, high / 4)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)

    def _line(self, painter: QPainter, x: float, width: float) -> None:
        role = QPalette.ColorRole.Highlight if width > 1 else QPalette.ColorRole.Mid
        painter.setPen(QPen(self.palette().color(role), width))
        painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))

    # events

    def _in_pane(self, at: QPointF) -> QPointF:
        """A place of the widget in the coordinates of the viewport."""
        return at - self._pane(1).topLeft() if self._beside and at.x() >= self.width() / 2 else at

    def _on_line(self, at: QPointF) -> bool:
        slides = len(self.images) == 2 and self._mode == "slider"
        return slides and abs(at.x() - self._split * self.width()) <= em(self, 0.5)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.viewport.zoom_by(event.angleDelta().y() / 120, self._in_pane(event.position()))
        self.update()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._sliding = event.button() == Qt.MouseButton.LeftButton and self._on_line(event.position())
            self._dragged = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._dragged is None:
            shape = Qt.CursorShape.SplitHCursor if self._on_line(at) else Qt.CursorShape.ArrowCursor
            if self.cursor().shape() != shape:
                self.setCursor(shape)
        elif self._sliding:
            self._slide_to(at.x() / max(1, self.width()))
        else:
            self.viewport.pan(at - self._dragged)
            self._dragged = at
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragged, self._sliding = None, False

    def _slide_to(self, share: float) -> None:
        self._split = min(max(share, 0.0), 1.0)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        by = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(key), 0)
        if key == Qt.Key.Key_Escape:
            self.left.emit()
        elif by and len(self.images) == 2 and self._mode == "slider":
            self._slide_to(self._split + 0.02 * by)
        elif by and len(self.images) == 1:
            self.stepped.emit(by)
        elif key == Qt.Key.Key_Space and len(self.images) == 2 and self._mode == "blink":
            self.turn()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.viewport.step(-1 if key == Qt.Key.Key_Minus else 1)
            self.update()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_canvas()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._run_timer()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def sizeHint(self) -> QSize:
        return QSize(em(self, 30), em(self, 20))
