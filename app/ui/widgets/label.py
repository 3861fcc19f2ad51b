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
