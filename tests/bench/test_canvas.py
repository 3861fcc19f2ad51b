"""Time of a stroke from the mouse event to the repainted canvas, against repainting all of it.

`python3 run.py test -m bench -s tests/bench/test_canvas.py`. Time of the window's thread, on a canvas of 1600 × 1000.
"""

from __future__ import annotations

import math
import statistics
from functools import partial

import pytest
from PySide6.QtCore import QCoreApplication, QPointF
from pytestqt.qtbot import QtBot

from app.core.canvas.artwork import Artwork
from app.ui.canvas.easel import Easel
from app.ui.canvas.tools import toolset
from app.ui.canvas.view import CanvasView
from engine.pictures.compositing import free_cells
from tests.app.hands import Hands
from tests.app.windows import opened
from tests.bench.test_artwork import SIDE, measured, photo, report

pytestmark = pytest.mark.bench


@pytest.mark.parametrize("scale", [0.25, 0.45, 1.0, 4.0])
@pytest.mark.parametrize("name", ["brush", "noise", "colour"])
def test_a_stroke_until_it_is_seen(qtbot: QtBot, name: str, scale: float) -> None:
    artwork, tools, canvas = Artwork(), toolset(), CanvasView()
    easel = Easel(canvas, artwork, tools)
    opened(qtbot, canvas, 1600, 1000)
    artwork.open(photo(SIDE), box_size=(64, 64))
    easel.see_as(lambda: free_cells(artwork.mask, (0, 0, SIDE, SIDE), (64, 64), 25))
    easel.shown = True
    canvas.viewport.zoom_to(scale)
    canvas.repaint()
    tools.tool = name
    tools.choose(size=round(60 / scale))
    hands = Hands(canvas)
    path = [canvas.viewport.to_picture(QPointF(200 + 5 * k, 500 + 200 * math.sin(k / 15))) for k in range(240)]
    hands.press((path[0].x(), path[0].y()))

    def go(at: QPointF) -> None:
        hands.move((at.x(), at.y()))
        QCoreApplication.processEvents()  # the repaint

    moves = [measured(partial(go, at)) for at in path[1:]]
    hands.release((path[-1].x(), path[-1].y()))
    whole = [measured(canvas.repaint) for _ in range(15)]
    report(f"{name}, {scale:.0%}: move to paint", moves, whole)
    print(f" ({1000 * statistics.median(whole):.2f} ms)", end="")
