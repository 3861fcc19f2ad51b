"""The page of the history: filters above, the gallery or the pictures in large, and a footer."""

from __future__ import annotations

from PySide6.QtCore import QLocale, QPoint, Qt
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSlider,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.core.history.history import History
from app.core.history.large_pictures import LargePictures
from app.core.history.table import title_of
from app.core.history.thumbnails import PictureThumbnails
from app.ui.actions.action_set import ActionSet
from app.ui.history.filter_bar import FilterBar
from app.ui.history.gallery import LARGEST, SMALLEST, Gallery
from app.ui.history.pair import Mode, Pair
from app.ui.look import icons
from app.ui.look.retinted import Retinted
from app.ui.look.theme import em
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.label import label, paragraph
from app.ui.widgets.opening_page import OpeningPage
from app.ui.widgets.quiet_label import QuietLabel
from app.ui.widgets.segments import Segments
from engine.history.query import MISSING
from engine.history.store import Picture

MODES: dict[str, tuple[str, str]] = {
    "side": ("Side by side", "Both pictures under one zoom"),
    "slider": ("Slider", "One picture on each side of a line: drag it, or use ← and →"),
    "blink": ("Blink", "One after the other in the same place; Space turns by hand"),
}
MENU = (
    "history-open", "history-look", "history-compare", "history-alike", None, "history-settings", "history-but-seed",
    "history-prompt", "history-copy", None, "history-star", "history-tag", "history-board", None, "history-edit",
    "history-key", "history-reveal", None, "history-delete",
)  # fmt: skip


class HistoryPage(QWidget):
    """Shows the History; tells it whether anybody sees it."""

    def __init__(
        self,
        history: History,
        thumbnails: PictureThumbnails,
        large: LargePictures,
        actions: ActionSet,
    ) -> None:
        super().__init__()
        self._history, self._large, self._actions = history, large, actions
        self.setAccessibleName("History")
        self.bar = FilterBar(history)
        self.gallery = Gallery(history, thumbnails)
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
        self.look = LookPage(history, large)
        self.middle = QStackedWidget()
        for page in (self.gallery, self.empty, self.nothing, self.look):
            self.middle.addWidget(page)
        self.status = QuietLabel()
        self.size = QSlider(Qt.Orientation.Horizontal)
        self.size.setRange(SMALLEST, LARGEST)
        self.size.setValue(self.gallery.tile_em)
        self.size.setFixedWidth(em(self, 6))
        self.size.setAccessibleName("Size of the pictures")
        self.size.setToolTip("Size of the pictures (Ctrl+wheel)")
        self.footer = self._footer()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self.middle, 1)
        column.addWidget(self.footer)
        self.size.valueChanged.connect(self._resize_tiles)
        self.gallery.size_changed.connect(self.size.setValue)
        self.bar.leaving.connect(self.gallery.setFocus)
        self.look.left.connect(self._back)
        self.look.pair.stepped.connect(self._step)
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
        row.addWidget(self.size)
        return footer

    @property
    def focus(self) -> QWidget:
        return self.gallery

    def focus_search(self) -> None:
        self._history.look(())
        self.bar.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.bar.search.selectAll()

    def refresh(self) -> None:
        history = self._history
        if history.looking:
            page: QWidget = self.look
        elif history.rows or not history.is_ready:
            page = self.gallery
        else:
            page = self.nothing if history.filter.narrows else self.empty
        had = self.middle.currentWidget()
        self.middle.setCurrentWidget(page)
        if had is not page and had.isAncestorOf(self.focusWidget() or self):
            page.setFocus()
        self.bar.setVisible(page is not self.look and page is not self.empty)
        self.size.setVisible(page is self.gallery)
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
            self._large.clear()

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


class LookPage(Retinted, QWidget):
    """The pictures that are looked at, under a bar with the way back and the ways to compare."""

    def __init__(self, history: History, large: LargePictures) -> None:
        super().__init__()
        self._history, self._large = history, large
        self.pair = Pair()
        self.left = self.pair.left
        self.back = QToolButton()
        self.back.setText("All pictures")
        self.back.setToolTip("Back to all pictures (Esc)")
        self.back.setAccessibleName("Back to all pictures")
        self.back.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.modes = Segments("Compare", MODES)
        self.modes.show_choice("side")
        self.title = QuietLabel()
        bar = QFrame()
        bar.setObjectName("pane")
        row = QHBoxLayout(bar)
        row.setContentsMargins(em(self, 0.4), em(self, 0.4), em(self, 0.6), em(self, 0.4))
        row.setSpacing(em(self, 0.8))
        row.addWidget(self.back)
        row.addWidget(self.title, 1)
        row.addWidget(self.modes)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar)
        column.addWidget(self.pair, 1)
        self.setFocusProxy(self.pair)
        self.back.clicked.connect(self.left)
        self.modes.chosen.connect(self._choose_mode)
        history.looking_changed.connect(self.refresh)
        large.arrived.connect(self.refresh)
        self.tint()

    def tint(self) -> None:
        self.back.setIcon(icons.icon("previous", self.palette()))

    def refresh(self) -> None:
        looked = [picture for id in self._history.looking if (picture := self._history.picture(id)) is not None]
        images = tuple(self._large.of(picture.path) for picture in looked)
        self.pair.show_images(images, tuple(_caption(picture) for picture in looked))
        self.modes.setVisible(len(looked) > 1)
        self.title.setText(title_of(looked[0]) if len(looked) == 1 else "")

    def _choose_mode(self, mode: str) -> None:
        chosen: dict[str, Mode] = {"side": "side", "slider": "slider", "blink": "blink"}
        self.pair.mode = chosen[mode]
        self.pair.setFocus()


class NothingYet(OpeningPage):
    """What will be here, before the first picture is."""

    def __init__(self, actions: ActionSet) -> None:
        super().__init__()
        title = label("No picture yet", "title")
        about = paragraph(
            "Every picture that you finish comes here by itself, with its prompt, its settings and its run. You can "
            "search, star, tag and compare pictures, and go back to every step of each.\nPictures that you already "
            "have can be here too, also those of other studios: add their folder."
        )
        about.setMaximumWidth(em(self, 32))
        for text in (title, about):
            text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QWidget()
        row.setMaximumWidth(em(self, 32))
        flow = FlowLayout(row, gap=em(self, 0.5), centred=True)
        for name, text in (("go-pictures", "Make a picture"), ("history-add-folder", "Add a folder of pictures…")):
            button = QPushButton(text)
            button.setProperty("large", True)
            button.setProperty("kind", "chip")
            button.clicked.connect(actions[name].trigger)
            flow.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(em(self, 2), em(self, 2), em(self, 2), em(self, 2))
        column.setSpacing(em(self, 0.8))
        column.addStretch(3)
        column.addWidget(title)
        column.addLayout(self.centred(about))
        column.addLayout(self.centred(row))
        column.addStretch(4)


class NothingFound(OpeningPage):
    """No picture passes the filters."""

    def __init__(self, history: History) -> None:
        super().__init__()
        said = paragraph("No picture passes these filters.")
        said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.clear = QPushButton("List all pictures")
        self.clear.setProperty("kind", "link")
        self.clear.clicked.connect(history.clear_filter)
        column = QVBoxLayout(self)
        column.addStretch(2)
        column.addWidget(said)
        column.addWidget(self.clear, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)


def _caption(picture: Picture) -> str:
    seed = "" if picture.facts.seed is None else f"   seed {picture.facts.seed}"
    return f"{title_of(picture)}{seed}   {picture.facts.width} × {picture.facts.height}"
