"""Mouse, pen and keys over a canvas, in the coordinates of the document that stands on it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QInputDevice, QMouseEvent, QPointingDevice, QPointingDeviceUniqueId, QTabletEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.ui.canvas.view import CanvasView

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)
NONE = Qt.KeyboardModifier.NoModifier


def stylus(kind: QPointingDevice.PointerType) -> QPointingDevice:
    can = QInputDevice.Capability.Position | QInputDevice.Capability.Pressure
    return QPointingDevice("pen", 1, QInputDevice.DeviceType.Stylus, kind, can, 1, 1, "", QPointingDeviceUniqueId())


PEN, ERASER = stylus(QPointingDevice.PointerType.Pen), stylus(QPointingDevice.PointerType.Eraser)


class Hands:
    """What a person does over `canvas`: real events, as Qt would send them."""

    def __init__(self, canvas: CanvasView) -> None:
        self._canvas = canvas

    def on_canvas(self, x: float, y: float) -> QPointF:
        return self._canvas.viewport.transform.map(QPointF(x, y))

    def mouse(self, kind: QEvent.Type, at: tuple[float, float], button: Qt.MouseButton = LEFT,
              held: Qt.KeyboardModifier = NONE) -> None:  # fmt: skip
        where = self.on_canvas(*at)
        moving = kind == QEvent.Type.MouseMove
        down = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else button
        event = QMouseEvent(kind, where, self._canvas.mapToGlobal(where), Qt.MouseButton.NoButton if moving else button,
                            down, held)  # fmt: skip
        QApplication.sendEvent(self._canvas, event)

    def press(self, at: tuple[float, float], button: Qt.MouseButton = LEFT, held: Qt.KeyboardModifier = NONE) -> None:
        self.mouse(QEvent.Type.MouseButtonPress, at, button, held)

    def move(self, at: tuple[float, float], button: Qt.MouseButton = LEFT, held: Qt.KeyboardModifier = NONE) -> None:
        self.mouse(QEvent.Type.MouseMove, at, button, held)

    def release(self, at: tuple[float, float], button: Qt.MouseButton = LEFT, held: Qt.KeyboardModifier = NONE) -> None:
        self.mouse(QEvent.Type.MouseButtonRelease, at, button, held)

    def drag(self, *path: tuple[float, float], button: Qt.MouseButton = LEFT, held: Qt.KeyboardModifier = NONE) -> None:
        self.press(path[0], button, held)
        for at in path[1:]:
            self.move(at, button, held)
        self.release(path[-1], button, held)

    def pen(self, kind: QEvent.Type, at: tuple[float, float], pressure: float, eraser: bool = False,
            button: Qt.MouseButton = LEFT) -> bool:  # fmt: skip
        """One event of a pen; whether it was used."""
        where = self.on_canvas(*at)
        event = QTabletEvent(
            kind, ERASER if eraser else PEN, where, self._canvas.mapToGlobal(where), pressure, 0, 0, 0, 0, 0, NONE,
            Qt.MouseButton.NoButton if kind == QEvent.Type.TabletMove else button, button,
        )  # fmt: skip
        QApplication.sendEvent(self._canvas, event)
        return event.isAccepted()

    def draw(self, *path: tuple[float, float, float], eraser: bool = False) -> None:
        """A stroke of the pen: x, y and pressure. Real pens let go with a pressure of 0."""
        self.pen(QEvent.Type.TabletPress, path[0][:2], path[0][2], eraser)
        for x, y, pressure in path[1:]:
            self.pen(QEvent.Type.TabletMove, (x, y), pressure, eraser)
        self.pen(QEvent.Type.TabletRelease, path[-1][:2], 0.0, eraser)

    def key(self, key: Qt.Key, held: Qt.KeyboardModifier = NONE) -> None:
        QTest.keyClick(self._canvas, key, held)
