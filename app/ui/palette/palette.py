"""The command palette: a field and a list over the window. Typing finds, the arrows walk, Return does, Esc closes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.core.palette.entries import Entry, ranked
from app.settings import Settings
from app.settings.keys import MOST_RECENT
from app.ui.look.theme import em
from app.ui.widgets.label import paragraph

WALKS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
LEFT = Qt.FocusReason.ActiveWindowFocusReason  # for another window
WIDE, SHOWN = 34, 10  # line heights; rows
ENTRY = Qt.ItemDataRole.UserRole

Index = QModelIndex | QPersistentModelIndex


class EntryModel(QAbstractListModel):
    """The ranked entries as rows."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []

    def show(self, entries: list[Entry]) -> None:
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(filter(None, (entry.title, entry.about, entry.keys, entry.why)))
        return entry if role == ENTRY else None


class EntryRow(QStyledItemDelegate):
    """Title and place on the left, keys on the right; under them why it cannot be done now."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry: Entry = index.data(ENTRY)
        palette = option.palette
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        line = option.fontMetrics.height()
        rect: QRect = option.rect.adjusted(line // 2, line // 4, -line // 2, -line // 4)
        strong, muted = QPalette.ColorRole.Text, QPalette.ColorRole.PlaceholderText
        if selected:
            painter.fillRect(option.rect, palette.color(QPalette.ColorRole.Highlight))
            strong = muted = QPalette.ColorRole.HighlightedText
        top, left, right = Qt.AlignmentFlag.AlignTop, Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        painter.setPen(palette.color(muted))
        painter.drawText(rect, top | right, entry.keys)
        room = rect.width() - option.fontMetrics.horizontalAdvance(entry.keys) - line
        title = option.fontMetrics.elidedText(entry.title, Qt.TextElideMode.ElideRight, room)
        painter.setPen(palette.color(muted if entry.why else strong))
        painter.drawText(rect, top | left, title)
        used = option.fontMetrics.horizontalAdvance(title + "   ")
        painter.setPen(palette.color(muted))
        about = option.fontMetrics.elidedText(entry.about, Qt.TextElideMode.ElideRight, max(0, room - used))
        painter.drawText(rect.adjusted(used, 0, 0, 0), top | left, about)
        if entry.why:
            why = option.fontMetrics.elidedText(entry.why, Qt.TextElideMode.ElideRight, rect.width())
            painter.drawText(rect, Qt.AlignmentFlag.AlignBottom | left, why)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        line = option.fontMetrics.height()
        entry: Entry = index.data(ENTRY)
        return QSize(line * 10, (2 if entry.why else 1) * line + line // 2)


class CommandPalette(QDialog):
    """`offers` returns all entries, asked for each time that it opens. It closes when it loses the focus."""

    def __init__(self, offers: Callable[[], Sequence[Entry]], settings: Settings, window: QWidget) -> None:
        super().__init__(window, Qt.WindowType.Dialog | Qt.WindowType.FramelessWindowHint)
        self.setWindowTitle("Command palette")
        self.setObjectName("palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._settings, self._entries = settings, list(offers())
        self.search = QLineEdit()
        self.search.setAccessibleName("Find a command")
        self.search.setPlaceholderText("Find a command, a model, a page, a preference")
        self.search.installEventFilter(self)
        self.table = EntryModel(self)
        self.list = QListView()
        self.list.setModel(self.table)
        self.list.setItemDelegate(EntryRow(self.list))
        self.list.setAccessibleName("Commands")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.nothing = paragraph("Nothing has all of these letters in this order.")
        column = QVBoxLayout(self)
        side = em(self, 0.5)
        column.setContentsMargins(side, side, side, side)
        column.setSpacing(em(self, 0.4))
        for widget in (self.search, self.list, self.nothing):
            column.addWidget(widget)
        self.search.textChanged.connect(self._on_search)
        self.list.clicked.connect(lambda _: self.choose())
        self._on_search("")
        rows = SHOWN * round(1.5 * self.fontMetrics().height()) + em(self, 0.5)
        self.list.setFixedHeight(min(rows, max(em(self, 6), window.height() - em(self, 6))))
        self.setFixedWidth(min(em(self, WIDE), window.width() - em(self, 2)))
        self.adjustSize()
        self.move(window.mapToGlobal(QPoint((window.width() - self.width()) // 2, em(self, 3))))

    def choose(self) -> None:
        """Do the marked entry; one that cannot be done now stays, with its reason in sight."""
        index = self.list.currentIndex()
        if not index.isValid():
            return
        entry: Entry = index.data(ENTRY)
        if entry.why:
            return
        recent = [entry.name, *(name for name in self._settings.values.recent_commands if name != entry.name)]
        self._settings.update(recent_commands=tuple(recent[:MOST_RECENT]))
        self.close()
        entry.do()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in WALKS:
                self._walk(Qt.Key(event.key()))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.choose()
                return True
        if isinstance(event, QFocusEvent) and event.lostFocus() and event.reason() == LEFT:
            self.close()
        return super().eventFilter(watched, event)

    def _walk(self, key: Qt.Key) -> None:
        """One row or one page on; from an end to the other one."""
        count = self.table.rowCount()
        if not count:
            return
        row = self.list.currentIndex().row()
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            row = (row + (1 if key == Qt.Key.Key_Down else -1)) % count
        else:
            row = min(max(row + (SHOWN if key == Qt.Key.Key_PageDown else -SHOWN), 0), count - 1)
        self.list.setCurrentIndex(self.table.index(row))

    def _on_search(self, text: str) -> None:
        self.table.show(ranked(self._entries, text, self._settings.values.recent_commands))
        some = self.table.rowCount() > 0
        self.list.setVisible(some)
        self.nothing.setVisible(not some)
        if some:
            self.list.setCurrentIndex(self.table.index(0))
