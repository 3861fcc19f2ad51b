"""Time of painting in the window's thread: `python3 run.py test -m bench -s tests/bench/test_ui.py`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.ui.canvas.view import CanvasView
from tests.app.conftest import Parts
from tests.app.windows import finish, open_window, opened
from tests.fakes.engine import FakeEngine

pytestmark = pytest.mark.bench
FRAME_MS = 16.0


def median(name: str, do: Callable[[], object], times: int = 40) -> float:
    """Milliseconds of `do`, told with its 95th percentile."""
    do()
    taken = []
    for _ in range(times):
        began = time.thread_time()
        do()
        taken.append(1000 * (time.thread_time() - began))
    taken.sort()
    print(f"\n{name}: median {statistics.median(taken):.2f}, p95 {taken[int(0.95 * times)]:.2f} ms", end="")
    return statistics.median(taken)


@pytest.mark.parametrize("side", [32, 512, 1024])
def test_the_canvas_paints_within_a_frame(qtbot: QtBot, side: int) -> None:
    """1600×1000 at every kind of scale, with a new picture each time."""
    view = CanvasView()
    opened(qtbot, view, 1600, 1000)
    pictures = [QImage(side, side, QImage.Format.Format_RGB32) for _ in range(2)]
    for k, picture in enumerate(pictures):
        picture.fill(0x404040 * (k + 1))
    turn = iter(range(1 << 30))

    def show() -> None:
        view.set_frame(pictures[next(turn) % 2])
        view.repaint()

    view.set_frame(pictures[0])
    costs = [median(f"{side}² fitted", show)]
    view.viewport.zoom_to(0.4)
    costs.append(median(f"{side}² at 40 %", show))
    view.viewport.zoom_to(3.0)
    costs.append(median(f"{side}² at 300 %", show))
    view.smooth = True
    costs.append(median(f"{side}² at 300 %, smooth", show))
    median(
        "one notch of the wheel", lambda: view.viewport.zoom_by(1 if view.viewport.scale < 20 else -9, QPointF(9, 9))
    )
    assert max(costs) <= FRAME_MS


@pytest.mark.parametrize("steps", [20, 100])
def test_a_step_is_shown_within_a_frame(make_parts: Callable[..., Parts], qtbot: QtBot, steps: int) -> None:
    """In the whole window at 1280×800, with a batch of four."""
    document = make_parts(FakeEngine()).document
    window = open_window(qtbot, document)
    window.resize(1280, 800)
    finish(qtbot, document, steps=steps, batch=4)
    strip = window.timeline.strip
    median(f"timeline of {steps} steps, painted anew", strip.repaint)
    median("batch of four, painted anew", window.area.batch.repaint)
    median("whole window, painted anew", window.repaint, 20)
    median("the state of all commands", window.actions_.refresh)

    def back() -> None:
        document.shown.step_by(-1 if document.shown.cursor > 0 else steps - 1)
        window.canvas.repaint()
        strip.repaint()

    assert median(f"one step back of {steps}, canvas and timeline painted", back) <= FRAME_MS
