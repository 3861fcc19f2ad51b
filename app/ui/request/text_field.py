"""A field for text of several lines."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QFocusEvent, QPainter, QPaintEvent, QPalette, QTextCursor
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QSizePolicy

from app.core.files.mime import holds_picture
from app.ui.look.theme import em
from app.ui.widgets.edits import clear_refusal, refuse
from engine.spec.request import MAX_TEXT

OPENING = " \u2029([{|"  # characters after which a word needs no space, and before which (Qt's line end among them)
CLOSING = " \u2029)]}|,.:"


class TextField(QPlainTextEdit):
    """Plain text in which Tab moves on, up to MAX_TEXT characters.

    edited        -- carries each text that a person typed
    focus_changed -- it got or lost the keyboard focus
    """

    edited = Signal(str)
    focus_changed = Signal()

    def __init__(self, name: str, placeholder: str, lines: float) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._text = ""
        self._placeholder = placeholder
        self.setTabChangesFocus(True)
        self._lines = lines
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.textChanged.connect(self._change)

    def show_text(self, text: str) -> None:
        """Show the text without an echo; the cursor stays where someone types the same."""
        if text != self.toPlainText():
            self._text = text
            self.blockSignals(True)
            self.setPlainText(text)
            self.blockSignals(False)

    def insert_word(self, word: str) -> None:
        """Insert a word at the cursor, as one step of the field's undo: with spaces around it inside the text, after a
        comma at its end. A cursor at the very start was not placed by a person: then it goes to the end.
        """
        cursor, document = self.textCursor(), self.document()
        if cursor.position() == 0:
            cursor.movePosition(QTextCursor.MoveOperation.End)
        at = cursor.position()
        before = self.toPlainText().strip(" ,") and document.characterAt(at - 1)
        if cursor.atEnd() and before:
            lead = {",": " ", " ": ""}.get(before, ", ")
        else:
            lead = "" if not before or before in OPENING else " "
        tail = "" if cursor.atEnd() or document.characterAt(at) in CLOSING else " "
        cursor.insertText(f"{lead}{word}{tail}")
        self.setTextCursor(cursor)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Insert pasted or dropped text as far as there is room. Longer text would be laid out first, in seconds."""
        if not self.canInsertFromMimeData(source):
            return
        text = source.text()
        room = MAX_TEXT - len(self.toPlainText()) + len(self.textCursor().selectedText())
        if len(text) <= room:
            super().insertFromMimeData(source)
            return
        part = QMimeData()
        part.setText(text[: max(0, room)])
        super().insertFromMimeData(part)
        self._refuse(len(text) - room)

    def _change(self) -> None:
        """Take an edit; remove text beyond the limit. Qt also comes here for a new underline."""
        if self.toPlainText() == self._text:
            return
        over = len(self.toPlainText()) - MAX_TEXT
        if over > 0:
            self.blockSignals(True)
            for _ in range(over):
                self.textCursor().deletePreviousChar()
            self.blockSignals(False)
            self._refuse(over)
        else:
            clear_refusal(self)
        self._text = self.toPlainText()
        self.edited.emit(self._text)

    def _refuse(self, left: int) -> None:
        refuse(self, f"A text can have {MAX_TEXT} characters: the last {left} were left out. Shorten it first.")

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Text, but no files: those are pictures to open, wherever on the window they are dropped."""
        return not source.hasUrls() and super().canInsertFromMimeData(source)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Leave drops with a picture to the window, even if they have text too."""
        if holds_picture(event.mimeData()):
            event.ignore()
        else:
            super().dragEnterEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focus_changed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """With the words that say what to type, in the palette's own ink: Qt fades it under a style sheet."""
        super().paintEvent(event)
        if not self.toPlainText():
            painter = QPainter(self.viewport())
            painter.setPen(QApplication.palette().color(QPalette.ColorRole.PlaceholderText))
            margin = round(self.document().documentMargin())
            rect = self.viewport().rect().adjusted(margin, margin, -margin, -margin)
            painter.drawText(rect, Qt.TextFlag.TextWordWrap, self._placeholder)
            painter.end()

    def sizeHint(self) -> QSize:
        return QSize(em(self, 14), em(self, self._lines) + em(self, 0.9))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(self, 8), self.sizeHint().height())
