"""500 random actions of every kind on an artwork and on a plain model of it: whole arrays, and a list of states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QRectF
from PySide6.QtGui import QPainterPath

from app.core.canvas import mask_edits
from app.core.canvas.artwork import Artwork
from app.core.canvas.brush import BrushStroke, BrushStyle, Paint, add, build_up, colour, dab, remove, share
from engine.pictures import masks
from tests.app.canvas.test_mask_edits import flooded

Array = NDArray[np.uint8]
ACTIONS = 500


@dataclass(frozen=True)
class State:
    rgb: Array
    mask: Array
    moved: tuple[QRect, QRect] | None = None  # from where to where the step before it took the box


class Screen:
    """What somebody shows who copies what they are told of, and nothing else."""

    def __init__(self, artwork: Artwork) -> None:
        self._artwork = artwork
        artwork.opened.connect(self._anew)
        artwork.resized.connect(self._anew)
        artwork.picture_changed.connect(self._picture)
        artwork.mask_changed.connect(self._mask)

    def _anew(self, _moved: QPoint | None = None) -> None:
        self.rgb, self.mask = self._artwork.rgb(), self._artwork.mask.copy()

    def _picture(self, rect: QRect) -> None:
        at = slices(rect)
        self.rgb[at] = self._artwork.rgb(rect)

    def _mask(self, rect: QRect) -> None:
        at = slices(rect)
        self.mask[at] = self._artwork.mask[at]


def slices(rect: QRect) -> tuple[slice, slice]:
    return slice(rect.top(), rect.top() + rect.height()), slice(rect.left(), rect.left() + rect.width())


class Plain:
    """The same by whole arrays. Its random strokes run along the axes, where every dab's place is a plain number."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.artwork = Artwork()
        self.screen = Screen(self.artwork)
        rgb = self.rng.integers(0, 5, (101, 150, 3), dtype=np.uint8) * 40
        self.artwork.open(rgb)
        self.states = [State(rgb, np.zeros((101, 150), np.uint8))]
        self.names: list[str] = []
        self.at = 0

    @property
    def now(self) -> State:
        return self.states[self.at]

    def become(self, name: str, rgb: Array | None = None, mask: Array | None = None) -> None:
        """One step, unless everything is as it was."""
        state = State(self.now.rgb if rgb is None else rgb, self.now.mask if mask is None else mask)
        if np.array_equal(state.rgb, self.now.rgb) and np.array_equal(state.mask, self.now.mask):
            return
        self.states[self.at + 1 :], self.names[self.at :] = [state], [name]
        self.at += 1

    def some_rect(self) -> QRect:
        height, width = self.now.mask.shape
        x, y = int(self.rng.integers(-30, width + 20)), int(self.rng.integers(-30, height + 20))
        return QRect(x, y, int(self.rng.integers(0, 90)), int(self.rng.integers(0, 90)))

    # what can be done

    def stroke(self, end: Callable[[BrushStroke], None] = BrushStroke.end, kept: bool = True) -> None:
        diameter = int(self.rng.choice([10, 20, 40]))
        brush = BrushStyle(diameter, float(self.rng.random()), float(self.rng.choice([1.0, 0.5])))
        picture = self.rng.random() < 0.4
        rgb = tuple(int(value) for value in self.rng.integers(0, 256, 3))
        paint: Paint = colour(*rgb) if picture else (add, remove, build_up)[self.rng.integers(3)]
        points: list[NDArray[np.float64]] = [self.rng.integers(-20, 160, 2) + np.float64(0.5)]
        for _ in range(self.rng.integers(1, 5)):
            step = np.zeros(2)
            step[self.rng.integers(2)] = self.rng.integers(-100, 101)
            points.append(points[-1] + step)

        name = f"Stroke {self.rng.integers(1000)}"
        drawn = BrushStroke(self.artwork, name, brush, "picture" if picture else "mask", paint)
        for x, y in points:
            drawn.to(x, y)
        end(drawn)
        if not kept:
            return
        coverage = self.coverage(brush, points)
        if picture:
            covered = coverage[..., None]
            old, new = share(self.now.rgb, 255 - covered), share(np.array(rgb, np.uint8), covered)
            self.become(name, rgb=old + new)
        else:
            self.become(name, mask=paint(self.now.mask, coverage))

    def coverage(self, brush: BrushStyle, points: list[NDArray[np.float64]]) -> Array:
        shape = dab(brush.diameter, brush.hardness)
        shape = share(shape, np.full_like(shape, round(255 * brush.opacity)))
        reach, around = len(shape) // 2, 200
        height, width = self.now.mask.shape
        wide = np.zeros((height + 2 * around, width + 2 * around), np.uint8)

        def stamp(x: float, y: float) -> None:
            top, left = int(np.floor(y)) - reach + around, int(np.floor(x)) - reach + around
            if 0 <= top <= wide.shape[0] - len(shape) and 0 <= left <= wide.shape[1] - len(shape):
                view = wide[top : top + len(shape), left : left + len(shape)]
                np.maximum(view, shape, out=view)

        stamp(*points[0])
        travelled, after = 0.0, brush.diameter / 10  # of the last dab, and to the next
        for start, stop in pairwise(points):
            length = float(np.abs(stop - start).sum())
            while after <= travelled + length:
                stamp(*(start + (stop - start) / length * (after - travelled)))
                after += brush.diameter / 10
            travelled += length
        return wide[around:-around, around:-around]

    def abandoned(self) -> None:
        self.stroke(BrushStroke.abandon, kept=False)

    def undone_while_open(self) -> None:
        """Undo ends the stroke and takes it back; a stroke that came out as nothing lets undo take what was before."""
        at = self.at
        self.stroke(lambda drawn: None)
        painted = self.at > at
        self.artwork.undo()
        self.at = at if painted else max(0, at - 1)

    def shape(self) -> None:
        rect = self.some_rect()
        path = QPainterPath()
        path.addRect(QRectF(rect)) if self.rng.random() < 0.5 else path.addEllipse(QRectF(rect))
        paint = (add, remove)[self.rng.integers(2)]
        mask_edits.fill(self.artwork, path, paint, name="Shape")
        coverage = mask_edits.path_coverage(path, QRect(0, 0, *self.now.mask.shape[::-1]))
        self.become("Shape", mask=paint(self.now.mask, coverage))

    def fill(self) -> None:
        height, width = self.now.mask.shape
        x, y, tolerance = (int(self.rng.integers(n)) for n in (width, height, 130))
        everywhere = bool(self.rng.random() < 0.5)
        mask_edits.fill_colour(self.artwork, x, y, tolerance, everywhere)
        same = np.abs(self.now.rgb.astype(int) - self.now.rgb[y, x]).max(axis=2) <= tolerance
        same = same if everywhere else flooded(same, x, y)
        self.become("Fill", mask=np.where(same, np.uint8(255), self.now.mask))

    def edge(self) -> None:
        pixels, mask = int(self.rng.integers(1, 5)), self.now.mask
        kind = self.rng.integers(3)
        if kind == 0:
            mask_edits.grow(self.artwork, pixels)
            self.become("Grow mask", mask=most_within(mask, pixels))
        elif kind == 1:
            mask_edits.shrink(self.artwork, pixels)
            self.become("Shrink mask", mask=255 - most_within(255 - mask, pixels))
        else:
            mask_edits.feather(self.artwork, pixels)
            self.become("Feather mask", mask=masks.feather(mask, pixels))

    def whole(self) -> None:
        if self.rng.random() < 0.3:
            mask_edits.clear(self.artwork)
            self.become("Clear mask", mask=np.zeros_like(self.now.mask))
        else:
            mask_edits.invert(self.artwork)
            self.become("Invert mask", mask=255 - self.now.mask)

    def result(self) -> None:
        rect = self.some_rect()
        drawn = self.rng.integers(0, 256, (rect.height(), rect.width(), 3), dtype=np.uint8)
        self.artwork.apply(rect, drawn, "Apply")
        around = np.pad(self.now.rgb, ((120, 120), (120, 120), (0, 0)))
        around[slices(rect.translated(120, 120))] = drawn
        self.become("Apply", rgb=around[120:-120, 120:-120])

    def size(self) -> None:
        height, width = self.now.mask.shape
        left, top = (int(value) for value in self.rng.integers(-15, 16, 2))
        right, bottom = (int(value) for value in self.rng.integers(-15, 16, 2))
        rect = QRect(left, top, width + right - left, height + bottom - top)
        if rect.width() < 40 or rect.height() < 40 or rect.width() > 200 or rect.height() > 200:
            return
        self.artwork.resize(rect)
        y, x = np.mgrid[top : top + rect.height(), left : left + rect.width()]
        old = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        y, x = y.clip(0, height - 1), x.clip(0, width - 1)
        state = State(self.now.rgb[y, x], np.where(old, self.now.mask[y, x], np.uint8(255)))
        if rect != QRect(0, 0, width, height):
            self.states[self.at + 1 :], self.names[self.at :] = [state], ["Canvas size"]
            self.at += 1

    def box(self) -> None:
        """In a hand it is a step, unless it comes back or is taken back; else it is none."""
        before = self.artwork.box
        if self.rng.random() < 0.3:
            self.artwork.box = self.some_rect()
        else:
            move = self.artwork.begin_move("Move the box")
            for _ in range(self.rng.integers(3)):
                move.to(self.some_rect())
            after = self.artwork.box
            if self.rng.random() < 0.3:
                move.abandon()
                assert self.artwork.box == before
            else:
                move.end()
                if after != before:
                    state = State(self.now.rgb, self.now.mask, (before, after))
                    self.states[self.at + 1 :], self.names[self.at :] = [state], ["Move the box"]
                    self.at += 1
        assert self.artwork.rect.contains(self.artwork.box.center()) or min(self.artwork.box.size().toTuple()) <= 2

    def undo(self) -> None:
        moved = self.now.moved
        self.artwork.undo()
        self.at = max(0, self.at - 1)
        assert moved is None or self.artwork.box == moved[0]

    def redo(self) -> None:
        further = self.at < len(self.states) - 1
        self.artwork.redo()
        self.at += further
        moved = self.now.moved if further else None
        assert moved is None or self.artwork.box == moved[1]

    def check(self) -> None:
        artwork = self.artwork
        assert np.array_equal(artwork.mask, self.now.mask)
        assert np.array_equal(artwork.rgb(), self.now.rgb)
        assert (artwork.pixels[..., 3] == 255).all()
        assert np.array_equal(self.screen.mask, artwork.mask), "somebody was not told"
        assert np.array_equal(self.screen.rgb, artwork.rgb()), "somebody was not told"
        assert artwork.undo_text == (self.names[self.at - 1] if self.at else "")
        assert artwork.redo_text == (self.names[self.at] if self.at < len(self.names) else "")
        assert (artwork.can_undo, artwork.can_redo) == (self.at > 0, self.at < len(self.names))


def most_within(mask: Array, pixels: int) -> Array:
    y, x = np.mgrid[-pixels : pixels + 1, -pixels : pixels + 1]
    around = np.pad(mask, pixels)
    disc = np.argwhere(y * y + x * x <= pixels * pixels)
    views = [around[dy : dy + mask.shape[0], dx : dx + mask.shape[1]] for dy, dx in disc]
    return np.max(views, axis=0)


@pytest.mark.parametrize("seed", [0, 1])
def test_500_random_actions_agree_with_a_simple_model(seed: int) -> None:
    plain = Plain(seed)
    often = [plain.stroke] * 6 + [plain.undo] * 5 + [plain.redo] * 4
    rarely = [plain.abandoned, plain.undone_while_open, plain.shape, plain.fill, plain.edge, plain.whole, plain.result,
              plain.size, plain.box]  # fmt: skip
    actions = often + rarely
    for _ in range(ACTIONS):
        actions[plain.rng.integers(len(actions))]()
        plain.check()
    while plain.at:
        plain.undo()
        plain.check()
    while plain.at < len(plain.states) - 1:
        plain.redo()
        plain.check()
