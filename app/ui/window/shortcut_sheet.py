"""The shortcut sheet: every key of the studio and every gesture of the pointer."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.ui.actions import ACTIONS
from app.ui.actions.action import Action, keys_text
from app.ui.look.theme import em
from app.ui.widgets.label import label

GESTURES = (
    ("Zoom under the pointer", "Wheel"),
    ("Move the picture", "Space + drag, or middle button"),
    ("Take away what a tool adds", "Right button"),
    ("Straight line, square, circle", "Shift + drag"),
    ("Size and hardness of a brush", "Ctrl + wheel, Alt + wheel"),
    ("Move the tool without a pointer", "Shift + arrows"),
    ("… by one pixel", "Ctrl + Shift + arrows"),
    ("… put it down, lift it", "Shift + Return"),
    ("Walk through the steps", "Drag over the timeline"),
    ("Fork, vary or save a step", "Right click on it"),
    ("Back to the page before", "Esc, where nothing runs"),
)
WHERE = {
    "picture": "canvas or timeline",
    "timeline": "timeline",
    "steps": "timeline, or a run on the canvas",
    "candidates": "artwork on the canvas",
    "lab": "plane of the lab",
}
COLUMN = {"Canvas": 1, "Candidates": 1, "Morph": 1, "Run": 2, "Lab": 2}  # the others in the first


class ShortcutSheet(QDialog):
    """Every action that has a key, by menu. The sheet blocks no other window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menus: dict[str, list[Action]] = {}
        for action in ACTIONS:
            if action.keys:
                menus.setdefault(action.menu, []).append(action)
        content = QWidget()
        columns = QHBoxLayout(content)
        columns.setContentsMargins(0, 0, em(self, 1), 0)  # on the right, for the scroll bar
        columns.setSpacing(em(self, 2))
        sides = [QVBoxLayout() for _ in range(3)]
        for name, actions in menus.items():
            sides[COLUMN.get(name, 0)].addLayout(self._block(name, actions))
        sides[2].addLayout(self._gestures())
        for side in sides:
            side.setSpacing(em(self, 0.8))
            side.addStretch(1)
            columns.addLayout(side)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.setContentsMargins(em(self, 1.2), em(self, 1), em(self, 1.2), em(self, 0.8))
        column.setSpacing(em(self, 0.8))
        scroll = QScrollArea()  # where the screen is smaller than the list
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(content)
        scroll.setCornerWidget(QWidget())  # else a line is drawn there
        column.addWidget(scroll, 1)
        column.addWidget(buttons)
        size = self.sizeHint() - scroll.sizeHint() + content.sizeHint()
        self.resize(size.boundedTo(self.screen().availableSize()))

    def _block(self, name: str, actions: list[Action]) -> QGridLayout:
        """One menu. Where the keys work stands in its heading if it is the same for all of them."""
        places = {action.where for action in actions}
        everywhere = WHERE.get(next(iter(places)), "") if len(places) == 1 else ""
        grid = self._grid(f"{name}  ({everywhere})" if everywhere else name)
        for k, action in enumerate(actions, start=1):
            where = f"  ({WHERE[action.where]})" if action.where in WHERE and not everywhere else ""
            self._line(grid, k, action.text.rstrip("…") + where, keys_text(action))
        return grid

    def _gestures(self) -> QGridLayout:
        grid = self._grid("Pointer")
        for k, (text, gesture) in enumerate(GESTURES, start=1):
            self._line(grid, k, text, gesture)
        return grid

    def _grid(self, name: str) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(em(self, 1.5))
        grid.setVerticalSpacing(em(self, 0.2))
        grid.setColumnStretch(0, 1)
        grid.addWidget(label(name, "heading"), 0, 0)
        return grid

    @staticmethod
    def _line(grid: QGridLayout, k: int, text: str, keys: str) -> None:
        grid.addWidget(label(text), k, 0)
        said = label(keys, "muted")
        said.setAlignment(Qt.AlignmentFlag.AlignRight)
        grid.addWidget(said, k, 1)
