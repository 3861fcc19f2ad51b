"""The candidates: pictures made for the artwork, and the selected one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from engine.spec.request import Request

ORIGINAL = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """Picture `image` of the finished run in `run`; `picture` is null where its file is gone."""

    run: Path
    image: int
    request: Request
    picture: QImage

    @property
    def key(self) -> tuple[Path, int]:
        return self.run, self.image


class Candidates(QObject):
    """Tile 0 is the original, tile k the k-th candidate. What is looked at may also be none of them: a picture in the
    making, a step of a run that was cancelled. `index` is −1 then. They stand in the order that they came in, or by
    a merit of theirs. Setters emit only on change.
    """

    listed = Signal()  # other candidates, or another order
    chosen = Signal()  # another one is selected

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._by_arrival: list[Candidate] = []
        self._all: list[Candidate] = []
        self._merit: Callable[[Candidate], float | None] | None = None
        self._at: tuple[Path, int] | None = None

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, tile: int) -> Candidate:
        """Return the candidate on tile `tile`, 1 or more."""
        if not 1 <= tile <= len(self._all):
            raise IndexError(tile)
        return self._all[tile - 1]

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self._all)

    @property
    def at(self) -> tuple[Path, int] | None:
        """The selected run and its picture; None for the original."""
        return self._at

    @at.setter
    def at(self, key: tuple[Path, int] | None) -> None:
        if key != self._at:
            self._at = key
            self.chosen.emit()

    @property
    def index(self) -> int:
        """The selected tile, −1 for a picture without one."""
        return ORIGINAL if self._at is None else self.tile_of(self._at)

    @property
    def current(self) -> Candidate | None:
        return self._all[self.index - 1] if self.index > ORIGINAL else None

    def tile_of(self, key: tuple[Path, int]) -> int:
        """Return the tile of a picture of a run, −1 where it is no candidate."""
        return next((k for k, one in enumerate(self._all, 1) if one.key == key), -1)

    def neighbour(self, by: int) -> int:
        """The tile `by` further, clamped; from what has no tile, the one that came last."""
        last = len(self._all)
        return max(ORIGINAL, min(last, self.index + by)) if self.index >= 0 else last

    def add(self, made: Iterable[Candidate]) -> None:
        """Add finished pictures."""
        more = [one for one in made if self.tile_of(one.key) < 0]
        if more:
            self._by_arrival += more
            self._all = self._ordered()
            self.listed.emit()

    def order_by(self, merit: Callable[[Candidate], float | None] | None) -> None:
        """The highest merit first and what has none last, or, where `merit` is None, as they came. Asked anew when this
        is called again.
        """
        self._merit = merit
        if (ordered := self._ordered()) != self._all:
            self._all = ordered
            self.listed.emit()

    def _ordered(self) -> list[Candidate]:
        if self._merit is None:
            return list(self._by_arrival)
        merits = [self._merit(one) for one in self._by_arrival]
        order = sorted(range(len(merits)), key=lambda k: math.inf if (found := merits[k]) is None else -found)
        return [self._by_arrival[k] for k in order]

    def discard(self, tile: int) -> Candidate:
        """Take one away; where it was looked at, what came after it takes its place, or else what came before."""
        one, seen = self[tile], self.index == tile
        del self._all[tile - 1]
        self._by_arrival.remove(one)
        if seen:
            tile = min(tile, len(self._all))
            self._at = self._all[tile - 1].key if tile else None
        self.listed.emit()
        if seen:
            self.chosen.emit()
        return one

    def clear(self) -> None:
        """Remove all candidates."""
        had, self._all, self._by_arrival = bool(self._all), [], []
        if had:
            self.listed.emit()
        self.at = None
