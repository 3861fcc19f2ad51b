"""The pen's curve as a plot, and a field to try it on."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QInputDevice,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
    QTabletEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.core.canvas.pressure import PenPressure
from app.settings import Settings
from app.settings.pen import pen_of
from app.ui.look.theme import em
from app.ui.widgets.label import label, paragraph

POINTS = 48  # of the drawn curve


class CurvePlot(QWidget):
    """Across the pressure, up the width of the stroke; a dot shows the pressure of now."""

    def __init__(self) -> None:
        super().__init__()
        self.pen, self.pressure = PenPressure(), -1.0
        self.setAccessibleName("Curve of the pressure")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(em(self, 8), em(self, 8))

    def show_pen(self, pen: PenPressure) -> None:
        self.pen = pen
        halves = f"{pen.share(0.5):.0%}"
        self.setAccessibleDescription(f"Half of the pressure draws {halves} of the width")
        self.update()

    def show_pressure(self, pressure: float) -> None:
        """Mark a pressure, 0 … 1; below 0 none."""
        self.pressure = pressure
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(palette.color(QPalette.ColorRole.Mid))
        painter.setBrush(palette.color(QPalette.ColorRole.Base))
        painter.drawRect(box)
        path = QPainterPath(self._at(box, 0.0))
        for k in range(1, POINTS + 1):
            path.lineTo(self._at(box, k / POINTS))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), em(self, 0.12)))
        painter.drawPath(path)
        if self.pressure >= 0:
            painter.setBrush(palette.color(QPalette.ColorRole.Text))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(self._at(box, self.pressure), em(self, 0.25), em(self, 0.25))
        painter.end()

    def _at(self, box: QRectF, pressure: float) -> QPointF:
        return QPointF(box.left() + pressure * box.width(), box.bottom() - self.pen.share(pressure) * box.height())


class TestField(QWidget):
    """Draws a stroke under a pen, or under a mouse at full width. `pressed` carries the pressure, −1 at the end."""

    __test__ = False  # no test of pytest's
    pressed = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.pen = PenPressure()
        self._ink = QImage()
        self._last: tuple[QPointF, float] | None = None
        self.setAccessibleName("Field to try the pen")
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setMinimumHeight(em(self, 8))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def clear(self) -> None:
        self._ink.fill(Qt.GlobalColor.transparent)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        ratio = self.devicePixelRatioF()
        ink = QImage((self.size().toSizeF() * ratio).toSize(), QImage.Format.Format_ARGB32_Premultiplied)
        ink.setDevicePixelRatio(ratio)
        ink.fill(Qt.GlobalColor.transparent)
        if not self._ink.isNull():
            painter = QPainter(ink)
            painter.drawImage(0, 0, self._ink)
            painter.end()
        self._ink = ink

    def tabletEvent(self, event: QTabletEvent) -> None:
        event.accept()
        if event.type() == QTabletEvent.Type.TabletRelease:
            self._end()
        elif event.pressure() > 0:
            self._draw(event.position(), event.pressure())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._draw(event.position(), 1.0)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._draw(event.position(), 1.0)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._end()

    def _end(self) -> None:
        self._last = None
        self.pressed.emit(-1.0)

    def _draw(self, at: QPointF, pressure: float) -> None:
        start, _ = self._last or (at, pressure)
        painter = QPainter(self._ink)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = max(1.0, em(self, 1.6) * self.pen.share(pressure))
        ink = QColor(self.palette().color(QPalette.ColorRole.Text))
        painter.setPen(QPen(ink, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(start, at)
        painter.end()
        self._last = at, pressure
        self.pressed.emit(pressure)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
        painter.setBrush(self.palette().color(QPalette.ColorRole.Base))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.drawImage(0, 0, self._ink)
        painter.end()


class PenTrial(QWidget):
    """The curve and the field side by side, with the pressure in words."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self.plot, self.field = CurvePlot(), TestField()
        self.said = label("", "muted")
        self.clear = QPushButton("Clear")
        self.clear.setAutoDefault(False)
        self.clear.clicked.connect(self.field.clear)
        row = QHBoxLayout()
        row.setSpacing(em(self, 0.8))
        row.addWidget(self.plot)
        row.addWidget(self.field, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.said, 1)
        foot.addWidget(self.clear)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.4))
        column.addWidget(label("Try the pen", "heading"))
        column.addWidget(paragraph("Draw in the field. A mouse draws at full width. The curve is that of all brushes."))
        column.addLayout(row)
        column.addLayout(foot)
        self.field.pressed.connect(self._on_pressed)
        settings.changed.connect(self._on_changed)
        self._show()
        self._on_pressed(-1.0)

    def _on_changed(self, names: set[str]) -> None:
        if names & {"pen_curve", "pen_pressure"}:
            self._show()

    def _show(self) -> None:
        self.field.pen = pen_of(self._settings.values)
        self.plot.show_pen(self.field.pen)

    def _on_pressed(self, pressure: float) -> None:
        self.plot.show_pressure(pressure)
        if pressure < 0:
            self.said.setText("A pen is connected." if has_pen() else "No pen is connected now.")
        else:
            self.said.setText(f"Pressure {pressure:.0%}, width {self.field.pen.share(pressure):.0%}")


def has_pen() -> bool:
    """Whether a stylus is among the devices of the desktop."""
    return any(device.type() == QInputDevice.DeviceType.Stylus for device in QInputDevice.devices())
