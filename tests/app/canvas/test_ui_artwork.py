"""The artwork in a hand: what happens to it while a tool is down, and 500 random events of mouse, pen and keys."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QFocusEvent, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.canvas import mask_edits
from app.core.canvas.artwork import Artwork
from app.ui.canvas.tools import TOOLS
from tests.app.hands import CTRL, LEFT, NONE, RIGHT, SHIFT
from tests.app.tools.conftest import Bench, ramp

Point = tuple[float, float]


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    return Bench(qtbot)


# what is under the hand becomes another


def grow_canvas(artwork: Artwork) -> None:
    artwork.resize(QRect(-30, -20, 300, 200))


def crop_canvas(artwork: Artwork) -> None:
    artwork.resize(QRect(20, 30, 50, 40))


def open_another(artwork: Artwork) -> None:
    artwork.open(ramp(90, 70), box_size=(64, 64))


def go_back(artwork: Artwork) -> None:
    artwork.undo()


@pytest.mark.parametrize("change", [grow_canvas, crop_canvas, open_another, go_back, Artwork.close])
@pytest.mark.parametrize("tool", [tool.name for tool in TOOLS])
def test_opening_a_picture_during_a_stroke_is_safe(bench: Bench, tool: str, change: Callable[[Artwork], None]) -> None:
    artwork = bench.artwork
    bench.tools.tool = "rectangle"
    bench.drag((10, 10), (60, 60))
    bench.tools.tool = tool
    bench.press((40, 40))
    bench.move((70, 50))
    change(artwork)
    size, box = artwork.rect, artwork.box
    state = artwork.rgb(), artwork.mask.copy()
    assert tool in ("fill", "picker", "box") or change is go_back or not bench.easel.hand.busy
    bench.shot()
    if change is go_back:
        bench.release((45, 45))
        return
    bench.move((45, 45))
    bench.release((30, 45))
    assert (artwork.rect, artwork.box) == (size, box)
    assert np.array_equal(artwork.rgb(), state[0])
    assert np.array_equal(artwork.mask, state[1])


def test_the_canvas_shows_the_new_size_at_once(bench: Bench) -> None:
    bench.shot()
    bench.artwork.resize(QRect(0, 0, 60, 40))
    assert bench.canvas.viewport.picture == bench.artwork.rect.size()
    assert bench.seen(30, 20) != bench.canvas.palette().window().color()
    assert bench.canvas.viewport.rect().size().toSize().width() > 300, "fitted"
    bench.artwork.undo()
    assert bench.canvas.viewport.picture == bench.artwork.rect.size()


def test_undo_while_the_pen_is_down_takes_the_stroke_back_and_the_hand_is_free(bench: Bench) -> None:
    bench.press((40, 40))
    bench.move((90, 40))
    bench.artwork.undo()
    bench.move((150, 90))
    bench.release((150, 90))
    assert not bench.mask.any()
    assert bench.artwork.redo_text == "Brush"
    bench.drag((40, 80), (90, 80))
    assert bench.mask[80, 60] == 255
    assert not bench.mask[40].any()


# 500 random events


class Watcher:
    """Keeps what somebody shows who copies the rectangles that are told, and nothing else."""

    def __init__(self, artwork: Artwork) -> None:
        self._artwork = artwork
        for signal in (artwork.opened, artwork.resized):
            signal.connect(self._anew)
        artwork.picture_changed.connect(self._picture)
        artwork.mask_changed.connect(self._mask)
        self._anew()

    def _anew(self, _moved: QPoint | None = None) -> None:
        self.rgb, self.mask = self._artwork.rgb(), self._artwork.mask.copy()

    def _picture(self, rect: QRect) -> None:
        self.rgb[rect.top() : rect.bottom() + 1, rect.left() : rect.right() + 1] = self._artwork.rgb(rect)

    def _mask(self, rect: QRect) -> None:
        at = slice(rect.top(), rect.bottom() + 1), slice(rect.left(), rect.right() + 1)
        self.mask[at] = self._artwork.mask[at]


class Person:
    """Does at random what a person can do, and what no person would: press twice, let go twice, undo while painting."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.bench = bench
        self.down = LEFT
        self.at: Point = (50.0, 50.0)

    def near(self) -> Point:
        width, height = self.bench.artwork.width, self.bench.artwork.height
        x, y = self.rng.uniform((-40, -40), (width + 40, height + 40))
        return float(x), float(y)

    def do(self) -> None:
        actions: list[tuple[Callable[[], object], int]] = [
            (self.press, 5), (self.move, 9), (self.release, 6), (self.pick_tool, 3), (self.choose, 1), (self.pen, 2),
            (self.undo, 3), (self.redo, 2), (self.whole, 1), (self.resize, 1), (self.escape, 1), (self.lose_focus, 1),
            (self.zoom, 1), (self.by_key, 2),
        ]  # fmt: skip
        weights = np.array([weight for _, weight in actions], float)
        actions[self.rng.choice(len(actions), p=weights / weights.sum())][0]()

    def press(self) -> None:
        self.down = RIGHT if self.rng.random() < 0.2 else LEFT
        self.bench.press(self.near(), self.down, SHIFT if self.rng.random() < 0.2 else NONE)

    def move(self) -> None:
        self.bench.move(self.near(), self.down, SHIFT if self.rng.random() < 0.2 else NONE)

    def release(self) -> None:
        self.bench.release(self.near(), self.down)

    def pen(self) -> None:
        points = [(*self.near(), float(self.rng.random())) for _ in range(4)]
        self.bench.draw(*points, eraser=bool(self.rng.random() < 0.3))

    def pick_tool(self) -> None:
        self.bench.tools.tool = str(self.rng.choice([tool.name for tool in TOOLS]))

    def choose(self) -> None:
        size, hardness, opacity = int(self.rng.integers(1, 80)), float(self.rng.random()), float(self.rng.random())
        self.bench.tools.choose(size=size, hardness=hardness, opacity=opacity, everywhere=bool(size % 2))
        red, green, blue = (int(value) for value in self.rng.integers(0, 256, 3))
        self.bench.tools.colour = red, green, blue

    def undo(self) -> None:
        self.bench.artwork.undo()

    def redo(self) -> None:
        self.bench.artwork.redo()

    def whole(self) -> None:
        artwork = self.bench.artwork
        (lambda: mask_edits.invert(artwork), lambda: mask_edits.grow(artwork, 5), lambda: mask_edits.shrink(artwork, 5),
         lambda: mask_edits.feather(artwork, 8), lambda: mask_edits.clear(artwork))[self.rng.integers(5)]()  # fmt: skip

    def resize(self) -> None:
        artwork = self.bench.artwork
        left, top, right, bottom = (int(value) for value in self.rng.integers(-25, 26, 4))
        rect = artwork.rect.adjusted(left, top, right, bottom)
        if 60 <= rect.width() <= 300 and 60 <= rect.height() <= 300:
            artwork.resize(rect)

    def escape(self) -> None:
        self.bench.key(Qt.Key.Key_Escape)

    def lose_focus(self) -> None:
        QApplication.sendEvent(self.bench.canvas, QFocusEvent(QEvent.Type.FocusOut))

    def zoom(self) -> None:
        self.bench.zoom(float(self.rng.choice([0.25, 0.5, 1.0, 3.0])))

    def by_key(self) -> None:
        key = (Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Return)[self.rng.integers(4)]
        self.bench.key(key, SHIFT if key == Qt.Key.Key_Return or self.rng.random() < 0.7 else SHIFT | CTRL)


