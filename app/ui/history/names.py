"""The tags or the boards of pictures: a chip for each, and a line that adds more."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QLineEdit, QVBoxLayout, QWidget

from app.ui.look.theme import em
from app.ui.widgets.chip import chip
from app.ui.widgets.flow_layout import FlowLayout


class Names(QWidget):
    """A click on a chip takes the name away: `removed`. Enter in the line: `added`."""

    added = Signal(str)
    removed = Signal(str)

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind
        self._names: tuple[str, ...] = ()
        self.chips = QWidget()
        self._flow = FlowLayout(self.chips, gap=em(self, 0.3))
        self.line = NameLine(kind)
        self.line.entered.connect(self.added)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.3))
        column.addWidget(self.chips)
        column.addWidget(self.line)
        self.chips.hide()

    def show_names(self, names: tuple[str, ...]) -> None:
        if names == self._names:
            return
        self._names = names
        while (item := self._flow.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for name in names:
            made = chip(f"{name}  ×", partial(self.removed.emit, name), f"Take the {self._kind} “{name}” away")
            made.setAccessibleName(f"Take the {self._kind} {name} away")
            self._flow.addWidget(made)
            made.show()
        self.chips.setVisible(bool(names))


class NameLine(QLineEdit):
    """A line for names, separated by commas. `entered` carries them; `left`: Esc, back to the pictures."""

    entered = Signal(str)
    left = Signal()

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.setAccessibleName(f"Add a {kind}")
        self.setPlaceholderText(f"Add a {kind}, then Enter")
        self.setToolTip("Several: with commas between them")
        self.returnPressed.connect(self._enter)

    def offer(self, names: Iterable[str]) -> None:
        """Complete what is typed by the names that there are."""
        completer = QCompleter(list(names), self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        if (before := self.completer()) is not None:
            before.deleteLater()
        self.setCompleter(completer)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _enter(self) -> None:
        text = self.text()
        self.clear()
        if text.strip():
            self.entered.emit(text)
