"""The brush: paints the mask."""

from __future__ import annotations

from app.core.canvas.brush import Paint, add, remove
from app.ui.canvas.tools.painting import Painting

LINE = ("Shift", "straight line")
SIZE = ("{smaller} {larger}", "size")
HARDNESS = ("Alt+Wheel", "hardness")


class Brush(Painting):
    name, title, key, icon = "brush", "Brush", "B", "tool-brush"
    tip = "Paint what is to be made anew"
    gestures = (("Drag", "paint"), ("Right button", "erase"), LINE, SIZE, HARDNESS)

    def paint(self, against: bool) -> Paint:
        return remove if against else add
