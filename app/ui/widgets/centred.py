"""A widget in the middle of its row, as wide as it may be there."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

ALL = 1000  # stretch, beside 1 at each side


def centred(widget: QWidget) -> QHBoxLayout:
    """Return a row with `widget` in the middle: up to its maximum width, and as high as its lines need at that width.

    An alignment of the layout would give it the width of its size hint instead.
    """
    row = QHBoxLayout()
    row.addStretch(1)
    row.addWidget(widget, ALL)
    row.addStretch(1)
    return row
