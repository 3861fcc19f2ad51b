"""The canvas: one picture under one transform. Wheel zooms, hold Space or the middle button to pan."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.canvas.resample import Resampler
from app.ui.canvas.viewport import Viewport
from app.ui.look.colours import mix
from app.ui.look.theme import em, is_dark

SURROUNDS = {"plain": "Plain", "checker": "Checkerboard"}


class CanvasContent(Protocol):
    """What can stand on the canvas in the place of a frame, under a viewport of its own."""

    viewport: Viewport

    def paint(self, painter: QPainter, exposed: QRect) -> None:
        """Over the surround, in the canvas's coordinates."""


class Glass(Protocol):
    """What can lie over everything else on the canvas."""

    def paint(self, painter: QPainter, exposed: QRect) -> None:
        """In the canvas's coordinates; the picture lies in its viewport."""


class CanvasView(QWidget):
    """Shows `frame`, which is the document's, or what stands on it; its own are only how it lies there and enlarges."""

    viewport_changed = Signal()
    space_changed = Signal(bool)  # whether the space bar is held here

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Picture")
        self.setAccessibleDescription("The picture at the selected step. Wheel zooms, Space and drag pans.")
        self.setFocusPolicy(Qt.FocusPolicy.WheelFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.viewport = self._frame_viewport = Viewport()
        self._stand: CanvasContent | None = None
        self._glass: Glass | None = None
        self._tool_cursor: Qt.CursorShape | None = None
        self._frame: QImage | None = None
        self._waiting = ""
        self._smooth = False
        self._surround = "plain"
        self._resampler = Resampler()
        self._space = False
        self._grabbed: QPointF | None = None  # where a pan has got to

    # what it shows

    @property
    def frame(self) -> QImage | None:
        return self._frame

    def set_frame(self, frame: QImage | None, waiting: str = "", size: QSize | None = None) -> None:
        """Show `frame`; without one, an outline in its place with the words `waiting` in it.

        `size` is the picture's, its own by default: a frame of fewer pixels is drawn as large, so that nothing jumps.
        """
        before = self._dirty()
        self._frame, self._waiting = frame, waiting
        if frame is not None:
            self._reshape(size or frame.size())
        if self._stand is None:
            self.update(before.united(self._dirty()))

    @property
    def stand(self) -> CanvasContent | None:
        """What is shown in the place of the frame; each keeps its own zoom."""
        return self._stand

    @stand.setter
    def stand(self, stand: CanvasContent | None) -> None:
        if stand is self._stand:
            return
        self._stand, self._grabbed = stand, None
        self.viewport = self._frame_viewport if stand is None else stand.viewport
        self._resized()

    @property
    def glass(self) -> Glass | None:
        """What lies over the frame or its stand."""
        return self._glass

    @glass.setter
    def glass(self, glass: Glass | None) -> None:
        if glass is not self._glass:
            self._glass = glass
            self.update()

    @property
    def tool_cursor(self) -> Qt.CursorShape | None:
        """The cursor while nothing pans; None: the usual one."""
        return self._tool_cursor

    @tool_cursor.setter
    def tool_cursor(self, shape: Qt.CursorShape | None) -> None:
        if shape != self._tool_cursor:
            self._tool_cursor = shape
            self._set_cursor()

    def expect(self, size: QSize) -> None:
        """The size of the picture that is awaited."""
        self._reshape(size)
        self.update()

    @property
    def smooth(self) -> bool:
        """Whether enlarged pixels are smoothed (Lanczos) rather than shown as squares."""
        return self._smooth

    @smooth.setter
    def smooth(self, smooth: bool) -> None:
        if smooth != self._smooth:
            self._smooth = smooth
            self.update()

    @property
    def surround(self) -> str:
        return self._surround

    @surround.setter
    def surround(self, surround: str) -> None:
        if surround != self._surround and surround in SURROUNDS:
            self._surround = surround
            self.update()

    @property
    def panning(self) -> bool:
        return self._grabbed is not None

    @property
    def space_held(self) -> bool:
        return self._space

    # commands

    def fit(self) -> None:
        self.viewport.fit(self._margin())
        self._moved()

    def actual_size(self) -> None:
        self.viewport.zoom_to(1.0)
        self._moved()

    def refit(self) -> None:
        """What is shown has another size: fitted again if it was fitted."""
        self._resized()

    def zoom(self, direction: int) -> None:
        self.viewport.step(direction)
        self._moved()

    # events

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120
        if notches:
            self.viewport.zoom_by(notches, event.position())
            self._moved()
        event.accept()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.NativeGesture and isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.viewport.zoom_to(self.viewport.scale * (1 + event.value()), event.position())
                self._moved()
                return True
        elif event.type() == QEvent.Type.DevicePixelRatioChange:
            self._resized()
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        middle = event.button() == Qt.MouseButton.MiddleButton
        if middle or (self._space and event.button() == Qt.MouseButton.LeftButton):
            self._grabbed = event.position()
            self._set_cursor()
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed is not None:
            self.viewport.pan(event.position() - self._grabbed)
            self._grabbed = event.position()
            self._moved()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._grabbed is not None and event.button() in (Qt.MouseButton.MiddleButton, Qt.MouseButton.LeftButton):
            self._grabbed = None
            self._set_cursor()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self._hold_space(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._hold_space(False)
        elif event.key() != Qt.Key.Key_Space:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The release of a held key or button may go to another window: let go of both now."""
        self._grabbed = None
        self._hold_space(False)
        self.update()
        super().focusOutEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusInEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._resized()

    def sizeHint(self) -> QSize:
        return QSize(em(self, 40), em(self, 30))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(self, 12), em(self, 10))

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setClipRect(event.rect())
        self._paint_surround(painter, event.rect())
        if self._stand is not None:
            self._stand.paint(painter, event.rect())
        elif self._frame is not None:
            self._paint_frame(painter, self._frame)
        elif self._waiting and not self.viewport.picture.isEmpty():
            self._paint_waiting(painter)
        if self._glass is not None:
            self._glass.paint(painter, event.rect())
        if self.hasFocus() and self.window().isActiveWindow():
            painter.setPen(self.palette().color(QPalette.ColorRole.Highlight))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _paint_surround(self, painter: QPainter, rect: QRect) -> None:
        ground = self.palette().color(QPalette.ColorRole.Dark)
        painter.fillRect(rect, ground)
        if self._surround == "checker":
            painter.fillRect(rect, QBrush(self._checker(ground)))

    def _checker(self, ground: QColor) -> QPixmap:
        side = em(self, 0.5)
        tile = QPixmap(2 * side, 2 * side)
        tile.fill(ground)
        painter = QPainter(tile)
        other = mix(ground, "#ffffff" if is_dark(self.palette()) else "#000000", 0.07)
        painter.fillRect(0, 0, side, side, other)
        painter.fillRect(side, side, side, side, other)
        painter.end()
        return tile

    def _paint_frame(self, painter: QPainter, frame: QImage) -> None:
        size = self.viewport.picture
        scale = self.viewport.scale * size.width() / max(1, frame.width())
        source, smooth = self._resampler.source(frame, scale, self._smooth)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.save()
        painter.setTransform(self.viewport.transform, True)
        painter.drawImage(QRectF(QPointF(), QSizeF(size)), source)
        painter.restore()

    def _paint_waiting(self, painter: QPainter) -> None:
        rect = self.viewport.rect().adjusted(0.5, 0.5, -0.5, -0.5)
        painter.fillRect(rect, self.palette().color(QPalette.ColorRole.Window))
        painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
        painter.drawRect(rect)
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._waiting)

    # inside

    def _margin(self) -> float:
        return float(em(self, 1.25))

    def _reshape(self, size: QSize) -> None:
        if size != self._frame_viewport.picture:
            self._frame_viewport.picture = size
            self._frame_viewport.fit(self._margin())
            self._moved()

    def _resized(self) -> None:
        self.viewport.resize(QSizeF(self.size()), self.devicePixelRatioF(), self._margin())
        self._moved()

    def _moved(self) -> None:
        self.update()
        self.viewport_changed.emit()

    def _dirty(self) -> QRect:
        return self.viewport.rect().toAlignedRect().adjusted(-1, -1, 1, 1).intersected(self.rect())

    def _hold_space(self, held: bool) -> None:
        changed, self._space = held != self._space, held
        self._set_cursor()
        if changed:
            self.space_changed.emit(held)

    def _set_cursor(self) -> None:
        if self._grabbed is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._space:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        elif self._tool_cursor is not None:
            self.setCursor(self._tool_cursor)
        else:
            self.unsetCursor()

    def picture_at(self, at: QPoint) -> QPointF:
        """The picture's coordinates under the widget's point `at`, in picture pixels."""
        return self.viewport.to_picture(QPointF(at))
