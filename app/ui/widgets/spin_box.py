"""Number fields: they accept a point or a comma as the decimal sign, and explain refused text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox

from app.ui.widgets.edits import clear_refusal, refuse
from app.ui.widgets.typed_number import LONGEST, read_number, read_whole

if TYPE_CHECKING:
    _Base = Any  # one of Qt's two spin boxes, whose types differ
else:
    _Base = object


class _NumberBox(_Base):
    """The base of number fields: any text can be typed, and is checked when it is committed.

    A field that drops the characters that it does not know makes 75 of "7,5" and 500 of "5000".
    """

    KIND = ""  # the kind of number, in the sentence that refuses a text

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lineEdit().textEdited.connect(lambda: clear_refusal(self))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only a focused field turns with the wheel: a panel scrolls."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def validate(self, text: str, at: int) -> tuple[QValidator.State, str, int]:
        number = self._number(text)
        fits = number is not None and self.minimum() <= number <= self.maximum()
        return QValidator.State.Acceptable if fits else QValidator.State.Intermediate, text, at

    def fixup(self, text: str) -> str:
        """Return the nearest number in range, or the former one if the text is no number, and explain it."""
        typed, number = self._typed_text(text), self._number(text)
        if number is None:
            if typed:
                refuse(self, f"“{typed[:LONGEST]}” is not {self.KIND}.")
            return self.textFromValue(self.value()) + self.suffix()
        low, high = self.minimum(), self.maximum()
        refuse(self, f"{typed} is not possible here: choose {low:.15g} to {high:.15g}.")
        return self.textFromValue(min(max(number, low), high)) + self.suffix()

    def _number(self, text: str) -> float | None:
        raise NotImplementedError

    def _typed_text(self, text: str) -> str:
        """The text without the field's unit."""
        typed, unit = text.strip(), self.suffix().strip()
        while unit and typed.endswith(unit):  # a pasted "12 px" brings one of its own
            typed = typed.removesuffix(unit).strip()
        return typed


class WholeSpinBox(_NumberBox, QSpinBox):
    """A field for a whole number."""

    KIND = "a whole number: type digits alone"

    def _number(self, text: str) -> int | None:
        return read_whole(self._typed_text(text))

    def valueFromText(self, text: str) -> int:
        number = self._number(text)
        return self.value() if number is None else number


class RealSpinBox(_NumberBox, QDoubleSpinBox):
    """A field for a number with decimals."""

    KIND = "a number: type digits, and one decimal sign at most"

    def _number(self, text: str) -> float | None:
        return read_number(self._typed_text(text))

    def valueFromText(self, text: str) -> float:
        number = self._number(text)
        return self.value() if number is None else round(number, self.decimals())


def show_number(field: WholeSpinBox | RealSpinBox, value: float) -> None:
    """Set the field's value and emit nothing. Where it has that value already, what someone is typing there stays."""
    if isinstance(field, RealSpinBox):
        wanted: float = round(value, field.decimals())
    else:
        wanted = round(value)
    if field.value() != wanted:
        field.blockSignals(True)
        field.setValue(wanted)  # type: ignore[arg-type]
        field.blockSignals(False)
