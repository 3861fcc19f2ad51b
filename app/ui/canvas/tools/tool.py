"""What a tool is: it is pressed, moved and released over the artwork, and knows nothing of mice, pens or keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainterPath

from app.core.canvas.artwork import Artwork
from app.core.canvas.toolset import ToolChoices, Toolset


@dataclass(frozen=True, slots=True)
class Touch:
    """Where the hand is and how it holds the tool.

    at -- in document pixels, fractions included; it may lie outside the document
    pressure -- 0 … 1, of a pen; 1 of a mouse
    straight -- Shift is held: a straight line, a square, a circle
    against -- the right button or the pen's other end: the tool takes away what it otherwise adds
    reach -- document pixels within which a thing counts as touched
    """

    at: QPointF
    pressure: float = 1.0
    straight: bool = False
    against: bool = False
    reach: float = 1.0


class Tool:
    """One tool in a hand. A press is followed by moves and by one release, or by `cancel` or `let_go` in its place.

    name, title, key, icon, tip -- for the table of commands
    defaults -- how it is set at first; options -- which of the choices mean something to it
    shares -- the name of the tool whose choices it uses, "" for its own
    gestures -- for the hint under the canvas: (what to do, what it does); {id} stands for that command's keys
    ring -- whether the cursor is a ring of its size
    """

    name: ClassVar[str]
    title: ClassVar[str]
    key: ClassVar[str]
    icon: ClassVar[str]
    tip: ClassVar[str]
    defaults: ClassVar[ToolChoices] = ToolChoices()
    options: ClassVar[tuple[str, ...]] = ()
    shares: ClassVar[str] = ""
    gestures: ClassVar[tuple[tuple[str, str], ...]] = ()
    ring: ClassVar[bool] = False

    def __init__(self, artwork: Artwork, tools: Toolset) -> None:
        self.artwork, self.tools = artwork, tools

    @property
    def choices(self) -> ToolChoices:
        return self.tools.of(self.name)

    def press(self, touch: Touch) -> None:
        raise NotImplementedError

    def move(self, touch: Touch) -> None:
        """While it is pressed."""

    def release(self, touch: Touch) -> None:
        """End the gesture of the press."""

    def cancel(self) -> None:
        """As if it had not been pressed."""

    def let_go(self) -> None:
        """The hand is gone and no release will come. What has been made stays."""
        self.cancel()

    def outline(self) -> QPainterPath:
        """What it is about to do, in document pixels, to be drawn over the picture."""
        return QPainterPath()

    def cursor(self, touch: Touch) -> Qt.CursorShape:
        """Over `touch`, where no ring is drawn."""
        return Qt.CursorShape.CrossCursor
