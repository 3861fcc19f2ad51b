"""A number as a slider and a field."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QSpinBox, QWidget

from app.ui.theme import em


class _WheelFree:
    """Mixed into number fields: only a focused one answers the wheel."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():  # type: ignore[attr-defined]
            super().wheelEvent(event)  # type: ignore[misc]
        else:
            event.ignore()


class Whole(_WheelFree, QSpinBox):
    pass


class Real(_WheelFree, QDoubleSpinBox):
    pass


class Knob(_WheelFree, QSlider):
    pass


class Number(QWidget):
    """A slider and a field for one number. The slider's range is the usual one; the field takes all of `low` … `high`.

    `changed` carries a new value that a person chose; `show_value` emits nothing.
    """

    changed = Signal(float)

    def __init__(self, name: str, low: float, high: float, usual: tuple[float, float], step: float, decimals: int) -> None:
        super().__init__()
        self._step = step
        self.slider = Knob(Qt.Orientation.Horizontal)
        self.slider.setRange(round(usual[0] / step), round(usual[1] / step))
        self.slider.setAccessibleName(f"{name}, slider")
        self.slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.field: Whole | Real = Real() if decimals else Whole()
        if isinstance(self.field, Real):
            self.field.setDecimals(decimals)
            self.field.setRange(low, high)
            self.field.setSingleStep(step)
        else:
            self.field.setRange(int(low), int(high))
        self.field.setAccessibleName(name)
        self.field.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.field.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.field.setKeyboardTracking(False)
        self.field.setFixedWidth(em(self.field, 3.6))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(self, 0.5))
        row.addWidget(self.slider, 1)
        row.addWidget(self.field)
        self.setFocusProxy(self.field)
        self.slider.valueChanged.connect(self._slid)
        self.field.valueChanged.connect(self._typed)

    def show_value(self, value: float) -> None:
        for widget, shown in ((self.slider, round(value / self._step)), (self.field, value)):
            widget.blockSignals(True)
            widget.setValue(int(shown) if not isinstance(widget, Real) else shown)  # type: ignore[attr-defined]
            widget.blockSignals(False)

    def _slid(self, at: int) -> None:
        self.changed.emit(at * self._step)

    def _typed(self, value: float) -> None:
        self.changed.emit(float(value))
