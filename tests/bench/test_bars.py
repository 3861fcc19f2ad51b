"""The three bars of the canvas on 2048²: a stroke is seen within 8 ms, a full composite is there in 16, an undo in 10.

`python3 run.py test -m bench -s tests/bench/test_bars.py`. Each line: the bar; what half and 99 of 100 take on the
wall's clock, and of the processor's time (of all threads together: one thread's is the wall's on a quiet machine); and
what share of the plain way's in the same run that is. No test asserts a time.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QCoreApplication, QPointF, QRect
from pytestqt.qtbot import QtBot

from app.core.canvas.artwork import Artwork
from app.core.canvas.placement import Placement, overlay
from app.core.shown.render import from_rgb
from app.ui.canvas.easel import Easel
from app.ui.canvas.tools import toolset
from app.ui.canvas.view import CanvasView
from engine.pictures.blending import alpha
from engine.pictures.compositing import composite, free_cells
from tests.app.hands import Hands
from tests.app.windows import opened
from tests.bench.test_artwork import SIDE, photo, walk

pytestmark = pytest.mark.bench
STROKE, COMPOSITE, UNDO, FRAME = 8.0, 16.0, 10.0, 16.7  # milliseconds
TOOLS: dict[str, tuple[str, dict[str, float]]] = {
    "brush of 60": ("brush", {"size": 60}),
    "noise brush of 64": ("noise", {"size": 64}),
    "colour brush of 48": ("colour", {"size": 48}),
    "soft colour brush of 400": ("colour", {"size": 400, "hardness": 0.2, "opacity": 0.7}),
}
Y, X = np.mgrid[:SIDE, :SIDE]
MASKS = {
    "a disc of 1200 with a soft edge": 255 - (np.hypot(X - 900, Y - 1000) - 600) * 8,
    "all of it, soft towards its edge": np.minimum.reduce([X, Y, SIDE - 1 - X, SIDE - 1 - Y]),
    "soft in every pixel": 1 + X * 62 // SIDE,
}


class Taken(NamedTuple):
    """Seconds of one go: on the wall's clock, and of all the processor's cores."""

    wall: float
    processor: float


def clocked(do: Callable[[], object]) -> Taken:
    wall, processor = time.perf_counter(), time.process_time()
    do()
    return Taken(time.perf_counter() - wall, time.process_time() - processor)


def report(name: str, taken: list[Taken], bar: float, plain: list[Taken], of: str) -> None:
    wall, processor = (spread([one[k] for one in taken]) for k in (0, 1))
    reference = statistics.median(one.processor for one in plain)
    print(
        f"\n{name:<50} bar {bar:4.1f} ms: p50 {wall[0]:6.2f}  p99 {wall[1]:6.2f}   processor {processor[0]:6.2f} "
        f"{processor[1]:6.2f}, {processor[0] / 1000 / reference:5.2f} of {of}",
        end="",
    )


def spread(seconds: list[float]) -> tuple[float, float]:
    """Milliseconds that half and that 99 of 100 stay within."""
    ordered = sorted(1000 * one for one in seconds)
    return statistics.median(ordered), ordered[math.ceil(0.99 * len(ordered)) - 1]


@pytest.mark.parametrize("name", TOOLS)
def test_strokes_and_their_undo(qtbot: QtBot, name: str) -> None:
    """Each move from the mouse's event to the repainted canvas of 1600 × 1000 at 100 %; undo with its repaint too."""
    artwork, tools, canvas = Artwork(), toolset(), CanvasView()
    easel = Easel(canvas, artwork, tools)
    opened(qtbot, canvas, 1600, 1000)
    artwork.open(photo(SIDE), box_size=(64, 64))
    easel.see_as(lambda: free_cells(artwork.mask, (0, 0, SIDE, SIDE), (64, 64), 25))
    easel.shown = True
    canvas.viewport.zoom_to(1.0)
    canvas.repaint()
    tool, choices = TOOLS[name]
    tools.tool = tool
    tools.choose(**choices)
    hands, seen = Hands(canvas), canvas.viewport.to_picture(QPointF(0, 0))

    def go(do: Callable[[], object]) -> None:
        do()
        QCoreApplication.processEvents()  # the repaint

    moves, ends, undos, backs, seen_undos = [], [], [], [], []
    for points in walk(30, 40):
        path = [(seen.x() + x * 1600 / SIDE, seen.y() + y * 1000 / SIDE) for x, y in points]
        hands.press(path[0])
        QCoreApplication.processEvents()
        moves += [clocked(partial(go, partial(hands.move, at))) for at in path[1:]]
        ends.append(clocked(partial(go, partial(hands.release, path[-1]))))
        for _ in range(2):
            undos.append(clocked(artwork.undo))
            QCoreApplication.processEvents()
            backs.append(clocked(artwork.redo))
            QCoreApplication.processEvents()
        seen_undos.append(clocked(partial(go, artwork.undo)))
        go(artwork.redo)
    whole = [clocked(canvas.repaint) for _ in range(15)]
    layer = artwork.pixels if tool == "colour" else artwork.mask
    copies = [clocked(layer.copy) for _ in range(20)]  # the least that undo by whole layers takes
    report(f"{name}: move to paint", moves, STROKE, whole, "a whole repaint")
    report(f"{name}: pen up to paint", ends, FRAME, whole, "a whole repaint")
    report(f"{name}: undo", undos, UNDO, copies, "a layer's copy")
    report(f"{name}: redo", backs, UNDO, copies, "a layer's copy")
    report(f"{name}: undo to paint", seen_undos, UNDO, whole, "a whole repaint")
    print(f"\n{name}: 30 strokes keep {artwork.history_size / 2**20:.1f} MiB", end="")


@pytest.mark.parametrize("side", [64, 128, 512, SIDE])
@pytest.mark.parametrize("name", MASKS)
def test_a_result_over_the_whole_document(name: str, side: int) -> None:
    """What a model of pictures of `side`² made, through the mask: as it is applied and as it is seen before that."""
    rgb, made = photo(SIDE), np.random.default_rng(2).integers(0, 256, (side, side, 3), dtype=np.uint8)
    mask, box = MASKS[name].clip(0, 255).astype(np.uint8), (0, 0, SIDE, SIDE)
    artwork, picture = Artwork(), from_rgb(made)
    artwork.open(rgb, mask=mask)
    placement = Placement.on(artwork, QRect(*box), masked=True)

    def by_pillow() -> NDArray[np.uint8]:
        """As it is done elsewhere."""
        large, old = Image.fromarray(made), Image.fromarray(rgb)
        if side != SIDE:
            large = large.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        old.paste(large, mask=Image.fromarray(alpha(mask)))
        return np.array(old)

    assert np.array_equal(composite(rgb, mask, box, made), by_pillow())
    plain = [clocked(by_pillow) for _ in range(15)]
    taken = [clocked(lambda: composite(rgb, mask, box, made)) for _ in range(60)]
    report(f"composite {side}², {name}", taken, COMPOSITE, plain, "Pillow's")
    live = [clocked(lambda: overlay(picture, placement)) for _ in range(60)]
    report(f"overlay {side}², {name}", live, COMPOSITE, plain, "Pillow's composite")
