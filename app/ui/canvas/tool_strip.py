"""The tools at the canvas's left."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame, QToolButton, QVBoxLayout

from app.ui.actions.action_set import ActionSet
from app.ui.canvas.tools import TOOLS
from app.ui.look.theme import em

GAPS = frozenset({"lasso", "colour", "box"})  # tools before which a kind begins


class ToolStrip(QFrame):
    """One button a tool, the one in hand pressed; under them undo and redo."""

    def __init__(self, actions: ActionSet) -> None:
        super().__init__()
        self.setObjectName("pane")
        self.setAccessibleName("Tools")
        column = QVBoxLayout(self)
        side = em(self, 0.25)
        column.setContentsMargins(side, em(self, 0.35), side, side)
        column.setSpacing(em(self, 0.12))
        self.buttons: dict[str, QToolButton] = {}
        for tool in TOOLS:
            if tool.name in GAPS:
                column.addSpacing(em(self, 0.45))
            column.addWidget(self._button(actions, f"tool-{tool.name}"))
        column.addStretch(1)
        for name in ("undo", "redo"):
            column.addWidget(self._button(actions, name))

    def _button(self, actions: ActionSet, name: str) -> QToolButton:
        button = self.buttons[name] = actions.button(name, self)
        button.setIconSize(QSize(em(self, 1.25), em(self, 1.25)))
        return button
