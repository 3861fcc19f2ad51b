"""The selected tool and the settings of each tool: size, hardness, opacity and so on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.canvas.pressure import PenPressure

SIZES = (1, 1024)  # of a brush, document pixels
SIDES = (1, 2**30)  # of a picture, document pixels
EDGES = (1, 256)  # document pixels by which the mask grows, shrinks or is feathered
LIMITS: dict[str, tuple[float, float]] = {
    "size": SIZES,
    "hardness": (0.0, 1.0),
    "opacity": (0.0, 1.0),
    "flow": (0.0, 1.0),
    "tolerance": (0, 255),
}
GROWTH = 1.2  # of a brush by one press of its key; one pixel at least
HARDER = 0.1  # of hardness by one notch


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolChoices:
    """Settings of one tool; a tool uses only some of them.

    size -- diameter of the brush, document pixels
    hardness -- 0 … 1: the share of the radius that is painted in full
    opacity -- 0 … 1: what one stroke paints at most
    flow -- 0 … 1: what one dab adds
    tolerance -- 0 … 255: how far a colour may be from the one clicked, in its largest channel
    everywhere -- whether fill takes all pixels of the colour, or those that hang together with the one clicked

    Raises ValueError for a number outside its range.
    """

    size: int = 48
    hardness: float = 0.8
    opacity: float = 1.0
    flow: float = 1.0
    tolerance: int = 32
    everywhere: bool = False

    def __post_init__(self) -> None:
        for name, limits in LIMITS.items():
            _within(name, getattr(self, name), limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolsetState:
    """The part of a Toolset that is stored.

    tool -- the name of the one in hand, "" for the first
    choices -- how each tool is set, by its name
    colour -- of the colour brush, RGB 0 … 255
    edge -- by how many pixels the mask grows, shrinks or is feathered
    side -- of the picture that sizes and edge are for: its longer one, document pixels

    Raises ValueError for a number outside its range.
    """

    tool: str = ""
    choices: Mapping[str, ToolChoices] = field(default_factory=dict)
    colour: tuple[int, int, int] = (0, 0, 0)
    edge: int = 8
    side: int = 512

    def __post_init__(self) -> None:
        _within("side", self.side, SIDES)
        for part in self.colour:
            _within("colour", part, (0, 255))
        _within("edge", self.edge, EDGES)


def _rounded(size: float, limits: tuple[int, int]) -> int:
    return min(max(round(size), limits[0]), limits[1])


def _within(name: str, value: float, limits: tuple[float, float]) -> None:
    low, high = limits
    if not low <= value <= high:  # nor NaN
        raise ValueError(f"“{name}” is {value}, not between {low} and {high}")


class Toolset(QObject):
    """The selected tool and all settings.

    `tool_changed` tells of another tool; `choices_changed` of another setting of one, of the colour, of the mask's step
    or of whether the mask is shown.
    """

    tool_changed = Signal()
    choices_changed = Signal()

    def __init__(
        self, choices: Mapping[str, ToolChoices], shares: Mapping[str, str] | None = None, parent: QObject | None = None
    ) -> None:
        """`choices`: how each tool is set at first, by its name, the first one in hand.

        `shares`: tools that are set as another one is, as the eraser is as the brush.
        """
        super().__init__(parent)
        self._choices = dict(choices)
        self._shares = dict(shares or {})
        self._tool = next(iter(self._choices))
        self._colour = ToolsetState().colour
        self._edge, self._side = ToolsetState().edge, ToolsetState().side
        self._exact: dict[str, float] = {}  # sizes before they were rounded to pixels, by tool; "" is the edge's
        self._shown = True
        self.pen = PenPressure()
        """How a pen's pressure changes the size of a stroke."""

    @property
    def state(self) -> ToolsetState:
        """What to remember. Whether the mask is shown is not: a start with a hidden one would look like a lost one."""
        own = {name: choices for name, choices in self._choices.items() if name not in self._shares}
        return ToolsetState(tool=self._tool, choices=own, colour=self._colour, edge=self._edge, side=self._side)

    def restore(self, state: ToolsetState) -> None:
        """Restore the stored settings. Unknown tools are left out; new tools keep their defaults."""
        self._choices |= {name: choices for name, choices in state.choices.items() if name in self._choices}
        self._colour, self._edge, self._side = state.colour, state.edge, state.side
        self.choices_changed.emit()
        if state.tool in self._choices:
            self.tool = state.tool

    @property
    def tool(self) -> str:
        return self._tool

    @tool.setter
    def tool(self, name: str) -> None:
        if name not in self._choices:
            raise ValueError(f"there is no tool “{name}”")
        if name != self._tool:
            self._tool = name
            self.tool_changed.emit()

    @property
    def choices(self) -> ToolChoices:
        """Settings of the selected tool."""
        return self.of(self._tool)

    def of(self, name: str) -> ToolChoices:
        return self._choices[self._shares.get(name, name)]

    def choose(self, **changes: Any) -> None:
        """Change settings of the selected tool; each value is clamped to its range."""
        state = {name: min(max(value, LIMITS[name][0]), LIMITS[name][1]) if name in LIMITS else value
                for name, value in changes.items()}  # fmt: skip
        choices = replace(self.choices, **state)
        if choices != self.choices:
            self._choices[self._shares.get(self._tool, self._tool)] = choices
            self.choices_changed.emit()

    def resize(self, steps: float) -> None:
        """Make the brush `steps` larger (below 0: smaller), at least by one pixel."""
        size = self.choices.size
        wanted = round(size * GROWTH**steps)
        self.choose(size=wanted if wanted != size else size + (1 if steps > 0 else -1))

    def fit(self, side: int) -> None:
        """Keep the sizes of the brushes in proportion to the picture, whose longer side is now `side` pixels."""
        if side == self._side:
            return
        factor, self._side = side / self._side, side
        for name, choices in self._choices.items():
            self._choices[name] = replace(choices, size=self._scaled(name, choices.size, factor, SIZES))
        self._edge = self._scaled("", self._edge, factor, EDGES)
        self.choices_changed.emit()

    def _scaled(self, name: str, now: int, factor: float, limits: tuple[int, int]) -> int:
        """`now` times `factor` in whole pixels; a size that nobody changed meanwhile comes back as it was."""
        exact = self._exact.get(name, float(now))
        self._exact[name] = exact = (exact if _rounded(exact, limits) == now else now) * factor
        return _rounded(exact, limits)

    def harden(self, steps: float) -> None:
        self.choose(hardness=round(self.choices.hardness + HARDER * steps, 3))

    @property
    def colour(self) -> tuple[int, int, int]:
        """The colour of the colour brush, RGB 0 … 255."""
        return self._colour

    @colour.setter
    def colour(self, colour: tuple[int, int, int]) -> None:
        if colour != self._colour:
            self._colour = colour
            self.choices_changed.emit()

    @property
    def edge(self) -> int:
        """Pixels by which the mask grows, shrinks or is feathered at a time."""
        return self._edge

    @edge.setter
    def edge(self, edge: int) -> None:
        if edge != self._edge:
            self._edge = edge
            self.choices_changed.emit()

    @property
    def mask_shown(self) -> bool:
        """Whether the mask and its outlines are drawn over the picture."""
        return self._shown

    @mask_shown.setter
    def mask_shown(self, shown: bool) -> None:
        if shown != self._shown:
            self._shown = shown
            self.choices_changed.emit()
