"""The noise brush: each dab takes a region a little farther back in time, each stroke over it farther still."""

from __future__ import annotations

from app.core.canvas.brush import Paint, build_up, share
from app.core.canvas.toolset import ToolChoices
from app.core.canvas.undo import Pixels
from app.ui.canvas.tools.brush import LINE, SIZE
from app.ui.canvas.tools.painting import Painting


class NoiseBrush(Painting):
    name, title, key, icon = "noise", "Noise brush", "N", "tool-noise"
    tip = "Add noise to a region, a little per stroke: the more, the earlier in the run it is made anew from"
    defaults = ToolChoices(size=64, hardness=0.2, opacity=0.3, flow=0.35)
    options = ("size", "flow", "opacity")
    gestures = (("Drag", "add noise, again for more"), ("Right button", "take noise away"), LINE, SIZE)

    def paint(self, against: bool) -> Paint:
        return lower_mask if against else build_up


def lower_mask(before: Pixels, coverage: Pixels) -> Pixels:
    """The mask goes down by the coverage's share of it."""
    return share(before, 255 - coverage)
