"""What the gallery lists: the search field, and the filters by star, rating, model, tag and board."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.core.history.history import History
from app.core.shown.naming import shorten
from app.ui.look import icons
from app.ui.look.retinted import Retinted
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ComboBox
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.segments import Segments
from engine.history.query import MOST_RATING

STACKS = {
    "each": ("Pictures", "Every picture by itself"),
    "stacked": ("Stacks", "One tile for all pictures with the same settings, whatever their seeds"),
}
LONGEST = 40  # characters of a name in a list


class FilterBar(Retinted, QWidget):
    """`leaving` is emitted when the keyboard goes down to the pictures; `adding` asks for a folder."""

    leaving = Signal()
    adding = Signal()

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history
        self.search = SearchLine()
        self.stacks = Segments("What a tile is", STACKS)
        self.starred = QToolButton()
        self.starred.setCheckable(True)
        self.starred.setAccessibleName("Only starred pictures")
        self.starred.setToolTip("Only starred pictures")
        self.rating = ComboBox("Rating")
        self.model, self.tag, self.board = ComboBox("Model"), ComboBox("Tag"), ComboBox("Board")
        self.alike = QPushButton("Same settings")
        self.alike.setProperty("kind", "chip")
        self.alike.setCheckable(True)
        self.alike.setAccessibleName("Only pictures with the same settings")
        self.alike.setToolTip("Only pictures with the same settings but for the seed. Click to list all again")
        self.clear = QPushButton("Clear")
        self.clear.setProperty("kind", "link")
        self.clear.setAccessibleName("Clear all filters")
        self.clear.setToolTip("List all pictures")
        self.folders = QToolButton()
        self.folders.setText("Folders")
        self.folders.setAccessibleName("Folders of the history")
        self.folders.setToolTip("The folders that the history looks through")
        self.folders.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.folders.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.folders.setMenu(self.menu)
        self._lay_out()
        self.search.textChanged.connect(lambda text: history.narrow(text=text))
        self.search.left.connect(self.leaving)
        self.stacks.chosen.connect(lambda key: history.narrow(stacked=key == "stacked"))
        self.starred.clicked.connect(lambda on: history.narrow(starred=on))
        self.rating.activated.connect(lambda row: history.narrow(rating=self.rating.itemData(row)))
        for box, name in ((self.model, "model"), (self.tag, "tag"), (self.board, "board")):
            box.activated.connect(lambda row, box=box, name=name: history.narrow(**{name: box.itemData(row)}))
        self.alike.clicked.connect(lambda: history.narrow(parameters=""))
        self.clear.clicked.connect(history.clear_filter)
        history.filter_changed.connect(self._show_filter)
        history.facets_changed.connect(self._show_filter)
        self.tint()
        self._show_filter()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(em(self, 0.5))
        head.addWidget(self.search, 1)
        head.addWidget(self.stacks)
        head.addWidget(self.folders)
        below = QWidget()
        flow = FlowLayout(below, gap=em(self, 0.4))
        for widget in (self.starred, self.rating, self.model, self.tag, self.board, self.alike, self.clear):
            flow.addWidget(widget)
        column = QVBoxLayout(self)
        side = em(self, 0.6)
        column.setContentsMargins(side, side, side, em(self, 0.5))
        column.setSpacing(em(self, 0.4))
        column.addLayout(head)
        column.addWidget(below)

    def tint(self) -> None:
        self.starred.setIcon(icons.icon("star", self.palette(), "star-on"))
        self.folders.setIcon(icons.icon("folder", self.palette()))

    def _show_filter(self) -> None:
        history, chosen = self._history, self._history.filter
        if self.search.text() != chosen.text:
            self.search.setText(chosen.text)
        self.stacks.show_choice("stacked" if chosen.stacked else "each")
        self.starred.setChecked(chosen.starred)
        self.rating.clear()
        self.rating.addItem("Any rating", 0)
        for k in range(1, MOST_RATING + 1):
            self.rating.addItem(f"{k} of {MOST_RATING}" if k == MOST_RATING else f"{k} and more", k)
        self.rating.setCurrentIndex(chosen.rating)
        _fill(self.model, "All models", history.models(), chosen.model)
        _fill(self.tag, "All tags", history.tags(), chosen.tag)
        _fill(self.board, "All boards", history.boards(), chosen.board)
        self.tag.setVisible(self.tag.count() > 1)
        self.board.setVisible(self.board.count() > 1)
        self.alike.setVisible(bool(chosen.parameters))
        self.alike.setChecked(bool(chosen.parameters))
        self.clear.setVisible(chosen.narrows)

    def _fill_menu(self) -> None:
        menu, history = self.menu, self._history
        menu.clear()
        menu.addAction("Add a folder…", self.adding.emit)
        menu.addAction("Look through the folders again", history.scanner.scan)
        menu.addSeparator()
        own = menu.addAction(f"{_short(history.place.pictures)}: the studio's own")
        own.setEnabled(False)
        for folder in history.folders:
            inner = menu.addMenu(_short(folder).replace("&", "&&"))
            inner.addAction("Stop looking through it", partial(history.unwatch, folder))


class SearchLine(QLineEdit):
    """`left` is emitted by ↓ and Enter: on to the pictures. Esc clears the text."""

    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Search the history")
        self.setPlaceholderText("Search prompts, models, LoRAs, tags, file names")
        self.setToolTip("Each word must begin a word of the picture's; a word after “-” must not")
        self.setClearButtonEnabled(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)


def _fill(box: ComboBox, all_of_them: str, counts: Mapping[str, int], chosen: str) -> None:
    box.clear()
    box.addItem(all_of_them, "")
    for name, count in counts.items():
        box.addItem(f"{shorten(name, LONGEST)} ({count:,})", name)
    if chosen and chosen not in counts:
        box.addItem(shorten(chosen, LONGEST), chosen)
    box.setCurrentIndex(max(0, box.findData(chosen)))


def _short(folder: Path) -> str:
    """A folder as people write it, with ~ for their own."""
    home = Path.home()
    return f"~/{folder.relative_to(home).as_posix()}" if folder.is_relative_to(home) else str(folder)
