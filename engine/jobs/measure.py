"""A job that measures how long a call of a net takes on this device, for the price of runs. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.jobs.job import Event, Job
from engine.spec.request import Request


@dataclass(frozen=True, slots=True)
class CallMeasured(Event):
    """seconds -- of a call of the net with all rows of the batch
    second     -- of a call of the second stage's net for one picture; 0 without a second stage
    """

    seconds: float
    second: float = 0.0


@dataclass(frozen=True, slots=True)
class MeasureCalls(Job):
    """Time the net as a run of `request` calls it, and send CallMeasured. Nothing is saved.

    request -- with a sampler of one call for each step, such as DDIM, and at least 2 steps. Every step is done: give it
               few. The first one is not timed

    Raises the errors of Generate.
    """

    kind: ClassVar[str] = "measure-calls"

    request: Request
