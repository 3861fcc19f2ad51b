"""Tips that hold a person's text."""

from __future__ import annotations

import html

from PySide6.QtGui import Qt

LONGEST = 600  # characters: a longer tip would cover the screen


def plain_tip(text: str) -> str:
    """Return the text as a tip that shows every character: else Qt renders HTML in it, with pictures of files."""
    part = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return f"<qt>{html.escape(part)}</qt>".replace("\n", "<br>") if Qt.mightBeRichText(part) else part
