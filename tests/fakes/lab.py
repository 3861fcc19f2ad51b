"""A lab without torch, with the session's own interface: a test lets each model call through, or lets it run."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from engine.jobs.job import Caller, Event, Job
from engine.jobs.lab import (
    ChainEnds,
    Chains,
    Coverage,
    Field,
    FieldView,
    LabCoverage,
    LabFields,
    LabFlow,
    LabRun,
    LabSave,
    LabStep,
    LabWalk,
    Points,
)
from tests.fakes.engine import FakeCancelled, FakeEngine

SIDE, ARROWS = 16, 5
PACE = 0.005  # seconds between two looks at walking chains


class FakeLab(FakeEngine):
    """Pass it as `open_session`: a call returns itself as the session. Its law is always N(0, I).

    by_hand -- each model call waits until allow() gives it a permit; fields and pictures need none
    fault   -- what the next call raises
    views   -- of the computed fields
    levels  -- of the chains
    saved   -- the written pictures
    """

    def __init__(self, by_hand: bool = False) -> None:
        super().__init__(by_hand)
        self.fault: Exception | None = None
        self.views: list[FieldView] = []
        self.levels: list[float] = []
        self.saved: list[tuple[Path, int, str]] = []

    def _answer(self, job: Job, caller: Caller) -> Iterator[Event]:
        does: dict[type, Any] = {
            LabFields: self._fields,
            LabRun: self._run,
            LabWalk: self._chains,
            LabCoverage: self._coverage,
            LabSave: self._save,
        }
        events: Iterator[Event] = does[type(job)](job, caller)
        return events

    def _fields(self, job: LabFields, caller: Caller) -> Iterator[Event]:
        for view in job.views:
            if caller.cancelled():
                raise FakeCancelled
            yield self._field(view)

    def _field(self, view: FieldView) -> Field:
        self.views.append(view)
        at = np.linspace(-view.half, view.half, SIDE)
        r2 = (at[:, None] ** 2 + at**2) / (1 + view.sigma**2)
        shade = np.rint(255 * np.exp(-r2 / 4)).astype(np.uint8)
        cells = np.linspace(-view.half, view.half, ARROWS, dtype=np.float32)
        x, y = np.meshgrid(cells, cells)
        arrows = -np.stack([x, y], -1) * np.float32(view.sigma / (1 + view.sigma**2))
        seen = r2 < 4 * (1 + view.sigma) if view.seen else None
        return Field(view, shade, arrows, seen, _noise(20, 5) if view.seen else None)

    def _run(self, job: LabRun, caller: Caller) -> Iterator[Event]:
        sigmas = job.request.sigmas
        first = x = _noise(job.particles, job.request.seeds[0]) * np.float32(sigmas[0])
        for i, (s, s2) in enumerate(pairwise(sigmas)):
            self._model_call(caller)
            x0 = (x / np.float32(1 + s**2)).astype(np.float32)
            after = (x0 + np.float32(s2 / s) * (x - x0)).astype(np.float32)
            yield LabStep(i, x, x0, after, 1, math.nan if i == 0 else 1 / i)
            x = after
        self._model_call(caller)
        top = math.hypot(1, sigmas[0])
        yield LabFlow(np.stack([first[: job.traced] * np.float32(math.hypot(1, s) / top) for s in sigmas]))

    def _chains(self, job: LabWalk, caller: Caller) -> Iterator[Event]:
        k = 0
        while True:
            yield Chains(_noise(job.particles, job.seed + k))
            time.sleep(PACE)
            self._model_call(caller)
            self.levels.append(caller.live.get("sigma", job.sigma))
            k += 1

    def _coverage(self, job: LabCoverage, caller: Caller) -> Iterator[Event]:
        self._model_call(caller)
        outcomes = tuple(
            ChainEnds(name, _noise(job.particles, k), landed, (0.5, 0.5))
            for k, (name, landed) in enumerate((("One small σ", 0.2), ("Many σ", 0.9)))
        )
        yield Coverage(job.data, (3.0, 0.5, 0.1), (1.0, 0.6, 0.2), (0.7, 0.3), outcomes)

    def _save(self, job: LabSave, caller: Caller) -> Iterator[Event]:
        if self.fault:
            raise self.fault
        self.saved.append((job.path, len(job.frames), job.settings))
        yield from ()

    def _model_call(self, caller: Caller) -> None:
        self._await(caller.cancelled)
        if self.fault:
            raise self.fault


def _noise(n: int, seed: int) -> Points:
    return np.random.default_rng(seed).standard_normal((n, 2)).astype(np.float32)
