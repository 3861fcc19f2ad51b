"""Fill: masks the region of the clicked colour."""

from __future__ import annotations

from app.core.canvas.brush import add, remove
from app.core.canvas.mask_edits import fill_colour
from app.ui.canvas.tools.tool import Tool, Touch


class Fill(Tool):
    name, title, key, icon = "fill", "Fill", "G", "tool-fill"
    tip = "Mask what has the colour that you click"
    options = ("tolerance", "everywhere", "opacity")
    gestures = (("Click", "mask what has this colour"), ("Right button", "unmask it"))

    def press(self, touch: Touch) -> None:
        choices = self.choices
        fill_colour(
            self.artwork, int(touch.at.x() // 1), int(touch.at.y() // 1), choices.tolerance, choices.everywhere,
            remove if touch.against else add, choices.opacity, self.title,
        )  # fmt: skip
