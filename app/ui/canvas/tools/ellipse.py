"""The ellipse."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath

from app.ui.canvas.tools.shape import Shape, spanned


class Ellipse(Shape):
    name, title, key, icon = "ellipse", "Ellipse", "O", "tool-ellipse"
    tip = "Mask an ellipse"
    gestures = (("Drag", "masks an ellipse"), ("Right button", "takes it away"), ("Shift", "makes it a circle"))

    def path(self, points: list[QPointF], straight: bool) -> QPainterPath:
        path = QPainterPath()
        path.addEllipse(spanned(points, straight))
        return path
