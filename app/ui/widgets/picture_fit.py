"""Where a picture lies in a cell of another shape."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import QImage


def fit_in(cell: QRectF, picture: QImage) -> QRectF:
    """Return the largest rectangle of the picture's shape in the cell, in its middle."""
    size = QSizeF(picture.size()).scaled(cell.size(), Qt.AspectRatioMode.KeepAspectRatio)
    place = QRectF(cell.topLeft(), size)
    place.moveCenter(cell.center())
    return place
