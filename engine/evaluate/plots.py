"""Small plots for model cards, as PNG: axes with round numbers, lines, named points. Needs only Pillow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from engine.pareto import Point, front

INK, FAINT, QUIET = "#1f2328", "#d8dce2", "#8a93a0"
COLOURS = ("#2f6fde", "#d1602b", "#2f9e5b", "#8f4fc4", "#b08a00")
SIZE, MARGIN = (760, 520), (84, 56, 28, 72)  # of the picture; left, top, right, bottom
SHARP = 2  # plots are drawn this many times as large, then reduced


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its name, its range, and whether it is logarithmic."""

    name: str
    low: float
    high: float
    log: bool = False

    @classmethod
    def of(cls, name: str, values: Iterable[float], log: bool = False) -> Axis:
        """Return an axis for `values`. Raises ValueError without finite values, or for values ≤ 0 on a log axis."""
        finite = [value for value in values if math.isfinite(value)]
        if not finite or (log and min(finite) <= 0):
            raise ValueError(f"There is nothing to draw along “{name}”.")
        return cls(name, min(finite), max(finite), log)

    def ticks(self) -> list[float]:
        """Return round numbers from below the lowest value to above the highest."""
        if not self.log:
            return ticks(self.low, self.high)
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        marks = [m * 10.0**k for k in decades for m in (1, 2, 5)]
        first = max(k for k, mark in enumerate(marks) if mark <= self.low * 1.0001)
        last = min(k for k, mark in enumerate(marks) if mark >= self.high * 0.9999)
        return marks[first : max(last, first + 1) + 1]


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Return round numbers from below `low` to above `high`, 1, 2 or 5 times a power of ten apart."""
    rough = max(high - low, 1e-9) / about
    power = 10 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 12) for k in range(first, max(last, first + 1) + 1)]


class Plot:
    """An empty plot with its axes; line() and point() draw into it, save() writes it."""

    def __init__(self, title: str, x: Axis, y: Axis) -> None:
        self.x, self.y = x, y
        self._across, self._up = x.ticks(), y.ticks()
        width, height = (SHARP * side for side in SIZE)
        self._box = [SHARP * side for side in (MARGIN[0], MARGIN[1], SIZE[0] - MARGIN[2], SIZE[1] - MARGIN[3])]
        self._picture = Image.new("RGB", (width, height), "white")
        self._pen = ImageDraw.Draw(self._picture)
        self._small, self._large = ImageFont.load_default(13 * SHARP), ImageFont.load_default(16 * SHARP)
        left, top, right, bottom = self._box
        for value in self._across:
            at = self.at(value, self._up[0])[0]
            self._pen.line([(at, top), (at, bottom)], FAINT, SHARP)
            self._pen.text((at, bottom + 8 * SHARP), f"{value:g}", INK, self._small, "ma")
        for value in self._up:
            at = self.at(self._across[0], value)[1]
            self._pen.line([(left, at), (right, at)], FAINT, SHARP)
            self._pen.text((left - 8 * SHARP, at), f"{value:g}", INK, self._small, "rm")
        self._pen.text((left, 16 * SHARP), title, INK, self._large, "la")
        self._pen.text(((left + right) / 2, height - 14 * SHARP), x.name, INK, self._small, "md")
        label = Image.new("L", (bottom - top, 24 * SHARP))
        ImageDraw.Draw(label).text(((bottom - top) / 2, 12 * SHARP), y.name, 255, self._small, "mm")
        self._picture.paste(INK, (8 * SHARP, top), label.rotate(90, expand=True))

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel position of a pair of values."""
        left, top, right, bottom = self._box
        across = _part(x, self._across, self.x.log)
        up = _part(y, self._up, self.y.log)
        return left + across * (right - left), bottom - up * (bottom - top)

    def line(self, points: Sequence[tuple[float, float]], colour: str = COLOURS[0], name: str = "") -> None:
        """Draw a line through the points, with the name at the last one."""
        places = [self.at(*point) for point in points if all(math.isfinite(v) for v in point)]
        if len(places) > 1:
            self._pen.line(places, colour, 2 * SHARP, "curve")
        if name and places:
            self._pen.text((places[-1][0] - 6 * SHARP, places[-1][1] - 8 * SHARP), name, colour, self._small, "rs")

    def point(self, x: float, y: float, name: str = "", colour: str = COLOURS[0]) -> None:
        """Draw a dot with its name above it."""
        across, up = self.at(x, y)
        r = 5 * SHARP
        self._pen.ellipse((across - r, up - r, across + r, up + r), colour, "white", SHARP)
        self._pen.text((across, up - 9 * SHARP), name, INK, self._small, "ms")

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._picture.resize(SIZE, Image.Resampling.LANCZOS).save(path, "PNG")


def _part(value: float, marks: Sequence[float], log: bool) -> float:
    """Return the position of `value` between the first and the last mark, 0 … 1."""
    low, high = marks[0], marks[-1]
    if log:
        value, low, high = math.log(max(value, low)), math.log(low), math.log(high)
    return (value - low) / (high - low)


def plot_front(points: Sequence[Point], title: str, x: str, y: str, path: Path) -> None:
    """Write points with their names as a PNG, with a line through the Pareto front."""
    drawn = Plot(title, Axis.of(x, [p.x for p in points]), Axis.of(y, [p.y for p in points]))
    best = front(points)
    drawn.line([(p.x, p.y) for p in best])
    for point in points:
        drawn.point(point.x, point.y, point.name, COLOURS[0] if point in best else QUIET)
    drawn.save(path)
