"""A row of joined buttons of which exactly one is down."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSizePolicy, QToolButton, QWidget


class Segments(QWidget):
    """`chosen` carries the name of the button that a person clicked."""

    chosen = Signal(str)

    def __init__(self, name: str, titles: Mapping[str, tuple[str, str]]) -> None:
        """titles -- the text and the tip of each button, by its name"""
        super().__init__()
        self.setAccessibleName(name)
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QToolButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for k, (key, (title, tip)) in enumerate(titles.items()):
            button = self.buttons[key] = QToolButton()
            button.setText(title)
            button.setToolTip(tip)
            button.setAccessibleName(f"{name}: {title}")
            button.setCheckable(True)
            button.setProperty("kind", "segment")
            button.setProperty("edge", "first" if k == 0 else "last" if k == len(titles) - 1 else "middle")
            button.clicked.connect(lambda _=False, key=key: self.chosen.emit(key))
            self._group.addButton(button)
            row.addWidget(button)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_choice(self, key: str) -> None:
        self.buttons[key].setChecked(True)
