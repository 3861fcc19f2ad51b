"""The queue of runs: one at a time; every job ends as finished, cancelled or failed."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from enum import Enum
from itertools import count
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.jobs import waiting
from app.core.jobs.engine import End, Ending, Engine, Task
from app.core.jobs.submission import Submission
from app.core.request.run_costs import Prices
from engine.jobs.encode import Decode, Encode
from engine.jobs.generate import PictureSaved, RunEnded
from engine.jobs.job import Event, Progress
from engine.jobs.load import Applying, Loading
from engine.paths import path_of
from engine.pictures.unsaved import forget

log = logging.getLogger(__name__)


class JobState(str, Enum):
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


class QueuedJob(QObject):
    """A job of the queue and its state, which only the queue changes.

    steps_done, steps_total -- the job's own steps: a fork's begin after its parent's `steps_before`. The total is 0
                               where it is unknown
    share     -- the finished part, 0 … 1
    seconds   -- of its own time so far; finishing -- those from its last step to its pictures
    message   -- why it failed, or a problem of a finished job
    images    -- the saved pictures
    loading   -- the share of its model that is loaded, or of its adapters that is applied; None before and after
    applying  -- the number of adapters that are being applied; 0 before and after
    load_seconds -- that its model took to load; 0 where it was loaded
    """

    told = Signal(list)  # Events
    ended = Signal()

    def __init__(self, id: int, submission: Submission, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.id = id
        self.job, self.request, self.steps_before, self.placement = submission
        self.run_path = submission.run_path
        self.state = JobState.QUEUED
        self.cancelling = False
        self.steps_done = 0
        self.steps_total = 0 if self.flows else len(path_of(self.request)) - self.steps_before
        self.share = self.seconds = self.finishing = 0.0
        self.message = ""
        self.images: list[Path] = []
        self.loading: float | None = None
        self.applying = 0
        self.load_began = self.load_seconds = 0.0

    @property
    def flows(self) -> bool:
        """Whether it follows the probability flow: then it has no fixed number of steps and saves no picture file."""
        return isinstance(self.job, Encode | Decode)

    @property
    def verb(self) -> str:
        """The verb of the job in the status bar."""
        return {Encode: "Encoding", Decode: "Decoding"}.get(type(self.job), "Generating")

    def steps(self, of: str) -> str:
        """Return the present step and the number of all, such as "3 of 20"; one number where the total is unknown."""
        done = str(self.steps_before + self.steps_done)
        return f"{done}{of}{self.steps_before + self.steps_total}" if self.steps_total else done

    @property
    def loading_text(self) -> str:
        """What happens before its first step, such as "Loading the model"; "" where `loading` is None."""
        if self.loading is None:
            return ""
        if self.applying:
            return "Applying the LoRA" if self.applying == 1 else f"Applying {self.applying} LoRAs"
        return "Loading the model"

    @property
    def eta_seconds(self) -> float | None:
        """The remaining time, from its own measured seconds; None before the first step."""
        if self.state is not JobState.RUNNING or not self.share:
            return None
        return self.seconds / self.share * (1 - self.share)


class JobQueue(QObject):
    """Submits jobs to the engine one after another, oldest first, as soon as it is ready."""

    job_added = Signal(object)
    job_changed = Signal(object)
    job_told = Signal(object, list)  # a job and its Events, after its state has changed
    job_ended = Signal(object)

    def __init__(self, engine: Engine, prices: Prices, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine, self._prices = engine, prices
        self._ids = count(1)
        self._waiting: list[QueuedJob] = []
        self._running: QueuedJob | None = None
        self._task: Task | None = None
        self._closing = False
        engine.state_changed.connect(self._advance)

    @property
    def running(self) -> QueuedJob | None:
        return self._running

    def is_writing(self, run: Path) -> bool:
        """Whether the running job writes the run in that file."""
        return self._running is not None and self._running.run_path == run

    @property
    def waiting(self) -> tuple[QueuedJob, ...]:
        return tuple(self._waiting)

    def submit(self, submission: Submission) -> QueuedJob:
        """Queue a job; it begins at once if nothing else runs."""
        job = QueuedJob(next(self._ids), submission, self)
        self._waiting.append(job)
        self.job_added.emit(job)
        self._advance()
        return job

    def cancel(self, job: QueuedJob) -> None:
        """Cancel a job: a waiting one ends at once, a running one before its next model call. Ended jobs stay as they
        are.
        """
        if job is self._running and self._task is not None:
            if not job.cancelling:
                job.cancelling = True
                self._task.cancel()
                self.job_changed.emit(job)
        elif job in self._waiting:
            self._waiting.remove(job)
            self._end(job, JobState.CANCELLED)

    def cancel_all(self, closing: bool = False) -> None:
        """Cancel every job; with `closing` the running one keeps its note and the others are kept (app.core.jobs.
        waiting), so that the next start can do them.
        """
        self._closing = self._closing or closing
        if closing:
            self._keep()
        for job in list(self._waiting):
            self.cancel(job)
        if self._running:
            self.cancel(self._running)

    def _keep(self) -> None:
        """Keep the jobs that have done no step."""
        begun = self._running
        for job in (*([begun] if begun is not None and not begun.steps_done else []), *self._waiting):
            try:
                waiting.keep(Submission(job.job, job.request, job.steps_before))
            except OSError:
                log.exception("a waiting job could not be kept")

    def _advance(self) -> None:
        if self._engine.state in ("failed", "closed"):
            state = JobState.FAILED if self._engine.state == "failed" else JobState.CANCELLED
            while self._waiting:
                self._end(self._waiting.pop(0), state, self._engine.text)
        if self._engine.state != "ready" or self._running or not self._waiting:
            return
        job = self._running = self._waiting.pop(0)
        job.state = JobState.RUNNING
        self.job_changed.emit(job)
        self._task = self._engine.do(job.job, placement=job.placement)
        self._task.told.connect(self._on_events)
        self._task.ended.connect(self._on_ended)

    def _on_events(self, events: Sequence[Event]) -> None:
        job = self._running
        assert job is not None, "a task sends events before it ends"
        for event in events:
            if isinstance(event, Loading):
                if job.loading is None:
                    job.load_began = time.monotonic()
                job.loading = event.share
            if isinstance(event, Applying | Progress) and job.loading is not None and not job.applying:
                job.load_seconds = time.monotonic() - job.load_began
            if isinstance(event, Applying):
                job.loading, job.applying = event.share, event.count
            if isinstance(event, Progress):
                job.loading, job.applying = None, 0
                job.steps_done, job.share, job.seconds = event.done, event.share, event.seconds
                job.steps_total = event.total or job.steps_total
            elif isinstance(event, PictureSaved):
                job.images.append(event.path)
            elif isinstance(event, RunEnded):
                job.seconds, job.finishing = event.seconds + event.finishing, event.finishing
                job.message = event.remark
                self._prices.learn(job.request, event.seconds, job.steps_before, event.finishing)
        if any(isinstance(event, Loading | Applying | Progress | PictureSaved) for event in events):
            self.job_changed.emit(job)
        job.told.emit(events)
        self.job_told.emit(job, events)

    def _on_ended(self, end: End) -> None:
        job, self._running, self._task = self._running, None, None
        assert job is not None, "a task ends once"
        self._end(job, _STATES[end.how], end.sentence)
        self._advance()

    def _end(self, job: QueuedJob, state: JobState, message: str = "") -> None:
        if state is JobState.CANCELLED and not self._closing:
            forget(job.run_path)
        if state is JobState.FAILED:
            job.message = message
        job.state, job.cancelling = state, False
        job.placement = None
        self.job_ended.emit(job)
        job.ended.emit()


_STATES: dict[Ending, JobState] = {
    "finished": JobState.FINISHED,
    "cancelled": JobState.CANCELLED,
    "failed": JobState.FAILED,
}
