"""The job that enlarges a finished picture with a model's second stage. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.jobs.job import Event, Job
from engine.spec.edit import Pixels
from engine.spec.request import Request


@dataclass(frozen=True, slots=True, eq=False)
class Enlarged(Event):
    """The large picture, uint8 (H, W, 3)."""

    rgb: Pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Enlarge(Job):
    """Enlarge a picture, uint8 (height, width, 3) of the request's first size, with the request's second stage.

    Sends Enlarged. Raises RequestError for a picture of another size and for a request without a whole second stage,
    ModelError, OutOfMemory, Cancelled.
    """

    kind: ClassVar[str] = "enlarge"

    request: Request
    rgb: Pixels
