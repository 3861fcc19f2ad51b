"""The prompt: a field, and under it a line about a word that the model does not know."""

from __future__ import annotations

from bisect import bisect_left
from itertools import takewhile

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette, QShowEvent, QSyntaxHighlighter, QTextCharFormat, QTextDocument
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.request.draft_model import DraftModel
from app.core.request.suggestions import Suggestions
from app.core.request.token_count import TokenCount
from app.core.request.vocabulary import Unknown
from app.ui.look.theme import em
from app.ui.request.hint_line import HintLine
from app.ui.request.text_field import TextField
from app.ui.widgets.label import label


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
    """The draft's prompt. A word is looked up when it has ended: with a space, a comma, or when the field is left."""

    def __init__(self, draft: DraftModel, tokens: TokenCount, suggestions: Suggestions) -> None:
        super().__init__()
        self._draft, self._tokens, self._suggestions = draft, tokens, suggestions
        self._searched: tuple[str, str] | None = None  # the model and the prompt whose unknown words are known
        self._unknown: list[Unknown] = []
        self.text = TextField("Prompt", "Describe a picture", 3.4)
        self.text.edited.connect(self._on_typed)
        self._marker = _Marker(self.text.document())
        self.count = label("", "muted")  # stands beside the heading, where it moves nothing
        self.hint = HintLine()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.25))
        column.addWidget(self.text)
        column.addWidget(self.hint)
        self.setFocusProxy(self.text)
        self.text.cursorPositionChanged.connect(self._look)
        self.text.focus_changed.connect(self._look)
        self.hint.replaced.connect(self._replace)
        draft.changed.connect(self.refresh)
        draft.model_changed.connect(self.refresh)
        tokens.changed.connect(self._show_count)
        suggestions.changed.connect(self._look)
        self._show_count()
        self.refresh()

    def _on_typed(self, text: str) -> None:
        self._draft.update(prompt=text)

    def refresh(self) -> None:
        self.text.show_text(self._draft.current.prompt)
        self.hint.setVisible(self._draft.lists_words)
        self._look()

    def _show_count(self) -> None:
        """Show "31 of 75 tokens", where the model has such a limit and there is a prompt."""
        used = self._tokens.used
        if used is None or used.count == 0:
            self.count.clear()
            self.count.setToolTip("")
            return
        over = used.count - used.room
        self.count.setText(f"{used.count} of {used.room} tokens")
        if (rank := "alarm" if over > 0 else "muted") != self.count.property("rank"):
            self.count.setProperty("rank", rank)
            self.count.style().polish(self.count)
        self.count.setToolTip(
            f"The model reads {used.room} tokens: the last {over} are left out. Shorten the prompt."
            if over > 0
            else "A token is a word, or a part of a long one. The model reads the prompt in tokens."
        )

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._look()

    def _look(self) -> None:
        """Mark the unknown words that have ended, and show the hint on the last one before the cursor."""
        if not self.isVisible() or self.text.toPlainText() != self._draft.current.prompt:
            return  # Qt moves the cursor before it tells of the new text
        searched = self._draft.model.id, self._draft.current.prompt
        if searched != self._searched:
            self._searched, self._unknown = searched, self._draft.unknown_words(searched[1])
        cursor = self.text.textCursor().position()
        typed = cursor if self.text.hasFocus() else -1
        ended = [word for word in self._unknown if not word.start < typed <= word.end]
        self._marker.mark(ended, self.palette().color(QPalette.ColorRole.BrightText))
        if not ended:
            self.hint.show_hint("")
            return
        before = [word for word in ended if word.start < cursor]
        word = (before[-1] if before else ended[0]).word
        self.hint.show_hint(word, self._suggestions.names(word), len({other.word for other in ended}) - 1)

    def _replace(self, unknown: str, known: str) -> None:
        """Each time the word occurs, so that one click settles it."""
        prompt = self._draft.current.prompt
        for word in reversed(self._draft.unknown_words(prompt)):
            if word.word == unknown:
                prompt = prompt[: word.start] + known + prompt[word.end :]
        self._draft.update(prompt=prompt)
        self.text.setFocus(Qt.FocusReason.OtherFocusReason)
