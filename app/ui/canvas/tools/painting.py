"""What all tools that draw strokes have in common: press, drag, or drag a straight line with Shift."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath

from app.core.canvas.artwork import Artwork, Layer
from app.core.canvas.brush import BrushStroke, BrushStyle, Paint
from app.core.canvas.toolset import Toolset
from app.ui.canvas.tools.tool import Tool, Touch


class Painting(Tool):
    """Paints strokes on `layer` by `paint`."""

    options: ClassVar[tuple[str, ...]] = ("size", "hardness", "opacity")
    ring = True
    layer: ClassVar[Layer] = "mask"

    def __init__(self, artwork: Artwork, tools: Toolset) -> None:
        super().__init__(artwork, tools)
        self._stroke: BrushStroke | None = None
        self._from: QPointF | None = None  # of a straight line that is not drawn yet
        self._to = QPointF()
        self._last: Touch | None = None

    def paint(self, against: bool) -> Paint:
        """What its strokes do to the layer."""
        raise NotImplementedError

    def press(self, touch: Touch) -> None:
        choices = self.choices
        brush = BrushStyle(choices.size, choices.hardness, choices.opacity, choices.flow)
        self._stroke = BrushStroke(self.artwork, self.title, brush, self.layer, self.paint(touch.against))
        self._from, self._to = (touch.at, touch.at) if touch.straight else (None, touch.at)
        self._last = touch
        if self._from is None:
            self._draw(touch.at, touch.pressure)

    def move(self, touch: Touch) -> None:
        self._last, self._to = touch, touch.at
        if self._from is None:
            self._draw(touch.at, touch.pressure)

    def release(self, touch: Touch) -> None:
        """A pen's pressure is 0 by then: the last one counts."""
        self.move(Touch(touch.at, self._last.pressure if self._last else 1.0))
        if self._from is not None:
            pressure = self._last.pressure if self._last else 1.0
            self._draw(self._from, pressure)
            self._draw(touch.at, pressure)
        self._end()

    def cancel(self) -> None:
        stroke, self._stroke, self._from = self._stroke, None, None
        if stroke is not None:
            stroke.abandon()

    def let_go(self) -> None:
        if self._from is None:
            self._end()
        else:
            self.cancel()

    def outline(self) -> QPainterPath:
        """The straight line that a release would draw."""
        path = QPainterPath()
        if self._from is not None:
            path.moveTo(self._from)
            path.lineTo(self._to)
        return path

    def _draw(self, at: QPointF, pressure: float) -> None:
        if self._stroke is not None:
            self._stroke.to(at.x(), at.y(), pressure)

    def _end(self) -> None:
        stroke, self._stroke, self._from = self._stroke, None, None
        if stroke is not None:
            stroke.end()
