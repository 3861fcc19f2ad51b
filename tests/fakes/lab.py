"""A lab without torch, with the session's own interface: a test lets each model call through, or lets it run."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.jobs.lab import Ask, Coverage, Field, Flow, Outcome, Points, Snapshot, Trial, Walk
from engine.spec.lab_data import Data
from tests.fakes.engine import POLL, FakeCancelled

SIDE, ARROWS = 16, 5


class FakeLab:
    """Give it as `open_lab`: calling it opens the session, which is itself. Its law is N(0, I), whatever is asked.

    by_hand -- each model call waits until allow() gives it a permit
    error   -- what the next call raises
    asked   -- the fields that were asked for; levels -- where the chains walked; saved -- what save() was given
    """

    def __init__(self, by_hand: bool = False) -> None:
        self.error: Exception | None = None
        self.asked: list[Ask] = []
        self.levels: list[float] = []
        self.saved: list[tuple[Path, int, str]] = []
        self._permits = threading.Semaphore(0) if by_hand else None

    def __call__(self) -> FakeLab:
        return self

    def allow(self, calls: int = 1) -> None:
        assert self._permits is not None, "this lab runs by itself"
        self._permits.release(calls)

    def field(self, ask: Ask) -> Field:
        self.asked.append(ask)
        at = np.linspace(-ask.half, ask.half, SIDE)
        r2 = (at[:, None] ** 2 + at**2) / (1 + ask.sigma**2)
        shade = np.rint(255 * np.exp(-r2 / 4)).astype(np.uint8)
        cells = np.linspace(-ask.half, ask.half, ARROWS, dtype=np.float32)
        x, y = np.meshgrid(cells, cells)
        arrows = -np.stack([x, y], -1) * np.float32(ask.sigma / (1 + ask.sigma**2))
        seen = r2 < 4 * (1 + ask.sigma) if ask.seen else None
        return Field(ask, shade, arrows, seen, _noise(20, 5) if ask.seen else None)

    def run(self, work: Trial, cancelled: Callable[[], bool]) -> Iterator[Snapshot]:
        sigmas = work.request.sigmas
        x = _noise(work.particles, work.request.seeds[0]) * np.float32(sigmas[0])
        for i, (s, s2) in enumerate(pairwise(sigmas)):
            self._call(cancelled)
            x0 = (x / np.float32(1 + s**2)).astype(np.float32)
            after = (x0 + np.float32(s2 / s) * (x - x0)).astype(np.float32)
            yield Snapshot(i, x, x0, after, 1, math.nan if i == 0 else 1 / i)
            x = after

    def flow(self, work: Trial, cancelled: Callable[[], bool]) -> Flow:
        self._call(cancelled)
        x = _noise(work.particles, work.request.seeds[0])[: work.traced] * np.float32(work.request.sigmas[0])
        top = math.hypot(1, work.request.sigmas[0])
        return Flow(np.stack([x * np.float32(math.hypot(1, s) / top) for s in work.request.sigmas]))

    def walk(self, how: Walk, level: Callable[[], float], cancelled: Callable[[], bool]) -> Iterator[Points]:
        k = 0
        while True:
            yield _noise(how.particles, how.seed + k)
            self._call(cancelled)
            self.levels.append(level())
            k += 1

    def coverage(self, data: Data, particles: int, cancelled: Callable[[], bool]) -> Coverage:
        self._call(cancelled)
        outcomes = tuple(
            Outcome(name, _noise(particles, k), landed, (0.5, 0.5))
            for k, (name, landed) in enumerate((("One small σ", 0.2), ("Many σ", 0.9)))
        )
        return Coverage(data, (3.0, 0.5, 0.1), (1.0, 0.6, 0.2), (0.7, 0.3), outcomes)

    def save(self, path: Path, frames: Sequence[NDArray[np.uint8]], settings: str) -> None:
        if self.error:
            raise self.error
        self.saved.append((path, len(frames), settings))

    def _call(self, cancelled: Callable[[], bool]) -> None:
        while self._permits is not None and not cancelled() and not self._permits.acquire(timeout=POLL):
            pass
        if cancelled():
            raise FakeCancelled
        if self.error:
            raise self.error


def _noise(n: int, seed: int) -> Points:
    return np.random.default_rng(seed).standard_normal((n, 2)).astype(np.float32)
