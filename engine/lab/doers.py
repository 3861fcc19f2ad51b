"""The doers of engine.jobs.lab: fields, runs, walking chains, coverage, pictures on disk."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from engine.jobs.lab import Chains, Field, LabFlow, LabStep
from engine.lab import picture
from engine.lab.coverage import CELLS, ScoreNearSamples, coverage
from engine.lab.field import density, plane, score
from engine.lab.model import Law
from engine.lab.trial import exact_flow, start, trial, walk
from engine.run import Cancelled

if TYPE_CHECKING:
    from engine.jobs.job import Caller, Event
    from engine.jobs.lab import FieldView, LabCoverage, LabFields, LabRun, LabSave, LabWalk, Points
    from engine.session import Session

GRID = 128  # cells a side of the density
ARROWS = 21  # a side
LEAST = 0.1  # the least scale of arrows: σ·score would vanish with σ
NAP = 0.004  # seconds between two questions whether to stop, while chains stand still


def fields(job: LabFields, session: Session, caller: Caller) -> Iterator[Event]:
    for view in job.views:
        if caller.cancelled():
            raise Cancelled
        yield _field(view, *session.laws.of(view.data))


def run(job: LabRun, session: Session, caller: Caller) -> Iterator[Event]:
    law, _ = session.laws.of(job.data)
    before: Tensor | None = None
    for step in trial(law, job.request, job.particles, caller.cancelled):
        x0 = step.move.x0
        change = math.nan if before is None else float((x0 - before).square().mean().sqrt())
        before = x0
        yield LabStep(step.i, _points(step.x), _points(x0), _points(step.move.x), step.nfe, change)
    x, _ = start(job.request, job.traced)
    yield LabFlow(np.stack([_points(x) for x in exact_flow(law, x, job.request.sigmas, caller.cancelled)]))


def chains(job: LabWalk, session: Session, caller: Caller) -> Iterator[Event]:
    """A look at a time, at a pace that the eye can follow."""
    law, _ = session.laws.of(job.data)
    began = time.perf_counter()
    for x in walk(law, job, lambda: caller.live.get("sigma", job.sigma), caller.cancelled):
        yield Chains(_points(x))
        while time.perf_counter() - began < 1 / job.rate and not caller.cancelled():
            time.sleep(NAP)
        began = time.perf_counter()


def measure(job: LabCoverage, session: Session, caller: Caller) -> Iterator[Event]:
    yield coverage(job.data, job.particles, cancelled=caller.cancelled)


def save(job: LabSave, session: Session, caller: Caller) -> Iterator[Event]:
    picture.save(job.path, job.frames, job.settings)
    yield from ()


def _field(view: FieldView, law: Law, partial: ScoreNearSamples) -> Field:
    p = density(law, view.sigma, view.half, GRID)
    shade = (255 * (p / p.amax().clamp_min(1e-300)).sqrt()).round().numpy().astype(np.uint8)[::-1].copy()
    arrows = (math.hypot(view.sigma, LEAST) * score(law, view.sigma, view.half, ARROWS)).numpy().astype(np.float32)
    if not view.seen:
        return Field(view, shade, arrows)
    near = partial.covers(plane(view.half, CELLS), view.sigma).reshape(CELLS, CELLS).numpy()[::-1].copy()
    return Field(view, shade, arrows, near, _points(partial.noisy_samples(view.sigma)))


def _points(x: Tensor) -> Points:
    return np.asarray(x.numpy(), dtype=np.float32)
