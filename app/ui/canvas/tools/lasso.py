"""The lasso: masks the enclosed region."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath, QPolygonF

from app.ui.canvas.tools.shape import Shape


class Lasso(Shape):
    name, title, key, icon = "lasso", "Lasso", "L", "tool-lasso"
    tip = "Mask what you draw around"
    gestures = (("Drag around", "mask what lies inside"), ("Right button", "unmask it"))

    def path(self, points: list[QPointF], straight: bool) -> QPainterPath:
        path = QPainterPath()
        path.addPolygon(QPolygonF(points))
        path.closeSubpath()
        return path
