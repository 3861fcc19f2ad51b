"""What lasso, rectangle and ellipse have in common: a region is drawn, and the release puts it into the mask."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath

from app.core.canvas.artwork import Artwork
from app.core.canvas.brush import add, remove
from app.core.canvas.mask_edits import fill
from app.core.canvas.toolset import Toolset
from app.ui.canvas.tools.tool import Tool, Touch


class Shape(Tool):
    """Keeps the points from the press on; each shape says what path they make."""

    options = ("opacity",)

    def __init__(self, artwork: Artwork, tools: Toolset) -> None:
        super().__init__(artwork, tools)
        self._points: list[QPointF] = []
        self._straight = self._against = False

    def path(self, points: list[QPointF], straight: bool) -> QPainterPath:
        """The region, in document pixels; `straight`: Shift is held."""
        raise NotImplementedError

    def press(self, touch: Touch) -> None:
        self._points, self._straight, self._against = [touch.at], touch.straight, touch.against

    def move(self, touch: Touch) -> None:
        if self._points:
            self._points.append(touch.at)
            self._straight = touch.straight

    def release(self, touch: Touch) -> None:
        self.move(touch)
        path, self._points = self.outline(), []
        if not path.boundingRect().isEmpty():
            fill(self.artwork, path, remove if self._against else add, self.choices.opacity, self.title)

    def cancel(self) -> None:
        self._points = []

    def outline(self) -> QPainterPath:
        return self.path(self._points, self._straight) if len(self._points) > 1 else QPainterPath()


def rectangle_from(points: list[QPointF], even: bool) -> QRectF:
    """From the first point to the last, to whole pixels; `even`: a square, as large as the longer side asks."""
    start, end = (QPointF(round(point.x()), round(point.y())) for point in (points[0], points[-1]))
    if even:
        across, down = end.x() - start.x(), end.y() - start.y()
        side = max(abs(across), abs(down))
        end = start + QPointF(side if across >= 0 else -side, side if down >= 0 else -side)
    return QRectF(start, end).normalized()
