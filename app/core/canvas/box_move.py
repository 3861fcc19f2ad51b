"""The box in a hand: where it is taken is one step of the history."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QRect, QSize

if TYPE_CHECKING:
    from app.core.canvas.artwork import Artwork

COST = 1024  # bytes, about, that such a step keeps: steps that cost nothing would never be let go of


class Place(NamedTuple):
    """Of the box: where it lies, and the size of which it had the shape then."""

    box: QRect
    aspect: QSize


class Move:
    """One way of the box that will be undone as one: say where it goes, as often as it does; end.

    As with a Stroke: it may be ended from elsewhere (undo while the button is down).
    """

    def __init__(self, artwork: Artwork, name: str) -> None:
        """Artwork.begin_move makes it."""
        self.name = name
        self.is_open = True
        self.is_dirty = False
        """Whether the box has gone anywhere."""
        self._artwork = artwork
        self._before = Place(artwork.box, artwork.box_aspect)

    def to(self, box: QRect) -> None:
        """Take it there, as far as it may go; nothing once the move has ended."""
        if not self.is_open:
            return
        at = self._artwork.box
        self._artwork.box = box
        if not self.is_dirty and self._artwork.box != at:
            self.is_dirty = True
            self._artwork.history_changed.emit()

    def end(self) -> None:
        """From now on it is one step of the history; none where the box lies as it did."""
        if not self.is_open:
            return
        self.is_open = False
        after = Place(self._artwork.box, self._artwork.box_aspect)
        is_step = self.is_dirty and after != self._before
        self._artwork._ended(self, Moved(self._artwork, self.name, self._before, after) if is_step else None)

    def abandon(self) -> None:
        """As if it had never been begun."""
        if not self.is_open:
            return
        self.is_open = False
        if self.is_dirty:
            self._artwork._put_box(self._before)
        self._artwork._ended(self, None)


@dataclass(frozen=True)
class Moved:
    """A step of the history: the box went from one place to another."""

    artwork: Artwork = field(repr=False)
    name: str
    before: Place
    after: Place

    @property
    def size(self) -> int:
        return COST

    def undo(self) -> None:
        self.artwork._put_box(self.before)

    def redo(self) -> None:
        self.artwork._put_box(self.after)
