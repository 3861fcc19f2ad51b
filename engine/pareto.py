"""A trade-off between two figures as a small plot: points with their names, the ones that nothing beats joined."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

INK, FAINT, MARK, QUIET = "#1f2328", "#d8dce2", "#2f6fde", "#8a93a0"
SIZE, MARGIN = (760, 520), (84, 56, 28, 72)  # of the picture; left, top, right, bottom
SHARP = 2  # drawn this many times as large, then reduced


class Point(NamedTuple):
    """x is a cost (less is better), y a merit (more is better)."""

    name: str
    x: float
    y: float


def front(points: Sequence[Point]) -> list[Point]:
    """The points that no other one beats in one figure without losing in the other, by rising x."""
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.x, -p.y)):
        if not best or point.y > best[-1].y:
            best.append(point)
    return best


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers from below `low` to above `high`, 1, 2 or 5 times a power of ten apart."""
    rough = max(high - low, 1e-9) / about
    power = 10 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 12) for k in range(first, max(last, first + 1) + 1)]


def plot(points: Sequence[Point], title: str, x: str, y: str, path: Path) -> None:
    """Write the plot as a PNG."""
    width, height = (SHARP * side for side in SIZE)
    left, top, right, bottom = (SHARP * side for side in MARGIN)
    picture = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(picture)
    small, large = ImageFont.load_default(13 * SHARP), ImageFont.load_default(16 * SHARP)
    across, up = (ticks(min(values), max(values)) for values in ([p.x for p in points], [p.y for p in points]))

    def at(px: float, py: float) -> tuple[float, float]:
        return (
            left + (px - across[0]) / (across[-1] - across[0]) * (width - left - right),
            height - bottom - (py - up[0]) / (up[-1] - up[0]) * (height - top - bottom),
        )

    for value in across:
        pen.line([at(value, up[0]), at(value, up[-1])], FAINT, SHARP)
        pen.text((at(value, 0)[0], height - bottom + 8 * SHARP), f"{value:g}", INK, small, "ma")
    for value in up:
        pen.line([at(across[0], value), at(across[-1], value)], FAINT, SHARP)
        pen.text((left - 8 * SHARP, at(0, value)[1]), f"{value:g}", INK, small, "rm")
    pen.text((left, 16 * SHARP), title, INK, large, "la")
    pen.text(((left + width - right) / 2, height - 14 * SHARP), x, INK, small, "md")
    label = Image.new("L", (height, 24 * SHARP))
    ImageDraw.Draw(label).text((height / 2, 12 * SHARP), y, 255, small, "mm")
    picture.paste(INK, (8 * SHARP, (top - bottom) // 2), label.rotate(90, expand=True))
    best = front(points)
    if len(best) > 1:
        pen.line([at(p.x, p.y) for p in best], MARK, 2 * SHARP, "curve")
    for point in points:
        px, py = at(point.x, point.y)
        radius, colour = 5 * SHARP, MARK if point in best else QUIET
        pen.ellipse((px - radius, py - radius, px + radius, py + radius), colour, "white", SHARP)
        pen.text((px, py - 9 * SHARP), point.name, INK, small, "ms")
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.resize(SIZE, Image.Resampling.LANCZOS).save(path, "PNG")
