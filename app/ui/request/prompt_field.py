"""The prompt: a field, and under it the words that the model does not know with the nearest that it does."""

from __future__ import annotations

from bisect import bisect_left
from itertools import takewhile

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QColor, QHideEvent, QPalette, QShowEvent, QSyntaxHighlighter, QTextCharFormat, QTextDocument
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.core.request.draft_model import DraftModel
from app.core.request.token_count import TokenCount
from app.core.request.vocabulary import Unknown
from app.core.shown.naming import shorten
from app.ui.look.theme import em
from app.ui.request.text_field import TextField
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.label import label

SHOWN_WORDS = 4
LONGEST_WORD = 18  # characters of a word in a hint
PAUSE = 300  # ms without a key, before a word that may go on is looked up


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
        begin = bisect_left(self._unknown, first, key=lambda word: word.start)
        for word in takewhile(lambda word: word.start < first + len(text), self._unknown[begin:]):
            self.setFormat(word.start - first, len(word.word), style)


class PromptField(QWidget):
    """The draft's prompt. `looked` is emitted when the hints of its words are complete."""

    looked = Signal()

    def __init__(self, draft: DraftModel, tokens: TokenCount) -> None:
        super().__init__()
        self._draft, self._tokens = draft, tokens
        self._known: tuple[str, str] | None = None  # the prompt and the model that were looked through last
        self._wanted: list[str] = []  # unknown words whose hints are still to come
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.timeout.connect(self._look)
        self.text = TextField("Prompt", "Describe a picture", 3.4)
        self.text.edited.connect(self._typed)
        self._marker = _Marker(self.text.document())
        self.count = label("", "muted")  # stands beside the heading, where it moves nothing
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
        tokens.changed.connect(self._show_count)
        self._show_count()
        self.refresh()

    def _typed(self, text: str) -> None:
        self._draft.update(prompt=text)

    def refresh(self) -> None:
        prompt = self._draft.current.prompt
        self.text.show_text(prompt)
        if self.isVisible() and self._known != (prompt, self._draft.model.id):
            self._known = prompt, self._draft.model.id
            self._wanted = []
            inside = self.text.hasFocus() and prompt[self.text.textCursor().position() - 1 :][:1].isalnum()
            self._pause.start(PAUSE if inside else 0)

    def _show_count(self) -> None:
        """Show "31 of 75 tokens", where the model has such a limit and there is a prompt."""
        used = self._tokens.used
        if used is None or used.count == 0:
            self.count.clear()
            self.count.setToolTip("")
            return
        over = used.count - used.room
        self.count.setText(f"{used.count} of {used.room} tokens")
        self.count.setProperty("rank", "alarm" if over > 0 else "muted")
        self.count.style().polish(self.count)
        self.count.setToolTip(
            f"The model reads {used.room} tokens: the last {over} are left out. Shorten the prompt."
            if over > 0
            else "A token is a word, or a part of a long one. The model reads the prompt in tokens."
        )

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """Leave the words alone while nobody sees them."""
        super().hideEvent(event)
        self._pause.stop()
        self._known = None

    def _look(self) -> None:
        """Mark the unknown words, or add the hints on one of them: never more at once than a key press can wait for."""
        if self._wanted:
            self._rows.addWidget(self._hint(self._wanted.pop(0)))
        else:
            unknown = self._draft.unknown_words(self._draft.current.prompt)
            self._marker.mark(unknown, self.palette().color(QPalette.ColorRole.BrightText))
            self._clear_hints()
            self._wanted = list(dict.fromkeys(word.word for word in unknown))[:SHOWN_WORDS]
            if unknown:
                self._rows.addWidget(label("The model has never seen:", "muted"))
            self.hints.setVisible(bool(unknown))
        if self._wanted:
            self._pause.start(0)
        else:
            self.looked.emit()

    def _clear_hints(self) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()

    def _hint(self, unknown: str) -> QWidget:
        row = QWidget()
        flow = FlowLayout(row, gap=em(self, 0.15))
        nearest, word = self._draft.nearest_words(unknown), shorten(unknown, LONGEST_WORD)
        flow.addWidget(label(f"{word}  →" if nearest else f"{word}: nothing near it"))
        for near in nearest:
            link = QPushButton(shorten(near, LONGEST_WORD))
            link.setProperty("kind", "link")
            link.setAccessibleName(f"Replace {word} by {near}")
            link.setToolTip(f"Replace “{word}” by “{near}”")
            link.clicked.connect(lambda _=False, near=near: self._replace(unknown, near))
            flow.addWidget(link)
        return row

    def _replace(self, unknown: str, known: str) -> None:
        """Each time the word occurs, so that one click settles it."""
        prompt = self._draft.current.prompt
        for word in reversed(self._draft.unknown_words(prompt)):
            if word.word == unknown:
                prompt = prompt[: word.start] + known + prompt[word.start + len(word.word) :]
        self._draft.update(prompt=prompt)
        self.text.setFocus()
