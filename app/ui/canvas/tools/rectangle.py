"""The rectangle."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath

from app.ui.canvas.tools.shape import Shape, rectangle_from


class Rectangle(Shape):
    name, title, key, icon = "rectangle", "Rectangle", "R", "tool-rectangle"
    tip = "Mask a rectangle of whole pixels"
    gestures = (("Drag", "mask a rectangle"), ("Right button", "unmask it"), ("Shift", "square"))

    def path(self, points: list[QPointF], straight: bool) -> QPainterPath:
        path = QPainterPath()
        path.addRect(rectangle_from(points, straight))
        return path
