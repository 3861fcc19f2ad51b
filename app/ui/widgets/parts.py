"""Small widgets that the panels are made of."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.ui.look import icons
from app.ui.look.retinted import Retinted
from app.ui.look.theme import em


def label(text: str, rank: str = "", buddy: QWidget | None = None) -> QLabel:
    """Plain text of a rank of the style sheet: "muted", "caption", "heading", "title", "alarm"."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("rank", rank)
    if buddy is not None:
        made.setBuddy(buddy)
    return made


class Disclosure(Retinted, QWidget):
    """A heading that opens what is under it."""

    toggled = Signal(bool)

    def __init__(self, title: str, content: QWidget) -> None:
        super().__init__()
        self._content = content
        self.button = QPushButton(title)
        self.button.setProperty("kind", "disclosure")
        self.button.setCheckable(True)
        self.button.setAccessibleName(title)
        self.button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.3))
        column.addWidget(self.button)
        column.addWidget(content)
        content.hide()
        self.button.toggled.connect(self._toggle)
        self.tint()

    def open(self, opened: bool = True) -> None:
        self.button.setChecked(opened)

    @property
    def opened(self) -> bool:
        return self.button.isChecked()

    def tint(self) -> None:
        self.button.setIcon(icons.icon("down" if self.opened else "right", QApplication.palette()))

    def _toggle(self, opened: bool) -> None:
        self._content.setVisible(opened)
        self.button.setAccessibleDescription("open" if opened else "closed")
        self.tint()
        self.toggled.emit(opened)


def chip(text: str, do: Callable[[], object], tip: str = "", large: bool = False) -> QPushButton:
    """A small rounded button that says one thing."""
    made = QPushButton(text.replace("&", "&&"))
    made.setProperty("kind", "chip")
    made.setProperty("large", large)
    made.setAccessibleName(text)
    made.setToolTip(tip)
    made.clicked.connect(lambda _=False: do())
    return made
