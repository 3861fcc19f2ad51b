"""Plot a trade-off between two figures: points with their names, and a line through the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from engine.evaluate.plots import COLOURS, QUIET, Axis, Plot


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


def plot(points: Sequence[Point], title: str, x: str, y: str, path: Path) -> None:
    """Write the plot as a PNG."""
    drawn = Plot(title, Axis.of(x, [p.x for p in points]), Axis.of(y, [p.y for p in points]))
    best = front(points)
    drawn.line([(p.x, p.y) for p in best])
    for point in points:
        drawn.point(point.x, point.y, point.name, COLOURS[0] if point in best else QUIET)
    drawn.save(path)
