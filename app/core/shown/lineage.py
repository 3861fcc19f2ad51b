"""A run with the steps that it was forked from: one way from noise to picture, whichever files it lies in."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.shown.runs import SUFFIX
from engine.jobs.encode import is_encoding, own_start
from engine.paths import path_of
from engine.spec.cost import passes, passes_of
from engine.spec.request import Request
from engine.store import RunReader, StepInfo

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Parent:
    """What a run was forked from: that run's file, the step that it goes on from, and what was asked of that run.

    share -- the picture of it that all pictures of the fork started from, or None
    """

    path: Path
    step: int
    share: int | None
    request: Request


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Steps first … of the way, read from one file.

    images -- which picture of that file each picture of the shown run was; None: the same
    """

    reader: RunReader
    first: int
    images: tuple[int, ...] | None


class Lineage:
    """Reads as a RunReader does; steps before the fork come from the parent's file, and so on up to pure noise.

    A parent that is gone or damaged ends the way there: `inherited` is then smaller than the fork's step. Raises
    StoreError where the run's own file cannot be read.

    steps     -- of the whole way, oldest first
    inherited -- how many of them the parents made
    calls     -- the model calls up to and with each step (see engine.spec.cost)
    parent    -- what it was forked from, None for a run from pure noise or where that file cannot be read
    """

    def __init__(self, path: Path) -> None:
        self.own = RunReader(path)
        self.steps: list[StepInfo] = []
        self.calls: list[int] = []
        self.parent: Parent | None = None
        self._stretches: list[_Stretch] = []
        older = self._ancestors()
        for reader, images, until in reversed(older):
            self._stretches.append(_Stretch(reader, len(self.steps), images))
            for info in reader.steps:
                if info.i < until:
                    self._add(info, reader.request)
        self.inherited = len(self.steps)
        self._stretches.append(_Stretch(self.own, self.inherited, None))
        followed = "flow" in self.own.header  # by a solver that chooses its own steps: nobody knows how many
        self._planned = () if followed else passes(self.own.request)
        self._ahead = [] if followed else [hop.s for hop in path_of(self.own.request)]
        self._take()

    @property
    def request(self) -> Request:
        return self.own.request

    @property
    def header(self) -> dict[str, Any]:
        return self.own.header

    @property
    def ended(self) -> str | None:
        return self.own.ended

    @property
    def start(self) -> int:
        """The step that the run's own file begins with: 0, or where it was forked."""
        forked = self.own.header.get("parent")
        return own_start(forked) if forked else 0

    @property
    def total(self) -> int:
        """Steps of the whole way, done and still to come."""
        return max(len(self.steps), self.inherited + len(self._planned) - self.start)

    @property
    def levels(self) -> list[float]:
        """σ of every step of the way, done and still to come."""
        return [step.s for step in self.steps] + self._ahead[self.start + len(self.own.steps) :]

    @property
    def planned(self) -> tuple[int, ...]:
        """The model calls of the steps still to come."""
        return self._planned[self.start + len(self.own.steps) :]

    def poll(self) -> bool:
        """Take up what was appended since. True if anything was."""
        news = self.own.poll()
        self._take()
        return news

    def place(self, k: int) -> tuple[Path, int]:
        """The file that holds step k of the way, and the step's index in it."""
        stretch = self._stretch(k)
        return stretch.reader.path, k - stretch.first

    def made_by(self, k: int) -> Request:
        """What was asked of the run that made step k."""
        return self._stretch(k).reader.request

    def forked_from(self, k: int) -> dict[str, Any] | None:
        """The "parent" of the file that holds step k."""
        parent: dict[str, Any] | None = self._stretch(k).reader.header.get("parent")
        return parent

    def flows(self, k: int) -> bool:
        """Whether step k followed the flow, by a solver that chose its own steps."""
        return "flow" in self._stretch(k).reader.header

    def encodes(self, k: int) -> bool:
        """Whether step k is the last one of a picture's way up to its noise."""
        stretch = self._stretch(k)
        return is_encoding(stretch.reader) and k - stretch.first == len(stretch.reader.steps) - 1

    def image_in(self, k: int, image: int) -> int:
        """Which picture of the file that holds step k the shown run's `image` was."""
        images = self._stretch(k).images
        return image if images is None else images[image]

    def x(self, k: int) -> Array:
        return self._array("x", k)

    def x0(self, k: int) -> Array:
        return self._array("x0", k)

    def x0_raw(self, k: int) -> Array:
        return self._array("x0_raw", k)

    def eps(self, k: int) -> Array:
        return self._array("eps", k)

    def picture(self) -> NDArray[np.uint8] | None:
        """The finished pictures, where a second stage made them larger than the steps show."""
        return self.own.picture()

    def preview(self, x0: Array) -> Array:
        return np.asarray(self.own.preview(x0), np.float32)

    def _array(self, name: str, k: int) -> Array:
        stretch = self._stretch(k)
        array: Array = getattr(stretch.reader, name)(k - stretch.first)
        return array if stretch.images is None else array[list(stretch.images)]

    def _stretch(self, k: int) -> _Stretch:
        return next(stretch for stretch in reversed(self._stretches) if stretch.first <= k)

    def _ancestors(self) -> list[tuple[RunReader, tuple[int, ...] | None, int]]:
        """(file, pictures, the step up to which its steps count) of each parent, the nearest first."""
        found: list[tuple[RunReader, tuple[int, ...] | None, int]] = []
        reader, images, seen = self.own, None, {self.own.path.stem}
        until: int | None = None
        while forked := reader.header.get("parent"):
            share = forked.get("image")
            images = images if share is None else (int(share),) * len(self.request.seeds)
            path = reader.path.with_name(f"{forked['run']}{SUFFIX}")
            if path.stem in seen:
                break
            seen.add(path.stem)
            try:
                reader = RunReader(path)
            except (ValueError, OSError):
                break
            step = int(forked["step"])  # where "at" is said too, older files count their steps by themselves
            until = step if until is None or "at" in forked else min(until, step)
            if not found:
                self.parent = Parent(path, until, None if share is None else int(share), reader.request)
            found.append((reader, images, until))
        return found

    def _take(self) -> None:
        for info in self.own.steps[len(self.steps) - self.inherited :]:
            if len(self.steps) == self.inherited and self.inherited and math.isnan(info.change):
                info = replace(info, change=self._change_at_fork())
            self._add(info, self.request)

    def _add(self, info: StepInfo, request: Request) -> None:
        self.steps.append(info)
        before = self.calls[-1] if self.calls else 0
        self.calls.append(before + passes_of(request, info.s, info.nfe))

    def _change_at_fork(self) -> float:
        """RMS of x̂₀ against the parent's last: the file of a fork cannot know it."""
        try:
            return float(np.sqrt(np.mean((self.own.x0(0) - self.x0(self.inherited - 1)) ** 2)))
        except (ValueError, OSError):
            return float("nan")
