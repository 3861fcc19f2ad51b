"""The eraser: removes from the mask; also the other end of a pen."""

from __future__ import annotations

from app.core.canvas.brush import Paint, add, remove
from app.ui.canvas.tools.brush import HARDNESS, LINE, SIZE
from app.ui.canvas.tools.painting import Painting


class Eraser(Painting):
    name, title, key, icon = "eraser", "Eraser", "E", "tool-eraser"
    tip = "Take away from what is to be made anew"
    shares = "brush"
    gestures = (("Drag", "erase"), ("Right button", "paint"), LINE, SIZE, HARDNESS)

    def paint(self, against: bool) -> Paint:
        return add if against else remove
