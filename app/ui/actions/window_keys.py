"""The window's keys work in text fields too, except those that edit text everywhere."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QKeySequenceEdit, QWidget

Standard = QKeySequence.StandardKey
EDITING = (
    Standard.Copy, Standard.Cut, Standard.Paste, Standard.Undo, Standard.Redo, Standard.SelectAll,
    Standard.MoveToNextWord, Standard.MoveToPreviousWord, Standard.SelectNextWord, Standard.SelectPreviousWord,
    Standard.DeleteStartOfWord, Standard.DeleteEndOfWord, Standard.MoveToStartOfDocument, Standard.MoveToEndOfDocument,
)  # fmt: skip


class WindowKeys(QObject):
    """Takes keys of the window from the field with the keyboard.

    Under X11 a field has uses of its own for Ctrl+K, Ctrl+E and Ctrl+U, and claims them before the window sees them.

    is_ours -- whether a key with Ctrl or Alt is a shortcut of the whole window
    """

    def __init__(self, window: QWidget, is_ours: Callable[[str], bool]) -> None:
        super().__init__(window)
        self._window, self._is_ours = window, is_ours
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._follow)

    def _follow(self, old: QWidget | None, new: QWidget | None) -> None:
        if old is not None:
            old.removeEventFilter(self)
        if new is not None and new.window() is self._window and not isinstance(new, QKeySequenceEdit):
            new.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        key = QKeySequence(event.keyCombination()).toString(QKeySequence.SequenceFormat.PortableText)
        if not key.startswith(("Ctrl+", "Alt+", "Meta+")) or any(map(event.matches, EDITING)) or not self._is_ours(key):
            return False
        event.ignore()
        return True
