"""Jobs and their queue: one run at a time, and every job ends in exactly one of finished, cancelled, failed."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Literal, TypeAlias

from PySide6.QtCore import QObject, Signal

from app.core.jobs.work import Ending, Enlarging, Origin, Outcome, Progress, Snapshot, Work
from app.core.request.run_costs import Prices
from app.core.shown.runs import RunLibrary
from engine.jobs.job import Job as EngineJob
from engine.paths import path_of
from engine.spec.catalog import ModelInfo
from engine.spec.edit import Pixels
from engine.spec.request import Request

EngineState: TypeAlias = Literal["starting", "ready", "failed"]


class Engine(QObject):
    """What the queue needs of an engine. `app.bridge.client.EngineClient` is one."""

    state_changed = Signal()  # state, text
    progressed = Signal(object)  # Progress
    frame_arrived = Signal(object)  # Frame
    ended = Signal(object)  # Outcome, once for each run() call
    enlarged = Signal(object, object, str)  # Enlarging, its picture or None, why there is none; once for each enlarge()
    told = Signal(int, list)  # an errand's number, its news in order
    errand_ended = Signal(int, str)  # why it failed, or ""; once for each do(), after all its news

    state: EngineState = "starting"
    text: str = ""  # the device when ready, the reason when failed
    complaint: str = ""  # why the model asked for at the start could not be loaded

    @abstractmethod
    def run(self, work: Work) -> None:
        """Begin `work`; only while no other runs."""

    @abstractmethod
    def enlarge(self, work: Enlarging) -> None:
        """Have a second stage draw a picture larger, after what runs now."""

    @abstractmethod
    def do(self, errand: EngineJob, quick: bool = False) -> int:
        """Do an errand after those before it, and return its number. Runs do not wait for it: they are done in between.

        quick -- it is done between two steps of whatever goes on, so it must take a few dozen milliseconds at most
        """

    @abstractmethod
    def stop(self, id: int) -> None:
        """Ask an errand to end before its next model call; one that has ended already does not mind."""

    @abstractmethod
    def cancel(self) -> None:
        """Ask the run to stop before its next model call."""

    @abstractmethod
    def show_image(self, index: int) -> None:
        """Which picture of the batch the live frames are of."""

    @abstractmethod
    def set_watched(self, watched: bool) -> None:
        """Whether anybody can see the live frames."""


class JobState(str, Enum):
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(eq=False, slots=True)
class Job:
    """One request on its way. seconds: wall time of the run so far; message: why it failed; images: the saved PNGs.

    steps_done and steps_total count the steps that it makes itself: a fork's begin after its parent's `steps_before`.
    snapshot -- of the artwork, until the run has ended; aims -- pictures that its guides aim at
    """

    id: int
    request: Request
    model: ModelInfo
    run_path: Path
    origin: Origin | None = None
    snapshot: Snapshot | None = None
    aims: tuple[Pixels, ...] = ()
    state: JobState = JobState.QUEUED
    cancelling: bool = False
    steps_done: int = 0
    seconds: float = 0.0
    message: str = ""
    images: list[Path] = field(default_factory=list)

    @property
    def steps_before(self) -> int:
        return self.origin.step if self.origin else 0

    @property
    def steps_total(self) -> int:
        return len(path_of(self.request)) - self.steps_before

    @property
    def eta_seconds(self) -> float | None:
        """What remains of the run, from its own measured seconds per step; None before the first step."""
        if self.state is not JobState.RUNNING or not self.steps_done:
            return None
        return self.seconds / self.steps_done * (self.steps_total - self.steps_done)


class JobQueue(QObject):
    """Runs jobs one after another, oldest first, as soon as the engine is ready."""

    job_added = Signal(object)
    job_changed = Signal(object)
    job_ended = Signal(object)

    def __init__(self, engine: Engine, library: RunLibrary, prices: Prices, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine, self._library, self._prices = engine, library, prices
        self._ids = count(1)
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._work: Work | None = None
        engine.progressed.connect(self._on_progress)
        engine.ended.connect(self._on_ended)
        engine.state_changed.connect(self._advance)

    @property
    def running(self) -> Job | None:
        return self._running

    def is_making(self, run: Path) -> bool:
        """Whether the run in that file is being made now."""
        return self._running is not None and self._running.run_path == run

    @property
    def waiting(self) -> tuple[Job, ...]:
        return tuple(self._waiting)

    def submit(
        self,
        request: Request,
        model: ModelInfo,
        origin: Origin | None = None,
        snapshot: Snapshot | None = None,
        aims: tuple[Pixels, ...] = (),
    ) -> Job:
        """Queue a request; it begins at once where nothing else runs. Raises OSError where the run has no place."""
        job = Job(next(self._ids), request, model, self._library.new_path(request), origin, snapshot, aims)
        self._waiting.append(job)
        self.job_added.emit(job)
        self._advance()
        return job

    def cancel(self, job: Job) -> None:
        """A waiting job ends at once; a running one before its next model call. Ended jobs stay as they are."""
        if job is self._running:
            if not job.cancelling:
                job.cancelling = True
                self._engine.cancel()
                self.job_changed.emit(job)
        elif job in self._waiting:
            self._waiting.remove(job)
            self._end(job, JobState.CANCELLED)

    def cancel_all(self) -> None:
        for job in list(self._waiting):
            self.cancel(job)
        if self._running:
            self.cancel(self._running)

    def _advance(self) -> None:
        if self._engine.state == "failed":
            while self._waiting:
                self._end(self._waiting.pop(0), JobState.FAILED, self._engine.text)
        if self._engine.state != "ready" or self._running or not self._waiting:
            return
        job = self._running = self._waiting.pop(0)
        job.state = JobState.RUNNING
        self.job_changed.emit(job)
        what = job.request, job.model, job.run_path, self._library.pictures, job.origin, job.snapshot, job.aims
        work = Work(job.id, *what)
        self._engine.run(work)

    def _on_progress(self, progress: Progress) -> None:
        job = self._running
        if job and job.id == progress.job:
            job.steps_done, job.seconds = progress.done, progress.seconds
            self.job_changed.emit(job)

    def _on_ended(self, outcome: Outcome) -> None:
        job = self._running
        if job is None or job.id != outcome.job:
            return
        self._running = None
        job.seconds = outcome.seconds + outcome.finishing
        job.images = list(outcome.images)
        if outcome.ending == "finished":
            job.steps_done = job.steps_total
            self._prices.learn(job.request, outcome.seconds, job.steps_before, outcome.finishing)
        self._end(job, _STATES[outcome.ending], outcome.message)
        self._advance()

    def _end(self, job: Job, state: JobState, message: str = "") -> None:
        job.state, job.message, job.cancelling = state, message, False
        job.snapshot = None  # the run file has it
        self.job_ended.emit(job)


_STATES: dict[Ending, JobState] = {
    "finished": JobState.FINISHED,
    "cancelled": JobState.CANCELLED,
    "failed": JobState.FAILED,
}
