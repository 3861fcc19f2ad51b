"""The middle of the page History: filters above, the gallery or the pictures in large, and a footer."""

from __future__ import annotations

from PySide6.QtCore import QLocale, QPoint, Qt
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QStackedWidget, QVBoxLayout, QWidget

from app.core.history.history import History
from app.ui.actions.action_set import ActionSet
from app.ui.history.commands import HistoryCommands
from app.ui.history.empty import NothingFound, NothingYet
from app.ui.history.filter_bar import FilterBar
from app.ui.history.gallery import LARGEST, SMALLEST, Gallery
from app.ui.history.look import LookPage
from app.ui.look.theme import em
from app.ui.widgets.number_field import FlatSlider
from app.ui.widgets.quiet_label import QuietLabel
from engine.history.query import MISSING

MENU = (
    "history-open", "history-look", "history-compare", "history-alike", None, "history-settings", "history-but-seed",
    "history-prompt", "history-copy", None, "history-star", "history-tag", "history-board", None, "history-edit",
    "history-key", "history-reveal", None, "history-delete",
)  # fmt: skip


class HistoryView(QWidget):
    """Shows the History; tells it whether anybody sees it."""

    def __init__(self, history: History, commands: HistoryCommands, actions: ActionSet) -> None:
        super().__init__()
        self._history = history
        self.setAccessibleName("History")
        self.bar = FilterBar(history)
        self.gallery = Gallery(history)
        self.gallery.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.gallery.customContextMenuRequested.connect(self._show_menu)
        self.menu = QMenu(self)
        for name in MENU:
            if name is None:
                self.menu.addSeparator()
            else:
                self.menu.addAction(actions[name])
        self.empty = NothingYet(actions)
        self.nothing = NothingFound(history)
        self.look = LookPage(history)
        self.middle = QStackedWidget()
        for page in (self.gallery, self.empty, self.nothing, self.look):
            self.middle.addWidget(page)
        self.status = QuietLabel()
        self.tiles = FlatSlider(Qt.Orientation.Horizontal)
        self.tiles.setRange(SMALLEST, LARGEST)
        self.tiles.setValue(self.gallery.tile_em)
        self.tiles.setFixedWidth(em(self, 6))
        self.tiles.setAccessibleName("Size of the pictures")
        self.tiles.setToolTip("Size of the pictures (Ctrl+wheel)")
        self.footer = self._footer()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self.middle, 1)
        column.addWidget(self.footer)
        self.tiles.valueChanged.connect(self._resize_tiles)
        self.gallery.size_changed.connect(self.tiles.setValue)
        self.bar.leaving.connect(self.gallery.setFocus)
        self.look.left.connect(self._back)
        self.look.pair.stepped.connect(self._step)
        self.bar.adding.connect(commands.add_folder)
        self.gallery.opened.connect(commands.open_id)
        commands.focus_wanted.connect(self._on_focus)
        actions.reach("history", self.gallery, self.look.pair)
        for signal in (history.rows_changed, history.activity_changed, history.selection_changed,
                       history.looking_changed):  # fmt: skip
            signal.connect(self.refresh)
        history.looking_changed.connect(self._on_look)
        self.refresh()

    def _footer(self) -> QWidget:
        footer = QFrame()
        footer.setObjectName("footer")
        row = QHBoxLayout(footer)
        row.setContentsMargins(em(self, 0.6), em(self, 0.15), em(self, 0.6), em(self, 0.15))
        row.addWidget(self.status, 1)
        row.addWidget(self.tiles)
        return footer

    def _on_focus(self, field: str) -> None:
        if field == "search":
            self._history.look(())
            self.bar.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.bar.search.selectAll()
        elif not field:
            self.take_focus()

    def take_focus(self) -> None:
        """Give the keyboard to what is shown."""
        shown = self.middle.currentWidget()
        (self.look.pair if shown is self.look else self.gallery if shown is self.gallery else self).setFocus()

    def refresh(self) -> None:
        history = self._history
        if history.looking:
            page: QWidget = self.look
        elif history.rows or not history.is_ready:
            page = self.gallery
        else:
            page = self.nothing if history.filter.narrows else self.empty
        self.middle.setCurrentWidget(page)
        self.bar.setVisible(page is not self.look and page is not self.empty)
        self.tiles.setVisible(page is self.gallery)
        self.status.setText(self._status())

    def _status(self) -> str:
        history, number = self._history, QLocale().toString
        pictures = sum(row.stack for row in history.rows)
        said = ["1 picture" if pictures == 1 else f"{number(pictures)} pictures"] if history.is_ready else []
        if len(history.selected) > 1:
            said.append(f"{number(len(history.selected))} chosen")
        if missing := sum(row.state == MISSING for row in history.rows):
            said.append(f"{number(missing)} missing")
        return "   ".join(filter(None, (*said, history.activity)))

    def _resize_tiles(self, side: int) -> None:
        self.gallery.tile_em = side

    def _show_menu(self, at: QPoint) -> None:
        if self._history.selected:
            self.menu.popup(self.gallery.viewport().mapToGlobal(at))

    def _on_look(self) -> None:
        if self._history.looking:
            self.look.pair.setFocus()
        else:
            self._history.large.clear()

    def _back(self) -> None:
        looked = self._history.looking
        self._history.look(())
        if looked:
            self.gallery.show_picture(looked[0])
        self.gallery.setFocus()

    def _step(self, by: int) -> None:
        """Look at the next or the previous picture of the list."""
        index = self.gallery.table.index_of(self._history.looking[0])
        row = index.row() + by
        if index.isValid() and 0 <= row < self.gallery.table.rowCount():
            self.gallery.setCurrentIndex(self.gallery.table.index(row))
            self._history.look((self.gallery.table.rows[row].id,))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._history.filter.narrows:
            self._history.clear_filter()
            return
        super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._history.set_seen(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._history.set_seen(False)
