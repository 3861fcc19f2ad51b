"""The shortcut sheet and the About sheet: plain windows that stop nobody."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QDialogButtonBox, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.ui.actions import TABLE
from app.ui.actions.row import Row, keys_text
from app.ui.look.theme import em
from app.ui.widgets.parts import label

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
)
WHERE = {
    "picture": "canvas or timeline",
    "timeline": "timeline",
    "steps": "timeline, or a run on the canvas",
    "candidates": "artwork on the canvas",
    "lab": "plane of the lab",
}
COLUMN = {"Canvas": 1, "Candidates": 1, "Run": 2, "Lab": 2, "Help": 2}  # the others in the first


class ShortcutSheet(QDialog):
    """Every command that has a key, by menu: the action table as people read it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menus: dict[str, list[Row]] = {}
        for row in TABLE:
            if row.keys:
                menus.setdefault(row.menu, []).append(row)
        columns = QHBoxLayout()
        columns.setSpacing(em(self, 2))
        sides = [QVBoxLayout() for _ in range(3)]
        for name, rows in menus.items():
            sides[COLUMN.get(name, 0)].addLayout(self._block(name, rows))
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
        column.addLayout(columns)
        column.addWidget(buttons)

    def _block(self, name: str, rows: list[Row]) -> QGridLayout:
        """Where the keys work stands once where it is the same for all of them."""
        places = {row.where for row in rows}
        everywhere = WHERE.get(next(iter(places)), "") if len(places) == 1 else ""
        grid = self._grid(f"{name}  ({everywhere})" if everywhere else name)
        for k, row in enumerate(rows, start=1):
            where = f"  ({WHERE[row.where]})" if row.where in WHERE and not everywhere else ""
            self._line(grid, k, row.text.rstrip("…") + where, keys_text(row))
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


class AboutSheet(QDialog):
    """What this is, which version, on what."""

    def __init__(self, device: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Tweedie Studio")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(em(self, 2), em(self, 1.5), em(self, 2), em(self, 1))
        column.setSpacing(em(self, 0.5))
        version = QApplication.applicationVersion()
        column.addWidget(label(f"Tweedie Studio {version}".strip(), "title"))
        column.addWidget(label("Watch, scrub and understand every step of denoising."))
        column.addWidget(label(f"Computes on: {device}" if device else "The engine is not loaded.", "muted"))
        column.addWidget(label("No network, no telemetry. Pictures hold everything that made them.", "muted"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column.addSpacing(em(self, 0.5))
        column.addWidget(buttons)
