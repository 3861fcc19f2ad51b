"""The second stage of a running job: how far it is, and the time that it still takes."""

from __future__ import annotations

from engine.jobs.generate import Enlarging
from engine.spec.cost import enlargement_passes, work
from engine.spec.request import Request

DEARER = 1.5  # seconds of a pass of the second stage for each of the first, where none was measured: the emoji model's


class SecondStage:
    """One job's. Before it begins, its time is the measured one, or a guess from the time of the steps.

    done, total -- calls of its net; the total is 0 before it begins
    """

    def __init__(self, request: Request, first_step: int, measured: float | None) -> None:
        """`first_step` of the path is the job's first; `measured` are the seconds of earlier runs, None without any."""
        self.done = self.total = 0
        self._measured = measured
        passes = sum(work(request)[first_step:])
        self._ratio = DEARER * enlargement_passes(request) / passes if passes else 0.0
        self._began = self._now = 0.0

    @property
    def running(self) -> bool:
        return self.total > 0

    @property
    def text(self) -> str:
        return f"Enlarging {min(self.done + 1, self.total)} of {self.total}"

    def advance(self, event: Enlarging) -> None:
        if not self.running:
            self._began = event.seconds
        self.done, self.total, self._now = event.done, event.total, event.seconds

    def left(self, steps: float) -> float:
        """The seconds that it still takes, where all steps of the job take `steps` seconds."""
        if self.done:
            return (self._now - self._began) / self.done * (self.total - self.done)
        return self._ratio * steps if self._measured is None else self._measured
