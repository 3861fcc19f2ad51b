"""Keys of a prompt field: weights by Ctrl+Up and Ctrl+Down, earlier prompts by Ctrl+PageUp and Ctrl+PageDown."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit

from app.core.request.prompt_history import Walk
from app.ui.widgets.edits import refuse
from engine.spec.prompt.weigh import change_weight

WEIGHT_STEP, FINE_STEP = 0.1, 0.05
_CONTROL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
_KEYPAD = Qt.KeyboardModifier.KeypadModifier


class PromptKeys(QObject):
    """Handles the keys of one field. Each key is one step of the field's own undo."""

    def __init__(self, field: QPlainTextEdit, walk: Walk) -> None:
        super().__init__(field)
        self._field, self._walk = field, walk
        field.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or (do := self._meaning(event)) is None:
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # before a shortcut of the window
            return True
        if event.type() == QEvent.Type.KeyPress:
            do()
            return True
        return False

    def _meaning(self, event: QKeyEvent) -> Callable[[], None] | None:
        held, key = event.modifiers() & ~_KEYPAD, event.key()
        if held not in (_CONTROL, _CONTROL | _SHIFT):
            return None
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            step = FINE_STEP if held & _SHIFT else WEIGHT_STEP
            return lambda: self._weigh(step if key == Qt.Key.Key_Up else -step)
        if key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown) and not held & _SHIFT:
            return lambda: self._go(+1 if key == Qt.Key.Key_PageUp else -1)
        return None

    def _weigh(self, by: float) -> None:
        cursor = self._field.textCursor()
        text = self._field.toPlainText()
        # Qt counts UTF-16 units, Python counts characters: an emoji is two of the one and one of the other.
        changed = change_weight(text, _index(text, cursor.selectionStart()), _index(text, cursor.selectionEnd()), by)
        if changed is None:
            refuse(self._field, "Put the cursor in a word, or select some words: their weight changes.")
            return
        put_text(self._field, changed.text)
        selected = self._field.textCursor()
        selected.setPosition(_units(changed.text[: changed.start]))
        selected.setPosition(_units(changed.text[: changed.end]), QTextCursor.MoveMode.KeepAnchor)
        self._field.setTextCursor(selected)

    def _go(self, by: int) -> None:
        text = self._walk.step(by, self._field.toPlainText())
        if text is not None:
            put_text(self._field, text)
            self._field.moveCursor(QTextCursor.MoveOperation.End)
        elif by > 0:
            refuse(self._field, "There is no older prompt. Prompts are kept when a picture is made of them.")


def put_text(field: QPlainTextEdit, text: str) -> None:
    """Replace the whole text, as one step of the field's undo. What stays equal at both ends is left alone."""
    old = field.toPlainText()
    same = next((k for k, (a, b) in enumerate(zip(old, text, strict=False)) if a != b), min(len(old), len(text)))
    most = min(len(old), len(text)) - same
    tail = next((k for k in range(most) if old[-1 - k] != text[-1 - k]), most)
    cursor = field.textCursor()
    cursor.setPosition(_units(old[:same]))
    cursor.setPosition(_units(old[: len(old) - tail]), QTextCursor.MoveMode.KeepAnchor)
    cursor.insertText(text[same : len(text) - tail])


def _units(text: str) -> int:
    """Return the length of a text in UTF-16 units, as Qt counts."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def _index(text: str, units: int) -> int:
    """Return the number of characters in the first `units` UTF-16 units."""
    return len(text.encode("utf-16-le", errors="surrogatepass")[: 2 * units].decode("utf-16-le", errors="replace"))
