"""Lineage: a run together with the parent steps that it was forked from, read from several files as one run."""

from __future__ import annotations

import math
from collections import OrderedDict
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
KEPT_SHARP = 64  # decoded steps; at 1024 pixels a side that is 200 MB


@dataclass(frozen=True, slots=True)
class Parent:
    """The parent of a fork: the run's file, the step from which the fork continues, and the parent's request.

    share -- the parent's picture from which all pictures of the fork started, or None
    """

    path: Path
    step: int
    share: int | None
    request: Request


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Steps first … of the lineage, read from one file.

    images -- the picture of that file for each picture of the shown run; None: the same
    """

    reader: RunReader
    first: int
    images: tuple[int, ...] | None


class Lineage:
    """Reads like a RunReader; steps before the fork come from the parent's file, and so on up to pure noise.

    If a parent is gone or damaged, the lineage begins there: `inherited` is then smaller than the fork's step. Raises
    StoreError where the run's own file cannot be read.

    steps     -- of the whole lineage, oldest first
    inherited -- the number of them in parents' files
    calls     -- the model calls up to and including each step (see engine.spec.cost)
    parent    -- the parent of the run; None for a run from pure noise, or if that file cannot be read
    """

    def __init__(self, path: Path) -> None:
        self.own = RunReader(path)
        self.steps: list[StepInfo] = []
        self.calls: list[int] = []
        self.parent: Parent | None = None
        self._sharp: OrderedDict[tuple[int, int], NDArray[np.uint8]] = OrderedDict()
        self._tiny: set[tuple[int, int]] = set()  # of them those that are only previews, by a TAESD
        self._stretches: list[_Stretch] = []
        older = self._ancestors()
        for reader, images, until in reversed(older):
            self._stretches.append(_Stretch(reader, len(self.steps), images))
            for info in reader.steps:
                if info.i < until:
                    self._add(info, reader.request)
        self.inherited = len(self.steps)
        self._stretches.append(_Stretch(self.own, self.inherited, None))
        followed = "flow" in self.own.header  # a solver chooses its own steps: their number is unknown
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
        """The first step in the run's own file: 0, or the step of the fork."""
        forked = self.own.header.get("parent")
        return own_start(forked) if forked else 0

    @property
    def total(self) -> int:
        """The number of steps of the whole lineage, done and planned."""
        return max(len(self.steps), self.inherited + len(self._planned) - self.start)

    @property
    def levels(self) -> list[float]:
        """σ of every step of the lineage, done and planned."""
        return [step.s for step in self.steps] + self._ahead[self.start + len(self.own.steps) :]

    @property
    def planned(self) -> tuple[int, ...]:
        """The model calls of each planned step."""
        return self._planned[self.start + len(self.own.steps) :]

    def poll(self) -> bool:
        """Read the steps appended since the last call. Return True if there were any."""
        news = self.own.poll()
        self._take()
        return news

    def place(self, k: int) -> tuple[Path, int]:
        """Return the file that holds step k of the lineage, and the step's index in it."""
        stretch = self._stretch(k)
        return stretch.reader.path, k - stretch.first

    def request_at(self, k: int) -> Request:
        """Return the request of the run that made step k."""
        return self._stretch(k).reader.request

    def parent_at(self, k: int) -> dict[str, Any] | None:
        """Return the "parent" entry of the file that holds step k."""
        parent: dict[str, Any] | None = self._stretch(k).reader.header.get("parent")
        return parent

    def flows(self, k: int) -> bool:
        """Whether step k follows the flow, with a solver that chooses its own steps."""
        return "flow" in self._stretch(k).reader.header

    def encodes(self, k: int) -> bool:
        """Whether step k is the last one of an encoding."""
        stretch = self._stretch(k)
        return is_encoding(stretch.reader) and k - stretch.first == len(stretch.reader.steps) - 1

    def image_in(self, k: int, image: int) -> int:
        """Return the index of the shown run's `image` in the file that holds step k."""
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
        """Return the finished pictures of a second stage or of a decoder; None without one."""
        return self.own.picture()

    def sharp(self, k: int, image: int) -> NDArray[np.uint8] | None:
        """Return the decoded x̂₀ of a latent run, (H, W, 3): the finished picture, or one of keep_sharp(); else None."""
        if k == len(self.steps) - 1 and (finished := self.picture()) is not None:
            return finished[image]
        return self._sharp.get((k, image))

    def is_coarse(self, k: int, image: int) -> bool:
        """Whether x̂₀ of step k can only be shown as a preview: it is a latent, and the model has not decoded it."""
        if not self._stretch(k).reader.latent or ((k, image) in self._sharp and (k, image) not in self._tiny):
            return False
        return not (self.own.has_picture and k == len(self.steps) - 1)

    def keep_sharp(self, k: int, image: int, rgb: NDArray[np.uint8], tiny: bool = False) -> None:
        """Keep the decoded x̂₀ of a step, (H, W, 3); of the last KEPT_SHARP.

        tiny -- whether a TAESD decoded it: it is shown, and never saved
        """
        (self._tiny.add if tiny else self._tiny.discard)((k, image))
        self._sharp[k, image] = rgb
        self._sharp.move_to_end((k, image))
        while len(self._sharp) > KEPT_SHARP:
            self._sharp.popitem(last=False)

    def preview(self, x0: Array) -> Array:
        return np.asarray(self.own.preview(x0), np.float32)

    def _array(self, name: str, k: int) -> Array:
        stretch = self._stretch(k)
        array: Array = getattr(stretch.reader, name)(k - stretch.first)
        return array if stretch.images is None else array[list(stretch.images)]

    def _stretch(self, k: int) -> _Stretch:
        return next(stretch for stretch in reversed(self._stretches) if stretch.first <= k)

    def _ancestors(self) -> list[tuple[RunReader, tuple[int, ...] | None, int]]:
        """Return (file, pictures, the step up to which its steps count) of each parent, the nearest first."""
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
            step = int(forked["step"])  # with "at", older files count their own steps only
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
        """Return the RMS of x̂₀ minus the parent's last x̂₀, which the file of a fork does not have."""
        try:
            return float(np.sqrt(np.mean((self.own.x0(0) - self.x0(self.inherited - 1)) ** 2)))
        except (ValueError, OSError):
            return float("nan")
