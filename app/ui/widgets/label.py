"""A label of plain text, in one of the ranks of the style sheet."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget


def label(text: str, rank: str = "", buddy: QWidget | None = None) -> QLabel:
    """Plain text of a rank of the style sheet: "muted", "caption", "heading", "title", "alarm"."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("rank", rank)
    if buddy is not None:
        made.setBuddy(buddy)
    return made


def paragraph(text: str = "", rank: str = "muted") -> QLabel:
    """Plain text that wraps. Its longest word does not widen the layout: it may be a path, or a person's."""
    made = label(text, rank)
    made.setWordWrap(True)
    made.setMinimumWidth(1)
    return made
