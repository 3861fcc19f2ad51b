"""The tools at the canvas's left."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QToolButton

from app.ui.actions.action_set import ActionSet
from app.ui.canvas.tools import TOOLS
from app.ui.look.theme import em

GAPS = frozenset({"lasso", "colour", "box"})  # tools before which a kind begins
UNDO = "undo", "redo"


class ToolStrip(QFrame):
    """One button a tool, the one in hand pressed; under them undo and redo. In a low window there are two columns."""

    def __init__(self, actions: ActionSet) -> None:
        super().__init__()
        self.setObjectName("pane")
        self.setAccessibleName("Tools")
        self._columns = 0
        self._grid = QGridLayout(self)
        side = em(self, 0.25)
        self._grid.setContentsMargins(side, em(self, 0.35), side, side)
        self._grid.setSpacing(em(self, 0.12))
        self.buttons: dict[str, QToolButton] = {}
        for tool in TOOLS:
            self._button(actions, f"tool-{tool.name}")
        for name in UNDO:
            self._button(actions, name)
        self._lay_out(1)

    def minimumSizeHint(self) -> QSize:
        """Return the size that both columns need, in the width of those that there are."""
        return QSize(super().minimumSizeHint().width(), self._height(2))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out(1 if self.height() >= self._height(1) else 2)

    def _kinds(self) -> list[list[str]]:
        """Return the names of the tools, by kind."""
        kinds: list[list[str]] = [[]]
        for tool in TOOLS:
            if tool.name in GAPS:
                kinds.append([])
            kinds[-1].append(f"tool-{tool.name}")
        return kinds

    def _height(self, columns: int) -> int:
        kinds = self._kinds()
        rows = sum(-(-len(kind) // columns) for kind in kinds) + -(-len(UNDO) // columns)
        button = self.buttons[UNDO[0]].sizeHint().height() + self._grid.spacing()
        margins = self._grid.contentsMargins()
        return rows * button + (len(kinds) - 1) * self._gap() + margins.top() + margins.bottom()

    def _gap(self) -> int:
        return em(self, 0.45) + self._grid.spacing()

    def _lay_out(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for row in range(self._grid.rowCount()):
            self._grid.setRowStretch(row, 0)
            self._grid.setRowMinimumHeight(row, 0)
        row = 0
        for kind in self._kinds():
            row = self._fill(kind, row, columns)
            self._grid.setRowMinimumHeight(row, em(self, 0.45))  # an empty row between two kinds
            row += 1
        self._grid.setRowMinimumHeight(row - 1, 0)
        self._grid.setRowStretch(row - 1, 1)
        self._fill(UNDO, row, columns)

    def _fill(self, names: Sequence[str], row: int, columns: int) -> int:
        """Put the buttons into the grid from `row` on; return the row after them."""
        for k, name in enumerate(names):
            self._grid.addWidget(self.buttons[name], row + k // columns, k % columns)
        return row + -(-len(names) // columns)

    def _button(self, actions: ActionSet, name: str) -> QToolButton:
        button = self.buttons[name] = actions.button(name, self)
        button.setIconSize(QSize(em(self, 1.25), em(self, 1.25)))
        return button
