"""A drawing of data points, made in strokes and taken back by strokes."""

from __future__ import annotations

import math

from engine.spec.lab_data import HALF, MOST_POINTS, Point

GAP = 0.06  # between the points of one stroke, in data units


class Drawing:
    """Points in data units, in the order they were drawn."""

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._strokes: list[int] = []  # where each begins

    @property
    def points(self) -> tuple[Point, ...]:
        return tuple(self._points)

    @property
    def full(self) -> bool:
        return len(self._points) >= MOST_POINTS

    def add(self, x: float, y: float, begins: bool) -> bool:
        """A point, held within the frame, as the first of a stroke, or where the stroke `begins` not, unless it is on
        top of the one before. Whether it was added.
        """
        near = bool(self._points) and math.dist(self._points[-1], (x, y)) < GAP
        if self.full or (near and not begins):
            return False
        if begins:
            self._strokes.append(len(self._points))
        self._points.append((max(-HALF, min(HALF, x)), max(-HALF, min(HALF, y))))
        return True

    def rub_out(self, everything: bool) -> bool:
        """Take back the last stroke, or all of them. Whether there was one."""
        if not self._strokes:
            return False
        first = 0 if everything else len(self._strokes) - 1
        del self._points[self._strokes[first] :], self._strokes[first:]
        return True
