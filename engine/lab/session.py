"""LabSession, the lab's interface for the window: requests of `engine.jobs.lab`, answers in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from engine.jobs.lab import Ask, Coverage, Field, Flow, Points, Snapshot, Trial, Walk
from engine.lab import coverage as _coverage
from engine.lab import picture
from engine.lab.coverage import CELLS, LearnedScore
from engine.lab.field import density, plane, score
from engine.lab.model import Law, model
from engine.lab.trial import exact_flow, start, trial, walk
from engine.spec.lab_data import Data

GRID = 128  # cells a side of the density
ARROWS = 21  # a side
LEAST = 0.1  # the least scale of arrows: σ·score would vanish with σ


class LabSession:
    """Computes fields, runs, flows and chains. Not thread-safe. Raises LabError for data that cannot be used.

    `cancelled` is called before each call of the model, and may call field() itself; True raises Cancelled.
    """

    def __init__(self) -> None:
        self._law: tuple[Data, Law, LearnedScore] | None = None  # only the last: each stroke of a drawing makes one

    def field(self, ask: Ask) -> Field:
        law, learned = self._laws(ask.data)
        p = density(law, ask.sigma, ask.half, GRID)
        shade = (255 * (p / p.amax().clamp_min(1e-300)).sqrt()).round().numpy().astype(np.uint8)[::-1].copy()
        arrows = (math.hypot(ask.sigma, LEAST) * score(law, ask.sigma, ask.half, ARROWS)).numpy().astype(np.float32)
        if not ask.seen:
            return Field(ask, shade, arrows)
        near = learned.covers(plane(ask.half, CELLS), ask.sigma).reshape(CELLS, CELLS).numpy()[::-1].copy()
        return Field(ask, shade, arrows, near, _points(learned.noisy_samples(ask.sigma)))

    def run(self, work: Trial, cancelled: Callable[[], bool]) -> Iterator[Snapshot]:
        law, _ = self._laws(work.data)
        before: Tensor | None = None
        for step in trial(law, work.request, work.particles, cancelled):
            x0 = step.move.x0
            change = math.nan if before is None else float((x0 - before).square().mean().sqrt())
            before = x0
            yield Snapshot(step.i, _points(step.x), _points(x0), _points(step.move.x), step.nfe, change)

    def flow(self, work: Trial, cancelled: Callable[[], bool]) -> Flow:
        """Follow the exact flow from the start states of `run`."""
        law, _ = self._laws(work.data)
        x, _ = start(work.request, work.traced)
        return Flow(np.stack([_points(x) for x in exact_flow(law, x, work.request.sigmas, cancelled)]))

    def walk(self, how: Walk, level: Callable[[], float], cancelled: Callable[[], bool]) -> Iterator[Points]:
        law, _ = self._laws(how.data)
        yield from (_points(x) for x in walk(law, how, level, cancelled))

    def coverage(self, data: Data, particles: int, cancelled: Callable[[], bool]) -> Coverage:
        return _coverage.coverage(data, particles, cancelled=cancelled)

    def save(self, path: Path, frames: Sequence[NDArray[np.uint8]], settings: str) -> None:
        picture.save(path, frames, settings)

    def _laws(self, data: Data) -> tuple[Law, LearnedScore]:
        if self._law is None or self._law[0] != data:
            law = model(data)
            self._law = data, law, LearnedScore.of(law)
        return self._law[1:]


def _points(x: Tensor) -> Points:
    return np.asarray(x.numpy(), dtype=np.float32)
