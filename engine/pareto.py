"""The Pareto front of two figures: the points that no other point beats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Point(NamedTuple):
    """x is a cost (less is better), y a merit (more is better)."""

    name: str
    x: float
    y: float


def front(points: Sequence[Point]) -> list[Point]:
    """Return the Pareto front, by rising x: the points that no other point equals or beats in both figures."""
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.x, -p.y)):
        if not best or point.y > best[-1].y:
            best.append(point)
    return best
