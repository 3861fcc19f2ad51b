"""How long the window's thread is kept at one time by the largest picture that can be opened, 16384 × 16384 pixels.

`python3 run.py test -m bench -s tests/bench/test_large.py`. It takes 4 GB. TWEEDIE_BENCH_SIDE is another side.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from app.core.canvas.artwork import Artwork
from tests.app.conftest import Parts
from tests.app.hands import Hands
from tests.app.windows import open_window, until
from tests.fakes.engine import FakeEngine

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
SIDE = int(os.environ.get("TWEEDIE_BENCH_SIDE", "16384"))


def pixels(side: int) -> np.ndarray:
    """A picture (side, side, 4), the order of the artwork: a sky of one colour over noise, as a photograph has."""
    found = np.full((side, side, 4), (200, 120, 60, 255), np.uint8)
    noise = np.random.default_rng(0).integers(0, 255, (256, side, 3), np.uint8)
    for top in range(side * 3 // 4, side, 256):
        found[top : top + 256, :, :3] = noise[: min(256, side - top)]
    return found


class Watch:
    """The processor time of the window's thread between two looks at its events: the longest, and all of it."""

    def __init__(self) -> None:
        self.longest = self.sum = 0.0

    def take(self, do: Callable[[], object]) -> None:
        began = time.thread_time()
        do()
        spent = time.thread_time() - began
        self.longest, self.sum = max(self.longest, spent), self.sum + spent

    def until(self, done: Callable[[], bool], patience: float = 300) -> None:
        end = time.monotonic() + patience
        while not done():
            assert time.monotonic() < end
            self.take(QCoreApplication.processEvents)
            time.sleep(0.001)
        self.take(QCoreApplication.processEvents)

    def told(self, name: str) -> None:
        print(f"\n{name:36} longest {1000 * self.longest:7.0f} ms, in all {1000 * self.sum:7.0f} ms", end="")


def busy(artwork: Artwork) -> bool:
    return bool(getattr(artwork, "busy", False))


def test_the_largest_picture(make_parts: Callable[..., Parts], fake: FakeEngine, qtbot: QtBot) -> None:
    document = make_parts(fake).document
    artwork, window = document.artwork, open_window(qtbot, document)
    made = pixels(SIDE)
    window.resize(1600, 1000)
    watch = Watch()
    watch.take(lambda: artwork.adopt(made, "large", (64, 64)))
    document.editing.shows_artwork = True
    until(qtbot, lambda: window.canvas.stand is not None)
    watch.until(lambda: not busy(artwork))
    watch.take(window.canvas.repaint)
    watch.told("open, until it is painted")
    hands, tools = Hands(window.canvas), window.tools

    def stroke(name: str, size: int) -> None:
        tools.tool = name
        tools.choose(size=size)
        path = [(SIDE * (0.2 + 0.02 * k), SIDE * (0.3 + 0.01 * (k % 7))) for k in range(25)]
        for what, do in (("press", hands.press), ("move", hands.move)):
            watch = Watch()
            for at in path[:1] if what == "press" else path[1:]:
                watch.take(partial(do, at))
                watch.take(QCoreApplication.processEvents)
            watch.told(f"{name} of {size} px, {what}")
        watch = Watch()
        watch.take(lambda: hands.release(path[-1]))
        watch.until(lambda: not busy(artwork))
        watch.told(f"{name} of {size} px, release")

    def click(name: str, at: tuple[float, float], **choices: object) -> None:
        tools.tool = "fill"
        tools.choose(tolerance=32, **choices)
        watch = Watch()
        before = artwork.revision
        watch.take(lambda: hands.press(at))
        watch.take(lambda: hands.release(at))
        watch.until(lambda: artwork.revision != before and not busy(artwork))
        watch.take(window.canvas.repaint)
        watch.told(name)

    def undone(name: str) -> None:
        watch, before = Watch(), artwork.revision
        watch.take(artwork.undo)
        watch.until(lambda: artwork.revision != before and not busy(artwork))
        watch.take(window.canvas.repaint)
        watch.told(f"undo {name}")

    stroke("brush", 64)
    stroke("brush", 1024)
    undone("brush")
    stroke("colour", 1024)
    click("fill, connected", (SIDE / 2, 5.0), everywhere=False)
    assert artwork.mask[0, 0] == 255
    assert artwork.mask[SIDE // 2, SIDE - 1] == 255
    undone("fill")
    assert artwork.mask[0, 0] == 0
    click("fill, everywhere", (SIDE / 2, 5.0), everywhere=True)
    undone("fill")
    print()
