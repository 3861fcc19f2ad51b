"""The gallery: thousands of thumbnails under their days. Only what is in sight is laid out, read and painted."""

from __future__ import annotations

from datetime import date, timedelta

from PySide6.QtCore import (
    QDate,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QLocale,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QFocusEvent,
    QFont,
    QHelpEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QFrame, QStyle, QStyleOptionViewItem, QToolTip, QWidget

from app.core.history.history import History
from app.core.history.table import PictureTable, Section, spoken
from app.ui.history.grid import Grid
from app.ui.history.tile import Tile
from app.ui.look.theme import em
from app.ui.widgets.plain_tip import plain_tip

SMALLEST, USUAL, LARGEST = 4, 8, 18  # em: sides of a tile
KEYPAD = Qt.KeyboardModifier.KeypadModifier
Index = QModelIndex | QPersistentModelIndex


class Gallery(QAbstractItemView):
    """Shows a PictureTable. Ctrl+wheel changes the size of the tiles.

    opened -- Enter or a double click on a picture
    """

    opened = Signal(int)
    size_changed = Signal(int)

    def __init__(self, history: History, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history, self._thumbnails = history, history.thumbnails
        self._tile_em = USUAL
        self._grid: Grid | None = None
        self.table = PictureTable(history, self)
        self.setModel(self.table)
        self.setItemDelegate(Tile(history, self))
        self.setAccessibleName("Pictures")
        self.setObjectName("gallery")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.table.arranged.connect(self._on_arranged)
        self.table.layoutChanged.connect(self._lay_out)
        history.thumbnails.arrived.connect(self._on_thumbnail)
        self.doubleClicked.connect(self._open)
        self._hovered = QPersistentModelIndex()
        self.entered.connect(self._hover)

    # the size of the tiles

    @property
    def tile_em(self) -> int:
        """The side of a tile in line heights."""
        return self._tile_em

    @tile_em.setter
    def tile_em(self, side: int) -> None:
        side = max(SMALLEST, min(side, LARGEST))
        if side == self._tile_em:
            return
        middle = self.indexAt(self.viewport().rect().center())
        self._tile_em = side
        self._lay_out()
        if middle.isValid():
            self.scrollTo(middle, QAbstractItemView.ScrollHint.PositionAtCenter)
        self.size_changed.emit(side)

    @property
    def grid(self) -> Grid:
        if self._grid is None:
            lengths = em(self, self._tile_em), em(self, 0.45), em(self, 2.2), em(self, 0.8)
            self._grid = Grid(self.table.sections, self.viewport().width(), *lengths)
            self._thumbnails.side = round(self._grid.tile * self.devicePixelRatioF())
        return self._grid

    def _lay_out(self) -> None:
        self._grid = None
        self.updateGeometries()
        self.viewport().update()

    def _on_arranged(self) -> None:
        self._lay_out()
        if self.table.rowCount() and not self.currentIndex().isValid():
            self.selectionModel().setCurrentIndex(self.table.index(0), QItemSelectionModel.SelectionFlag.NoUpdate)
        self.tell_selection()

    # QAbstractItemView

    def updateGeometries(self) -> None:
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, self.grid.height - self.viewport().height()))
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(em(self, 2.5))
        super().updateGeometries()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._grid = None
        super().resizeEvent(event)
        self.updateGeometries()

    def verticalOffset(self) -> int:
        return self.verticalScrollBar().value()

    def horizontalOffset(self) -> int:
        return 0

    def isIndexHidden(self, index: Index) -> bool:
        return False

    def visualRect(self, index: Index) -> QRect:
        if not index.isValid() or index.row() >= self.table.rowCount():
            return QRect()
        return self.grid.rect(index.row()).translated(0, -self.verticalOffset())

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        region, shown = QRegion(), self._shown_rows(self.viewport().rect())
        for row in shown:
            if selection.contains(self.table.index(row)):
                region += QRegion(self.visualRect(self.table.index(row)))
        return region

    def indexAt(self, at: QPoint) -> QModelIndex:
        row = self.grid.row_at(at + QPoint(0, self.verticalOffset()))
        return QModelIndex() if row is None else self.table.index(row)

    def scrollTo(
        self, index: Index, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        rect, high = self.visualRect(index), self.viewport().height()
        if rect.isNull():
            return
        bar, margin = self.verticalScrollBar(), em(self, 0.8)
        if hint == QAbstractItemView.ScrollHint.PositionAtCenter:
            bar.setValue(bar.value() + rect.center().y() - high // 2)
        elif rect.top() < 0 or hint == QAbstractItemView.ScrollHint.PositionAtTop:
            first = self.grid.move(index.row(), -1) == index.row() or index.row() < self.grid.columns
            bar.setValue(0 if first else bar.value() + rect.top() - margin)
        elif rect.bottom() > high or hint == QAbstractItemView.ScrollHint.PositionAtBottom:
            bar.setValue(bar.value() + rect.bottom() - high + margin)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        count, row = self.table.rowCount(), self.currentIndex().row()
        if not count:
            return QModelIndex()
        if row < 0:
            return self.table.index(0)
        Action = QAbstractItemView.CursorAction
        page = max(1, self.viewport().height() // self.grid.line_height)
        if action in (Action.MoveLeft, Action.MovePrevious):
            row -= 1
        elif action in (Action.MoveRight, Action.MoveNext):
            row += 1
        elif action == Action.MoveHome:
            row = 0
        elif action == Action.MoveEnd:
            row = count - 1
        else:
            lines = {Action.MoveUp: -1, Action.MoveDown: 1, Action.MovePageUp: -page, Action.MovePageDown: page}
            row = self.grid.move(row, lines[action])
        return self.table.index(max(0, min(row, count - 1)))

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """Select from the picture at one corner to the one at the other, as Shift does in a text."""
        first, last = self.indexAt(rect.topLeft()), self.indexAt(rect.bottomRight())
        chosen = QItemSelection()
        if first.isValid() and last.isValid():
            low, high = sorted((first.row(), last.row()))
            chosen.select(self.table.index(low), self.table.index(high))
        self.selectionModel().select(chosen, command)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        self.tell_selection()

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        for index in (current, previous):
            self.viewport().update(self.visualRect(index))
        self.tell_selection()

    def tell_selection(self) -> None:
        """Tell the history what is chosen, the current picture first."""
        rows = {index.row() for index in self.selectionModel().selectedIndexes()}
        now = self.currentIndex().row()
        ordered = [now, *sorted(rows - {now})] if now in rows else sorted(rows)
        self._history.select([self.table.rows[row].id for row in ordered if row < self.table.rowCount()])

    def show_picture(self, id: int) -> None:
        """Choose a picture and bring it into sight."""
        index = self.table.index_of(id)
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index)

    # events

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers() & ~KEYPAD:
            self._open(self.currentIndex())
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Keys act on a picture at once."""
        super().focusInEvent(event)
        if event.reason() != Qt.FocusReason.MouseFocusReason and not self.selectionModel().hasSelection():
            self.setCurrentIndex(self.currentIndex())

    def keyboardSearch(self, search: str) -> None:
        """Letters are commands here; the search field searches."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.tile_em += 1 if event.angleDelta().y() > 0 else -1
            event.accept()
            return
        super().wheelEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QHelpEvent.Type.ToolTip:
            index = self.indexAt(event.pos())
            picture = self._history.picture(self.table.rows[index.row()].id) if index.isValid() else None
            if picture is None:
                QToolTip.hideText()
            else:
                said = spoken(picture, self.table.rows[index.row()]).replace(", ", "\n", 1)
                QToolTip.showText(event.globalPos(), plain_tip(f"{said}\n{picture.path}"), self)
            return True
        return bool(super().viewportEvent(event))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        dirty, offset = event.rect(), self.verticalOffset()
        painter.fillRect(dirty, self.palette().color(QPalette.ColorRole.Dark))
        if not self.table.rowCount():
            painter.end()
            return
        grid, sections = self.grid, self.table.sections
        for at in grid.sections_in(dirty.top() + offset, dirty.bottom() + 1 + offset):
            heading = grid.heading(at).translated(0, -offset)
            if heading.intersects(dirty):
                self._paint_heading(painter, heading, sections[at])
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        selection, now, hovered = self.selectionModel(), self.currentIndex().row(), self._hovered.row()
        Flag = QStyle.StateFlag
        for row in self._shown_rows(dirty):
            index = self.table.index(row)
            option.rect = grid.rect(row).translated(0, -offset)
            state = Flag.State_Enabled
            if selection.isSelected(index):
                state |= Flag.State_Selected
            if row == hovered:
                state |= Flag.State_MouseOver
            if row == now and self.hasFocus():
                state |= Flag.State_HasFocus
            option.state = state
            self.itemDelegate().paint(painter, option, index)
        painter.end()

    def _shown_rows(self, rect: QRect) -> range:
        offset = self.verticalOffset()
        return self.grid.rows_in(rect.top() + offset, rect.bottom() + 7 + offset)  # a stack reaches out of its square

    def _paint_heading(self, painter: QPainter, rect: QRect, section: Section) -> None:
        palette = self.palette()
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        words, low = day_text(section.day), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom
        room = rect.adjusted(0, 0, 0, -em(self, 0.4))
        painter.setFont(bold)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        painter.drawText(room, low, words)
        beside = painter.fontMetrics().horizontalAdvance(words) + em(self, 0.6)
        painter.setFont(self.font())
        painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
        painter.drawText(room.adjusted(beside, 0, 0, 0), low, QLocale().toString(section.length))

    def _hover(self, index: Index) -> None:
        before, self._hovered = self._hovered, QPersistentModelIndex(index)
        for changed in (before, self._hovered):
            self.viewport().update(self.visualRect(changed))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(QModelIndex())
        super().leaveEvent(event)

    def _open(self, index: Index) -> None:
        if index.isValid():
            self.opened.emit(self.table.rows[index.row()].id)

    def _on_thumbnail(self, id: int) -> None:
        shown = self._shown_rows(self.viewport().rect())
        for row in shown:
            if self.table.rows[row].id == id:
                self.viewport().update(self.visualRect(self.table.index(row)))

    def sizeHint(self) -> QSize:
        return QSize(em(self, 30), em(self, 20))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(self, 12), em(self, 8))


def day_text(day: str, today: date | None = None) -> str:
    """Return a day as a heading: Today, Yesterday, else its date in the user's language."""
    today = today or date.today()
    found = date.fromisoformat(day)
    if found == today:
        return "Today"
    if found == today - timedelta(days=1):
        return "Yesterday"
    return QLocale().toString(QDate(found.year, found.month, found.day), QLocale.FormatType.LongFormat)