def state(artwork: Artwork) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return artwork.rgb(), artwork.mask.copy()


def same(a: tuple[NDArray[np.uint8], NDArray[np.uint8]], b: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(a, b, strict=True))


def inner(bench: Bench) -> QImage:
    """What the canvas shows within the frame that says where the keyboard is."""
    return bench.shot().copy(bench.canvas.rect().adjusted(2, 2, -2, -2))


@pytest.mark.parametrize("seed", [0, 1])
def test_after_500_random_events_undo_and_redo_still_work(bench: Bench, qtbot: QtBot, seed: int) -> None:
    """What was told is all that changed; undo leads to the very beginning and redo to the very end, each in the same
    states; a canvas that has followed all along looks like one that is new.
    """
    artwork = bench.artwork
    begun = state(artwork)
    watcher, person = Watcher(artwork), Person(bench, seed)
    fresh = Bench(qtbot)
    for k in range(500):
        person.do()
        assert np.array_equal(watcher.rgb, artwork.rgb())
        assert np.array_equal(watcher.mask, artwork.mask)
        assert (artwork.pixels[..., 3] == 255).all()
        if k % 50 == 49:
            bench.easel.hand.let_go()
            fresh.artwork.open(artwork.rgb(), mask=artwork.mask, box_size=(64, 64))
            fresh.artwork.box = artwork.box
            fresh.tools.tool = bench.tools.tool = "picker"
            bench.move((0, 0))  # a mouse: the keyboard's pointer goes
            for one in (bench, fresh):
                one.canvas.fit()
                one.zoom(0.25 if k % 100 == 49 else 1.0)
            assert inner(fresh) == inner(bench)
    bench.easel.hand.let_go()
    ended = state(artwork)
    seen = [ended]
    while artwork.can_undo:
        artwork.undo()
        seen.append(state(artwork))
    assert len(seen) > 20
    assert same(seen[-1], begun)
    for expected in reversed(seen[:-1]):
        artwork.redo()
        assert same(state(artwork), expected)
    while artwork.can_redo:
        artwork.redo()
    while artwork.can_undo:
        artwork.undo()
    assert same(state(artwork), begun)
