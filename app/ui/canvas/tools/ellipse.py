"""The ellipse."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath

from app.ui.canvas.tools.shape import Shape, rectangle_from


class Ellipse(Shape):
    name, title, key, icon = "ellipse", "Ellipse", "O", "tool-ellipse"
    tip = "Mask an ellipse"
    gestures = (("Drag", "mask an ellipse"), ("Right button", "unmask it"), ("Shift", "circle"))

    def path(self, points: list[QPointF], straight: bool) -> QPainterPath:
        path = QPainterPath()
        path.addEllipse(rectangle_from(points, straight))
        return path
