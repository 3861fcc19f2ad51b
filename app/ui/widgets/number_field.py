"""A number as a slider and a field."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QHBoxLayout, QSlider, QWidget

from app.ui.look.theme import em
from app.ui.widgets.spin_box import RealSpinBox, WholeSpinBox, show_number


class FlatSlider(QSlider):
    """A slider drawn flat: a line, filled up to the knob. A press anywhere on it takes the knob there."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only a focused slider turns with the wheel: a panel scrolls."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def sizeHint(self) -> QSize:
        return QSize(em(self, 6), em(self, 1.4))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(self, 3), em(self, 1.4))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        radius, thick = self._radius(), em(self, 0.15)
        line = QRectF(radius, (self.height() - thick) / 2, self.width() - 2 * radius, thick)
        at = QPointF(self._x(self.value()), self.height() / 2)
        usable = self.isEnabled()
        palette = self.palette()
        painter.setBrush(palette.color(QPalette.ColorRole.Mid))
        painter.drawRoundedRect(line, thick / 2, thick / 2)
        if usable:
            painter.setBrush(palette.color(QPalette.ColorRole.Highlight))
            origin = self._x(0) if self.minimum() < 0 < self.maximum() else line.left()
            filled = QRectF(min(origin, at.x()), line.top(), abs(at.x() - origin), thick)
            painter.drawRoundedRect(filled, thick / 2, thick / 2)
        if self.hasFocus():
            painter.drawEllipse(at, radius, radius)
            painter.setBrush(palette.color(QPalette.ColorRole.Window))
            painter.drawEllipse(at, radius - 2, radius - 2)
            radius -= 1
        painter.setBrush(palette.color(QPalette.ColorRole.Text if usable else QPalette.ColorRole.Mid))
        painter.drawEllipse(at, radius - 2, radius - 2)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._take(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._take(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)

    def _radius(self) -> float:
        return em(self, 0.5)

    def _x(self, value: int) -> float:
        share = (value - self.minimum()) / max(1, self.maximum() - self.minimum())
        return self._radius() + share * (self.width() - 2 * self._radius())

    def _take(self, x: float) -> None:
        share = (x - self._radius()) / max(1.0, self.width() - 2 * self._radius())
        self.setValue(round(self.minimum() + share * (self.maximum() - self.minimum())))


class NumberField(QWidget):
    """A slider and a field for one number. The slider's range is the usual one; the field takes all of `low` … `high`.
    A range too wide for a slider (`slidable` False) has the field alone.

    `changed` carries a new value that a person chose; `show_value` emits nothing.
    """

    changed = Signal(float)

    def __init__(
        self,
        name: str,
        low: float,
        high: float,
        usual: tuple[float, float],
        step: float = 1,
        decimals: int = 0,
        slidable: bool = True,
    ) -> None:
        super().__init__()
        self._step = step
        self.slider = FlatSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(round(usual[0] / step), round(usual[1] / step))
        self.slider.setAccessibleName(f"{name}, slider")
        self.slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.field: WholeSpinBox | RealSpinBox = RealSpinBox() if decimals else WholeSpinBox()
        if isinstance(self.field, RealSpinBox):
            self.field.setDecimals(decimals)
            self.field.setRange(low, high)
            self.field.setSingleStep(step)
        else:
            self.field.setRange(int(low), int(high))
        self.field.setAccessibleName(name)
        self.field.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.field.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.field.setKeyboardTracking(False)
        self.field.setFixedWidth(em(self.field, (3.9 if decimals > 2 else 3.2) if slidable else 5.2))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(self, 0.5))
        row.addWidget(self.slider, 1)
        if not slidable:
            self.slider.hide()
            row.addStretch(1)
        row.addWidget(self.field)
        self.setFocusProxy(self.field)
        self.slider.valueChanged.connect(self._on_slid)
        self.field.valueChanged.connect(self._on_typed)

    def show_value(self, value: float) -> None:
        """Show a value. Where the field has it already, what someone is typing there stays."""
        self.slider.blockSignals(True)
        self.slider.setValue(round(value / self._step))
        self.slider.blockSignals(False)
        show_number(self.field, value)

    def _on_slid(self, at: int) -> None:
        self.changed.emit(at * self._step)

    def _on_typed(self, value: float) -> None:
        self.changed.emit(float(value))
