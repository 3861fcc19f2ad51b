"""The colour brush: paints on the picture itself."""

from __future__ import annotations

from typing import ClassVar

from app.core.canvas.artwork import Layer
from app.core.canvas.brush import Paint, colour
from app.core.canvas.toolset import ToolChoices
from app.ui.canvas.tools.brush import HARDNESS, LINE, SIZE
from app.ui.canvas.tools.painting import Painting
from app.ui.canvas.tools.picker import colour_at
from app.ui.canvas.tools.tool import Touch


class ColourBrush(Painting):
    name, title, key, icon = "colour", "Colour brush", "P", "tool-colour"
    tip = "Paint on the picture itself"
    defaults = ToolChoices(size=24)
    options = ("colour", "size", "hardness", "opacity")
    layer: ClassVar[Layer] = "picture"
    gestures = (("Drag", "paint on the picture"), ("Right button", "pick a colour"), LINE, SIZE, HARDNESS)

    def paint(self, against: bool) -> Paint:
        return colour(*self.tools.colour)

    def press(self, touch: Touch) -> None:
        if not touch.against:
            super().press(touch)
        elif (found := colour_at(self.artwork, touch)) is not None:
            self.tools.colour = found
