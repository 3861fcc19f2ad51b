"""A label of plain text that can be selected, whose longest words end a line where they must."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLabel, QSizePolicy

LONG_WORD = re.compile(r"[^\s/\\]{25,}")  # between the places where Qt breaks a line by itself
PIECE = 8  # characters that stay together
BREAK = "\u200b"  # a space without a width: a line may end there


class BreakingLabel(QLabel):
    """A paragraph in which no word is cut off, however narrow it is. What is copied from it is the plain text."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setMinimumWidth(1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        copy = QAction("Copy", self)
        copy.triggered.connect(self._copy)
        self.addAction(copy)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.plain = ""
        """The text as it was given."""

    def show_text(self, text: str) -> None:
        self.plain = text
        self.setText(LONG_WORD.sub(_with_breaks, text))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy()
        else:
            super().keyPressEvent(event)

    def _copy(self) -> None:
        """Copy what is selected; all of it where nothing is."""
        QGuiApplication.clipboard().setText(self.selectedText().replace(BREAK, "") or self.plain)


def _with_breaks(word: re.Match[str]) -> str:
    return BREAK.join(word[0][k : k + PIECE] for k in range(0, len(word[0]), PIECE))
