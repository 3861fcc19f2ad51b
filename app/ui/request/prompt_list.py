"""The sheet with the prompts used before: search, and put one into its field."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.core.request.prompt_history import Field, PromptHistory
from app.core.shown.naming import shorten
from app.ui.look.theme import em
from app.ui.widgets.label import label

LONGEST = 120  # characters of a prompt in its line
_FULL = Qt.ItemDataRole.UserRole
_TITLES: dict[Field, str] = {"prompt": "Earlier prompts", "negative": "Earlier negative prompts"}


class PromptList(QDialog):
    """Enter or a double click takes a prompt, Del takes it out of the list, Esc closes. No other window is blocked.

    taken -- carries the text
    """

    taken = Signal(str)

    def __init__(self, history: PromptHistory, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history, self._field = history, field
        self.setWindowTitle(_TITLES[field])
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search")
        self.search.setAccessibleName("Search the earlier prompts")
        self.search.setClearButtonEnabled(True)
        self.list = QListWidget()
        self.list.setAccessibleName(_TITLES[field])
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.said = label("", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(em(self, 1), em(self, 1), em(self, 1), em(self, 0.8))
        column.setSpacing(em(self, 0.6))
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        column.addWidget(self.said)
        self.resize(em(self, 34), em(self, 24))
        self.search.textChanged.connect(self.refresh)
        self.search.installEventFilter(self)
        self.list.installEventFilter(self)
        self.list.itemDoubleClicked.connect(self._take)
        history.changed.connect(self.refresh)
        self.refresh()
        self.search.setFocus()

    def refresh(self) -> None:
        """Show what the search finds."""
        row = max(0, self.list.currentRow())
        self.list.clear()
        for text in self._history.search(self._field, self.search.text()):
            item = QListWidgetItem(shorten(" ".join(text.split()), LONGEST))
            item.setData(_FULL, text)
            item.setToolTip(text)
            self.list.addItem(item)
        self.list.setCurrentRow(min(row, self.list.count() - 1))
        if self.list.count():
            self.said.setText("Enter puts it into the field, Del takes it out of the list.")
        elif self.search.text().strip():
            self.said.setText("No earlier prompt has these words.")
        else:
            self.said.setText("A prompt is kept here when a picture is made of it.")

    def _take(self) -> None:
        if (item := self.list.currentItem()) is not None:
            self.taken.emit(item.data(_FULL))
            self.close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter and the arrows work from the search, too."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take()
            return True
        if event.key() == Qt.Key.Key_Delete and watched is self.list and (item := self.list.currentItem()):
            self._history.forget(self._field, item.data(_FULL))
            return True
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and watched is self.search and self.list.count():
            by = 1 if event.key() == Qt.Key.Key_Down else -1
            self.list.setCurrentRow(min(max(self.list.currentRow() + by, 0), self.list.count() - 1))
            return True
        return False
