"""Everything in any order: the window's commands and a hand on the canvas while the engine works, at random."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from app.ui.canvas.tools import TOOLS
from tests.app.artworks import picture
from tests.app.canvas.test_ui_candidates import Bench
from tests.app.conftest import Parts
from tests.app.hands import LEFT, NONE, RIGHT, SHIFT
from tests.app.windows import until

ACTIONS = 300
ELSEWHERE = {  # commands that ask the system for a file or a folder, or that end everything
    "open", "save-as", "save-animation", "pictures", "quit",
}  # fmt: skip

OFTEN = (
    "generate",
    "generate",
    "apply",
    "candidate-after",
    "compare",
    "undo",
    "redo",
    "fork",
    "mask-invert",
    "mask-grow",
)


class Person:
    """Has a window, a hand and no plan."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench, self.rng = bench, np.random.default_rng(seed)
        self.actions = {name: it for name, it in bench.window.actions_.by_id.items() if name not in ELSEWHERE}
        self.done: list[str] = []

    def do(self) -> None:
        chance = self.rng.random()
        if chance < 0.3:
            self.command(str(self.rng.choice(sorted(self.actions))))
        elif chance < 0.5:
            self.bench.document.draft.update(steps=int(self.rng.integers(1, 6)))
            self.command(str(self.rng.choice(OFTEN)))
        elif chance < 0.54:
            self.another()
        elif chance < 0.65:
            self.done.append("wait")
            self.bench.qtbot.wait(20)
        else:
            self.hand()

    def command(self, name: str) -> None:
        self.done.append(name)
        if self.actions[name].isEnabled():
            self.actions[name].trigger()
        for widget in QApplication.topLevelWidgets():
            if isinstance(widget, QDialog) and widget.isVisible():
                widget.close()

    def another(self) -> None:
        """Another picture, size or model under everything that goes on."""
        self.done.append("another")
        document, artwork = self.bench.document, self.bench.artwork
        chance = self.rng.random()
        if chance < 0.1:
            width, height = (int(n) for n in self.rng.integers(1, 150, 2))
            artwork.open(picture(width, height), "another", (24, 16))
        elif chance < 0.4:
            document.draft.model = document.draft.models[self.rng.integers(len(document.draft.models))]
        elif artwork.is_open:
            sides = (int(n) for n in self.rng.integers(-10, 11, 4))
            rect = artwork.rect.adjusted(*sides)
            if not rect.isEmpty() and rect.intersects(artwork.rect) and max(rect.width(), rect.height()) < 200:
                artwork.resize(rect)

    def hand(self) -> None:
        tools, hands, artwork = self.bench.window.tools, self.bench.hands, self.bench.artwork
        if self.rng.random() < 0.3:
            tools.tool = TOOLS[self.rng.integers(len(TOOLS))].name
        x, y = self.rng.uniform(-30, max(artwork.width, artwork.height) + 30, 2)
        at, button = (float(x), float(y)), RIGHT if self.rng.random() < 0.2 else LEFT
        held = SHIFT if self.rng.random() < 0.2 else NONE
        what = ("press", "move", "move", "release")[self.rng.integers(4)]
        self.done.append(f"{what} {tools.tool}")
        getattr(hands, what)(at, button, held)


@pytest.mark.parametrize("seed", range(2))
def test_nothing_breaks_and_the_history_leads_back(parts: Parts, qtbot: QtBot, seed: int) -> None:
    """Every error in a slot fails the test, and the reported changes of the artwork are complete."""
    bench = Bench(qtbot, parts)
    document, artwork, person = bench.document, bench.artwork, Person(bench, seed)
    shown = {"mask": artwork.mask.copy(), "rgb": artwork.rgb()}

    class Begun:
        mask, rgb = artwork.mask.copy(), artwork.rgb()

    def anew(*_: object) -> None:
        shown["mask"], shown["rgb"] = artwork.mask.copy(), artwork.rgb()

    def begin() -> None:
        anew()
        Begun.mask, Begun.rgb = artwork.mask.copy(), artwork.rgb()

    def masked(rect: QRect) -> None:
        at = slice(rect.top(), rect.bottom() + 1), slice(rect.left(), rect.right() + 1)
        shown["mask"][at] = artwork.mask[at]

    def painted(rect: QRect) -> None:
        at = slice(rect.top(), rect.bottom() + 1), slice(rect.left(), rect.right() + 1)
        shown["rgb"][at] = artwork.rgb(rect)

    for signal, slot in ((artwork.opened, begin), (artwork.closed, begin), (artwork.resized, anew),
                         (artwork.mask_changed, masked), (artwork.picture_changed, painted)):  # fmt: skip
        signal.connect(slot)
    artwork.open(picture(97, 61), "a picture", (24, 16))
    for _ in range(ACTIONS):
        person.do()
        assert np.array_equal(shown["mask"], artwork.mask), person.done[-20:]
        assert np.array_equal(shown["rgb"], artwork.rgb()), person.done[-20:]
    document.editing.comparing = False
    for job in document.jobs.all:
        if not job.state.ended:
            parts.jobs.cancel(job)
    until(qtbot, lambda: all(job.state.ended for job in document.jobs.all))
    while artwork.can_undo:
        artwork.undo()
    assert np.array_equal(artwork.mask, Begun.mask)
    assert np.array_equal(artwork.rgb(), Begun.rgb)
