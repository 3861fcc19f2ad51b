"""A small rounded button."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QPushButton

from app.core.shown.naming import shorten

LONGEST = 40  # characters: a model's label may be a sentence


def chip(text: str, do: Callable[[], object], tip: str = "", large: bool = False) -> QPushButton:
    """A click on it calls `do`; `tip` says what that does."""
    made = QPushButton(shorten(text, LONGEST).replace("&", "&&"))
    made.setProperty("kind", "chip")
    made.setProperty("large", large)
    made.setAccessibleName(text)
    made.setToolTip(tip)
    made.clicked.connect(lambda _=False: do())
    return made
