"""A combo box whose entries may have a second, explaining line."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QElapsedTimer, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QComboBox,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStyleOptionViewItem,
)

from app.ui.look import icons
from app.ui.look.theme import em

ABOUT = Qt.ItemDataRole.UserRole + 1  # the second line of an entry
ARROW = 1.35  # em: from the left edge of the arrow to the right edge of the box
WIDEST = 50  # em: a list is no wider, whatever its entries say


class ComboBox(QComboBox):
    """A combo box with the studio's own arrow. The wheel scrolls the panel and never changes the choice.

    `opening` is emitted before the list shows: then the second lines can be updated.
    """

    opening = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setItemDelegate(_TwoLines(self))
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)

    def search_by(self, find: Callable[[str], int]) -> None:
        """Search typed text by `find`, which returns the row of a text, −1 for none, in place of Qt's search of
        beginnings.
        """
        self.setView(_SearchedList(find))
        self.setItemDelegate(_TwoLines(self))

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        side = em(self)
        ink = self.palette().color(QPalette.ColorRole.Text if self.isEnabled() else QPalette.ColorRole.Mid)
        icons.paint(painter, "down", QRectF(self.width() - ARROW * side, (self.height() - side) / 2, side, side), ink)
        painter.end()

    def initStyleOption(self, option: QStyleOptionComboBox) -> None:
        """Shorten the text to the room left of the arrow: the style would cut it off."""
        super().initStyleOption(option)
        field = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        room = self.width() - round(ARROW * em(self)) - field.left()
        option.currentText = option.fontMetrics.elidedText(option.currentText, Qt.TextElideMode.ElideRight, room)

    def showPopup(self) -> None:
        self.opening.emit()
        self.view().setAccessibleName(self.accessibleName())
        hints = [self.view().sizeHintForIndex(self.model().index(row, 0)).width() for row in range(self.count())]
        widest = min(max([self.width(), *hints]), em(self, WIDEST))
        self.view().setMinimumWidth(widest + em(self, 1.5))  # the scroll bar's room included
        super().showPopup()


class _SearchedList(QListView):
    """The list of a combo box; letters typed in quick succession are one text."""

    def __init__(self, find: Callable[[str], int]) -> None:
        super().__init__()
        self._find = find
        self._typed = ""
        self._since = QElapsedTimer()
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)

    def keyboardSearch(self, search: str) -> None:
        if not self._since.isValid() or self._since.elapsed() > QApplication.keyboardInputInterval():
            self._typed = ""
        self._typed += search
        self._since.start()
        row = self._find(self._typed)
        if row >= 0:
            self.setCurrentIndex(self.model().index(row, 0))


class _TwoLines(QStyledItemDelegate):
    """An entry with its second line, muted, where it has one."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        about = index.data(ABOUT)
        self.initStyleOption(option, index)
        text = option.text
        option.text = ""
        widget = option.widget
        style = widget.style() if widget is not None else QApplication.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, widget)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        palette = QApplication.palette()  # the option's own is the style sheet's, with a paler placeholder
        line = option.fontMetrics.height()
        rect: QRect = option.rect.adjusted(line // 2, line // 4, -line // 2, -line // 4)
        strong = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
        painter.setPen(palette.color(strong))
        painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, text)
        if about:
            painter.setPen(palette.color(strong if selected else QPalette.ColorRole.PlaceholderText))
            painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, about)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        metrics = option.fontMetrics
        about = index.data(ABOUT) or ""
        text = index.data(Qt.ItemDataRole.DisplayRole) or ""
        line = metrics.height()
        width = max(metrics.horizontalAdvance(text), metrics.horizontalAdvance(about)) + line
        return QSize(width, (2 * line if about else line) + line // 2)
