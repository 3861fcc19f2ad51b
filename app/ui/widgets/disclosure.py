"""A heading that opens the widget under it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.ui.look import icons
from app.ui.look.retinted import Retinted
from app.ui.look.theme import em


class Disclosure(Retinted, QWidget):
    """`toggled` tells whether it is open."""

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
