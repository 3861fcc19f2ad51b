"""A small figure on a picture, readable on any."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPalette


def paint(painter: QPainter, cell: QRectF, text: str, palette: QPalette, left: bool = False) -> None:
    """Paint `text` at the bottom of `cell`, right or `left`, on its own background."""
    painter.save()
    font = painter.font()
    font.setPointSizeF(font.pointSizeF() * 0.8)
    painter.setFont(font)
    metrics = painter.fontMetrics()
    ground = QColor(palette.color(QPalette.ColorRole.Window))
    ground.setAlphaF(0.88)
    plate = QRectF(0, 0, metrics.horizontalAdvance(text) + metrics.height() * 0.5, metrics.height())
    plate.moveBottomRight(cell.bottomRight())
    if left:
        plate.moveLeft(cell.left())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(plate, 2, 2)
    painter.setPen(palette.color(QPalette.ColorRole.WindowText))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
