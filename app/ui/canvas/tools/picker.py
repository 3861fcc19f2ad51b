"""The picker: takes a colour from the picture."""

from __future__ import annotations

from app.core.canvas.artwork import Artwork
from app.ui.canvas.tools.tool import Tool, Touch


class Picker(Tool):
    name, title, key, icon = "picker", "Picker", "I", "tool-picker"
    tip = "Take the colour under the pointer for the colour brush"
    options = ("colour",)
    gestures = (("Click", "take this colour for the colour brush"),)

    def press(self, touch: Touch) -> None:
        colour = colour_at(self.artwork, touch)
        if colour is not None:
            self.tools.colour = colour

    def move(self, touch: Touch) -> None:
        self.press(touch)


def colour_at(artwork: Artwork, touch: Touch) -> tuple[int, int, int] | None:
    """RGB of the pixel under `touch`, None outside the picture."""
    x, y = int(touch.at.x() // 1), int(touch.at.y() // 1)
    if not artwork.rect.contains(x, y):
        return None
    blue, green, red = (int(value) for value in artwork.pixels[y, x, :3])
    return red, green, blue
