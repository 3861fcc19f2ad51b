"""What is given to the queue: a job that makes a run, with facts for the window."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, TypeAlias

from app.core.canvas.placement import Placement
from engine.jobs.encode import Decode, Encode
from engine.jobs.generate import Fork, Generate, Resume
from engine.spec.request import Request

Queueable: TypeAlias = Generate | Fork | Resume | Encode | Decode  # jobs that write a run file


class Submission(NamedTuple):
    """A job for the queue, its request, and facts for the window.

    before    -- the first step of a fork on its own path
    placement -- the place of its pictures on the artwork
    """

    job: Queueable
    request: Request
    before: int = 0
    placement: Placement | None = None

    @property
    def run_path(self) -> Path:
        assert self.job.run_path is not None, "every queued job writes a run file"
        return self.job.run_path
