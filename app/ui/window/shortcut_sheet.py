"""The shortcut sheet: every key of the studio and every gesture of the pointer."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
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
from app.ui.actions.action import Action
from app.ui.actions.bindings import Bindings
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
IN_PROMPT = (
    ("Weight of a word: more, less", "Ctrl + up, Ctrl + down"),
    ("… by half as much", "Ctrl + Shift + up, down"),
    ("Earlier prompt, later prompt", "Ctrl + Page up, Page down"),
)
WHERE = {
    "picture": "canvas or timeline",
    "timeline": "timeline",
    "steps": "timeline, or a run on the canvas",
    "candidates": "artwork on the canvas",
    "lab": "plane of the lab",
    "queue": "list of the queue",
}
COLUMNS = 3  # at most: as many as the width has room for


class ShortcutSheet(QDialog):
    """Every action that has a key, by menu. The sheet blocks no other window, and scrolls up and down alone."""

    def __init__(self, bindings: Bindings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bindings = bindings
        bindings.changed.connect(self.close)  # the keys on it are the old ones
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menus: dict[str, list[Action]] = {}
        for action in ACTIONS:
            if bindings.keys(action.id):
                menus.setdefault(action.menu, []).append(action)
        self._blocks = [self._block(name, actions) for name, actions in menus.items()] + [
            self._gestures("Prompt", IN_PROMPT),
            self._gestures("Pointer", GESTURES),
        ]
        self._count = 0
        content = QWidget()
        self._columns = QHBoxLayout(content)
        self._columns.setContentsMargins(0, 0, em(self, 1), 0)  # between the keys and the scroll bar
        self._columns.setSpacing(em(self, 2))
        self._sides = [QVBoxLayout() for _ in range(COLUMNS)]
        for side in self._sides:
            side.setSpacing(em(self, 0.8))
            self._columns.addLayout(side)
        self._arrange(COLUMNS)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.setContentsMargins(em(self, 1.2), em(self, 1), em(self, 1.2), em(self, 0.8))
        column.setSpacing(em(self, 0.8))
        self.view = QScrollArea()  # where the screen is smaller than the list
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setWidgetResizable(True)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setWidget(content)
        column.addWidget(self.view, 1)
        column.addWidget(buttons)
        around = self.sizeHint() - self.view.sizeHint()
        around += QSize(self.view.verticalScrollBar().sizeHint().width(), 0)
        self.setMinimumWidth(self._width(1) + around.width())
        room = self.screen().availableSize() - QSize(0, em(self, 2))  # less the frame
        self._arrange(self._most(room.width() - around.width()))
        self.resize(QSize(self._width(self._count), content.sizeHint().height()) + around)
        self.resize(self.size().boundedTo(room))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(self._most(self.view.viewport().width()))

    def _most(self, width: int) -> int:
        """The most columns that fit."""
        return next((n for n in range(COLUMNS, 1, -1) if self._width(n) <= width), 1)

    def _width(self, count: int) -> int:
        """The width that `count` columns need."""
        widest = max(block.minimumSizeHint().width() for block in self._blocks)
        return count * widest + (count - 1) * self._columns.spacing() + em(self, 1)

    def _arrange(self, count: int) -> None:
        """Put the blocks into `count` columns of about the same height, in the order of the menus."""
        if count == self._count:
            return
        self._count = count
        for side in self._sides:
            while side.takeAt(0) is not None:
                pass
        heights = [block.sizeHint().height() for block in self._blocks]
        above = 0
        for block, height in zip(self._blocks, heights, strict=True):
            self._sides[min(count - 1, (above + height // 2) * count // sum(heights))].addWidget(block)
            above += height
        for k, side in enumerate(self._sides):
            side.addStretch(1)
            self._columns.setStretchFactor(side, int(k < count))

    def _block(self, name: str, actions: list[Action]) -> QWidget:
        """One menu. Where the keys work stands in its heading if it is the same for all of them."""
        places = {action.where for action in actions}
        everywhere = WHERE.get(next(iter(places)), "") if len(places) == 1 else ""
        block, grid = self._grid(f"{name}  ({everywhere})" if everywhere else name)
        for k, action in enumerate(actions, start=1):
            where = f"  ({WHERE[action.where]})" if action.where in WHERE and not everywhere else ""
            self._line(grid, k, action.text.rstrip("…") + where, self._bindings.text(action.id))
        return block

    def _gestures(self, name: str, gestures: tuple[tuple[str, str], ...]) -> QWidget:
        block, grid = self._grid(name)
        for k, (text, gesture) in enumerate(gestures, start=1):
            self._line(grid, k, text, gesture)
        return block

    def _grid(self, name: str) -> tuple[QWidget, QGridLayout]:
        block = QWidget(self)
        grid = QGridLayout(block)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(em(self, 1.5))
        grid.setVerticalSpacing(em(self, 0.2))
        grid.setColumnStretch(0, 1)
        grid.addWidget(label(name, "heading"), 0, 0)
        return block, grid

    @staticmethod
    def _line(grid: QGridLayout, k: int, text: str, keys: str) -> None:
        grid.addWidget(label(text), k, 0)
        said = label(keys, "muted")
        said.setAlignment(Qt.AlignmentFlag.AlignRight)
        grid.addWidget(said, k, 1)
