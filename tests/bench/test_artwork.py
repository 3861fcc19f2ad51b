"""Time of painting, undo, applying and whole-mask changes in the window's thread.

`python3 run.py test -m bench -s tests/bench/test_artwork.py`. Each is set against the plain way in the same run: a copy
of the whole layer before a stroke, and whole arrays thereafter.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QRect

from app.core.canvas import mask_edits
from app.core.canvas.artwork import Artwork, Layer
from app.core.canvas.brush import BrushStroke, BrushStyle, add, colour
from engine.pictures import masks

pytestmark = pytest.mark.bench
SIDE = 2048
BRUSHES = [
    pytest.param(BrushStyle(48, 0.8), "mask", id="48 px, mask"),
    pytest.param(BrushStyle(48, 0.8), "picture", id="48 px, colour"),
    pytest.param(BrushStyle(400, 0.2, 0.7), "mask", id="400 px soft, mask"),
    pytest.param(BrushStyle(400, 0.2, 0.7), "picture", id="400 px soft, colour"),
]


def photo(side: int) -> NDArray[np.uint8]:
    """Slow waves and sensor noise: compresses about as badly as a photograph."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side]
    waves = 128 + 50 * np.sin(x / 90) + 40 * np.cos(y / 70)
    return np.stack([waves + rng.normal(0, 4, (side, side)) for _ in range(3)], axis=-1).clip(0, 255).astype(np.uint8)


def open_artwork() -> Artwork:
    artwork = Artwork()
    artwork.open(photo(SIDE))
    return artwork


def report(name: str, seconds: list[float], reference: list[float] | None = None) -> None:
    ordered = sorted(1000 * s for s in seconds)
    middle, p99 = statistics.median(ordered), ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    line = f"\n{name}: median {middle:.2f}, p99 {p99:.2f}, worst {ordered[-1]:.2f} ms, n = {len(ordered)}"
    if reference:
        line += f", {middle / 1000 / statistics.median(reference):.2f} of what whole arrays take"
    print(line, end="")


def measured(do: Callable[[], object]) -> float:
    began = time.thread_time()
    do()
    return time.thread_time() - began


def walk(strokes: int, moves: int) -> list[NDArray[np.float64]]:
    """Hands: each move about 20 pixels on, as a mouse tells 125 times a second."""
    rng = np.random.default_rng(1)
    made = []
    for _ in range(strokes):
        turns = np.cumsum(rng.normal(0, 0.3, moves)) + rng.uniform(0, 2 * np.pi)
        steps = 20 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        made.append(rng.uniform(0, SIDE, 2) + np.cumsum(steps, axis=0))
    return made


@pytest.mark.parametrize(("brush", "layer"), BRUSHES)
def test_a_stroke_keeps_up_with_the_hand(brush: BrushStyle, layer: Layer) -> None:
    """Time each move: dabs, saved tiles, painting, signals; and, apart, the end of the stroke, which compresses."""
    artwork = open_artwork()
    moves, ends, undos, redos = [], [], [], []
    for points in walk(40, 40):
        stroke = BrushStroke(artwork, "Brush", brush, layer, add if layer == "mask" else colour(200, 40, 90))
        moves += [measured(partial(stroke.to, x, y)) for x, y in points]
        ends.append(measured(stroke.end))
        undos.append(measured(artwork.undo))
        redos.append(measured(artwork.redo))
    whole = artwork.mask if layer == "mask" else artwork.pixels
    copies = [measured(whole.copy) for _ in range(20)]  # the least that undo by whole layers takes
    report("move", moves)
    report("end", ends)
    report("undo", undos, copies)
    report("redo", redos, copies)
    print(f"\n40 strokes keep {artwork.history_size / 2**20:.1f} MiB, whole layers {40 * whole.nbytes / 2**20:.0f}")


def test_whole_mask_changes() -> None:
    artwork = open_artwork()
    y, x = np.mgrid[:SIDE, :SIDE]
    mask = np.where((x - 900) ** 2 + (y - 1000) ** 2 < 600**2, np.uint8(255), np.uint8(0))
    artwork.apply_mask(artwork.rect, mask, "Shape")
    changes: dict[str, tuple[Callable[[], object], Callable[[], object] | None]] = {
        "invert": (lambda: mask_edits.invert(artwork), lambda: np.subtract(255, mask)),
        "clear": (lambda: mask_edits.clear(artwork), lambda: np.zeros_like(mask)),
        "feather 8": (lambda: mask_edits.feather(artwork, 8), lambda: masks.feather(mask, 4)),
        "feather 64": (lambda: mask_edits.feather(artwork, 64), lambda: masks.feather(mask, 32)),
        "grow 8": (lambda: mask_edits.grow(artwork, 8), lambda: masks.dilate(mask, 8)),
        "by colour, everywhere": (lambda: mask_edits.fill_colour(artwork, 700, 700, 32, everywhere=True), None),
        "by colour, connected": (lambda: mask_edits.fill_colour(artwork, 700, 700, 32), None),
    }
    for name, (change, plain) in changes.items():
        taken, back, whole = [], [], []
        for _ in range(7):
            taken.append(measured(change))
            back.append(measured(artwork.undo))
            if plain:
                whole.append(measured(plain))
        report(name, taken, whole or None)
        report(f"undo {name}", back)


@pytest.mark.parametrize("side", [512, SIDE])
def test_a_result_is_applied(side: int) -> None:
    artwork = open_artwork()
    made = np.random.default_rng(2).integers(0, 256, (side, side, 3), dtype=np.uint8)
    taken, back = [], []
    for _ in range(7):
        taken.append(measured(lambda: artwork.apply(QRect(0, 0, side, side), made, "Apply")))
        back.append(measured(artwork.undo))
    report(f"apply {side}²", taken)
    report(f"undo apply {side}²", back)
