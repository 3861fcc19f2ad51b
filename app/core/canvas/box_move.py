"""One drag of the box is one undo step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from PySide6.QtCore import QRect, QSize

from app.core.canvas.undo import UndoStep

COST = 1024  # bytes of such a step, about: a step of size 0 would never be dropped


class BoxPlace(NamedTuple):
    """A place of the box, the size whose aspect ratio it had there, and whether a hand put it there."""

    box: QRect
    aspect: QSize
    by_hand: bool


class BoxOwner(Protocol):
    """The artwork, as far as a move of its box needs it."""

    box: QRect
    box_aspect: QSize
    box_by_hand: bool

    def put_box(self, place: BoxPlace) -> None: ...
    def emit_history(self) -> None: ...
    def end_gesture(self, gesture: BoxMove, step: UndoStep | None) -> None: ...


class BoxMove:
    """A drag of the box: call to() as often as the pointer moves, then end().

    As with a Stroke, something else may end it: undo while the button is down.
    """

    def __init__(self, artwork: BoxOwner, name: str) -> None:
        """Artwork.begin_move makes it."""
        self.name = name
        self.is_open = True
        self.is_dirty = False
        """Whether the box has moved."""
        self._artwork = artwork
        self._before = BoxPlace(artwork.box, artwork.box_aspect, artwork.box_by_hand)

    def to(self, box: QRect) -> None:
        """Move the box there, within its limits; does nothing once the move has ended."""
        if not self.is_open:
            return
        at = self._artwork.box
        self._artwork.box = box  # which pins it
        if not self.is_dirty and self._artwork.box != at:
            self.is_dirty = True
            self._artwork.emit_history()

    def end(self) -> None:
        """Add one step to the history; none where the box has not moved."""
        if not self.is_open:
            return
        self.is_open = False
        after = BoxPlace(self._artwork.box, self._artwork.box_aspect, True)
        is_step = self.is_dirty and after[:2] != self._before[:2]
        self._artwork.end_gesture(self, BoxStep(self._artwork, self.name, self._before, after) if is_step else None)

    def abandon(self) -> None:
        """Move the box back, without a step in the history."""
        if not self.is_open:
            return
        self.is_open = False
        if self.is_dirty:
            self._artwork.put_box(self._before)
        self._artwork.end_gesture(self, None)


@dataclass(frozen=True)
class BoxStep:
    """A step of the history: the box went from one place to another."""

    artwork: BoxOwner = field(repr=False)
    name: str
    before: BoxPlace
    after: BoxPlace

    @property
    def size(self) -> int:
        return COST

    def undoing(self) -> Iterator[None]:
        self.artwork.put_box(self.before)
        yield

    def redoing(self) -> Iterator[None]:
        self.artwork.put_box(self.after)
        yield
