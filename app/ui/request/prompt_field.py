"""The prompt: a field, and under it the words that the model does not know with the nearest that it does."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextDocument,
)
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.core.files.mime import holds_picture
from app.core.request.draft_model import DraftModel
from app.core.request.vocabulary import Unknown
from app.ui.look.theme import em
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.label import label

SHOWN_WORDS = 4


class TextField(QPlainTextEdit):
    """Plain text in which Tab moves on. `edited` carries each new text that a person typed."""

    edited = Signal(str)

    def __init__(self, name: str, placeholder: str, lines: float) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._placeholder = placeholder
        self.setTabChangesFocus(True)
        self._lines = lines
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.textChanged.connect(lambda: self.edited.emit(self.toPlainText()))

    def show_text(self, text: str) -> None:
        """Show the text without an echo; the cursor stays where someone types the same."""
        if text != self.toPlainText():
            self.blockSignals(True)
            self.setPlainText(text)
            self.blockSignals(False)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Text, but no files: those are pictures to open, wherever on the window they are dropped."""
        return not source.hasUrls() and super().canInsertFromMimeData(source)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Leave what holds a picture to the window, also where it holds text too."""
        if holds_picture(event.mimeData()):
            event.ignore()
        else:
            super().dragEnterEvent(event)

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


class _Marker(QSyntaxHighlighter):
    """A wave under each unknown word. It only formats; it leaves the text as it is."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._unknown: list[Unknown] = []
        self._colour = QColor()

    def mark(self, unknown: list[Unknown], colour: QColor) -> None:
        if (unknown, colour) != (self._unknown, self._colour):
            self._unknown, self._colour = unknown, colour
            self.rehighlight()

    def highlightBlock(self, text: str) -> None:
        style = QTextCharFormat()
        style.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
        style.setUnderlineColor(self._colour)
        first = self.currentBlock().position()
        for word in self._unknown:
            at = word.start - first
            if 0 <= at < len(text):
                self.setFormat(at, len(word.word), style)


class PromptField(QWidget):
    """The draft's prompt."""

    def __init__(self, draft: DraftModel) -> None:
        super().__init__()
        self._draft = draft
        self._shown: list[Unknown] | None = None
        self.text = TextField("Prompt", "Describe a picture", 3.4)
        self.text.edited.connect(self._typed)
        self._marker = _Marker(self.text.document())
        self.hints = QWidget()
        self._rows = QVBoxLayout(self.hints)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.25))
        column.addWidget(self.text)
        column.addWidget(self.hints)
        self.setFocusProxy(self.text)
        draft.changed.connect(self.refresh)
        draft.model_changed.connect(self.refresh)
        self.refresh()

    def _typed(self, text: str) -> None:
        self._draft.update(prompt=text)

    def refresh(self) -> None:
        prompt = self._draft.current.prompt
        self.text.show_text(prompt)
        unknown = self._draft.unknown_words(prompt)
        self._marker.mark(unknown, self.palette().color(QPalette.ColorRole.BrightText))
        if unknown != self._shown:
            self._shown = unknown
            self._show_hints(unknown)

    def _show_hints(self, unknown: list[Unknown]) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        seen: set[str] = set()
        if unknown:
            self._rows.addWidget(label("The model has never seen:", "muted"))
        for word in unknown:
            if word.word not in seen and len(seen) < SHOWN_WORDS:
                seen.add(word.word)
                self._rows.addWidget(self._hint(word))
        self.hints.setVisible(bool(unknown))

    def _hint(self, unknown: Unknown) -> QWidget:
        row = QWidget()
        flow = FlowLayout(row, gap=em(self, 0.15))
        flow.addWidget(label(f"{unknown.word}  →" if unknown.nearest else f"{unknown.word}: nothing near it"))
        for near in unknown.nearest:
            link = QPushButton(near)
            link.setProperty("kind", "link")
            link.setAccessibleName(f"Replace {unknown.word} by {near}")
            link.setToolTip(f"Replace “{unknown.word}” by “{near}”")
            link.clicked.connect(lambda _=False, u=unknown, n=near: self._replace(u, n))
            flow.addWidget(link)
        return row

    def _replace(self, unknown: Unknown, known: str) -> None:
        """Each time the word occurs, so that one click settles it."""
        prompt = self._draft.current.prompt
        for word in reversed(self._draft.unknown_words(prompt)):
            if word.word == unknown.word:
                prompt = prompt[: word.start] + known + prompt[word.start + len(word.word) :]
        self._draft.update(prompt=prompt)
        self.text.setFocus()
