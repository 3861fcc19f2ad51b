"""Place the box that the model sees: always in the model's aspect ratio, its centre always in the picture."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize


def box_in_shape(width: int, aspect: QSize) -> QRect:
    """Return a box of a width (at least 1) in the aspect ratio of `aspect`, at (0, 0)."""
    return QRect(0, 0, max(1, width), max(1, round(max(1, width) * aspect.height() / aspect.width())))


def largest_box(aspect: QSize, picture: QRect) -> QRect:
    """Return the largest box that fits into the picture, in its middle."""
    box = box_in_shape(min(picture.width(), int(picture.height() * aspect.width() / aspect.height())), aspect)
    box.moveTo((picture.width() - box.width()) // 2, (picture.height() - box.height()) // 2)
    return box


def fit_box(box: QRect, aspect: QSize, picture: QRect) -> QRect:
    """Give `box` the aspect ratio of `aspect` at the same width, and move it until its centre lies in the picture."""
    moved = box_in_shape(box.width(), aspect)
    across, down = moved.width() // 2, moved.height() // 2
    moved.moveTo(
        min(max(box.x(), -across), picture.width() - (moved.width() - across)),
        min(max(box.y(), -down), picture.height() - (moved.height() - down)),
    )
    return moved


def reshape_box(box: QRect, aspect: QSize, picture: QRect) -> QRect:
    """Change the aspect ratio; keep the centre and about the area."""
    other = box_in_shape(round((box.width() * box.height() * aspect.width() / aspect.height()) ** 0.5), aspect)
    other.moveCenter(box.center())
    return fit_box(other, aspect, picture)
