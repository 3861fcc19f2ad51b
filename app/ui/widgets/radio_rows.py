"""One of a few, each with a line that says what it is: rows to click on, or to walk through with the arrow keys."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QVBoxLayout, QWidget

from app.ui.look.colours import mix
from app.ui.look.theme import em


class RadioRow(QAbstractButton):
    """A title, what it comes to at the right, and under them a line about it."""

    def __init__(self, name: str, title: str, about: str) -> None:
        super().__init__()
        self.name = name
        self.about, self.outcome = about, ""
        self.setText(title)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.say(about)

    def say(self, about: str, outcome: str = "") -> None:
        self.about, self.outcome = about, outcome
        self.setAccessibleName(f"{self.text()}: {outcome}" if outcome else self.text())
        self.setAccessibleDescription(about)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        first = metrics.horizontalAdvance(self.text()) + em(self, 2) + metrics.horizontalAdvance(self.outcome)
        return QSize(max(first, metrics.horizontalAdvance(self.about)) + em(self, 3.2), em(self, 2.9))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        on, usable = self.isChecked(), self.isEnabled()
        accent = palette.color(QPalette.ColorRole.Highlight)
        rect = self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5)
        window = palette.color(QPalette.ColorRole.Window)
        painter.setBrush(mix(window, accent, 0.12) if on else palette.color(QPalette.ColorRole.Base))
        strong = on or self.hasFocus()
        painter.setPen(accent if strong else palette.color(QPalette.ColorRole.Mid))
        radius = em(self, 5 / 16)
        painter.drawRoundedRect(rect, radius, radius)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), radius - 1, radius - 1)
        side = em(self, 0.75)
        ring = rect.adjusted(side, 0, 0, 0)
        ring.setWidth(em(self, 0.8))
        ring.setHeight(em(self, 0.8))
        ring.moveTop(rect.top() + em(self, 0.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(
            accent if on else palette.color(QPalette.ColorRole.PlaceholderText if usable else QPalette.ColorRole.Mid)
        )
        painter.drawEllipse(ring)
        if on:
            painter.setBrush(accent)
            inset = em(self, 0.2)
            painter.drawEllipse(ring.adjusted(inset, inset, -inset, -inset))
        words = rect.adjusted(side + em(self, 1.3), em(self, 0.35), -side, -em(self, 0.35))
        muted = palette.color(QPalette.ColorRole.PlaceholderText)
        painter.setPen(palette.color(QPalette.ColorRole.Text) if usable else muted)
        painter.drawText(words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, self.text())
        painter.setPen(muted)
        painter.drawText(words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, self.outcome)
        painter.drawText(words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, self.about)
        painter.end()


class RadioRows(QWidget):
    """`changed` carries the name of the row that a person chose."""

    changed = Signal(str)

    def __init__(self, name: str, rows: Sequence[tuple[str, str, str]]) -> None:
        """`rows`: (name, title, about) each."""
        super().__init__()
        self.setAccessibleName(name)
        self._group = QButtonGroup(self)
        self.rows = {row[0]: RadioRow(*row) for row in rows}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.3))
        for row in self.rows.values():
            self._group.addButton(row)
            column.addWidget(row)
        self._group.buttonToggled.connect(self._toggled)
        next(iter(self.rows.values())).setChecked(True)

    @property
    def chosen(self) -> str:
        row = self._group.checkedButton()
        assert isinstance(row, RadioRow)
        return row.name

    @chosen.setter
    def chosen(self, name: str) -> None:
        self.rows[name].setChecked(True)

    def _toggled(self, row: QAbstractButton, on: bool) -> None:
        if on and isinstance(row, RadioRow):
            self.setFocusProxy(row)
            self.changed.emit(row.name)
