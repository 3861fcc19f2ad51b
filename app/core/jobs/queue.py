"""The queue of runs: one at a time, in an order that the user changes; every job ends as finished, cancelled or failed.

A run can be paused: it stops before its next model call, and its steps stay in its file. Resumed, it continues there
(engine.jobs.generate.Resume) and gives the same bits as a run that was never paused.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from app.core.jobs.engine import End, Ending, Engine, Task
from app.core.jobs.second_stage import SecondStage
from app.core.jobs.submission import Submission
from app.core.request.run_costs import Prices
from engine.errors import EngineError, why
from engine.jobs.encode import Decode, Encode
from engine.jobs.generate import Enlarging, PictureSaved, Resume, RunEnded
from engine.jobs.job import Event, Progress
from engine.jobs.load import Applying, Loading
from engine.paths import path_of
from engine.pictures.unsaved import forget
from engine.store import RunReader

NO_PAUSE = "An encoding cannot pause: cancel it, or let it end."


class JobState(str, Enum):
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED)


class QueuedJob(QObject):
    """A job of the queue and its state, which only the queue changes.

    steps_done, steps_total -- the job's own steps: a fork's begin after its parent's `steps_before`. The total is 0
                               where it is unknown
    share     -- the finished part of its steps, 0 … 1; whole_share -- of its time, with the second stage: never less
                 than before
    second    -- its second stage; None without one
    seconds   -- of its own time so far; finishing -- those from its last step to its pictures
    pausing   -- it stops to pause: "run" if the user paused it alone, "queue" if the whole queue
    held      -- it is paused only because the studio was closed: the user did not pause it
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
        self.id, self.submission = id, submission
        self.job, self.request, self.steps_before, self.placement = submission
        self.run_path = submission.run_path
        self.state = JobState.QUEUED
        self.pausing: Literal["", "run", "queue"] = ""
        self.held = False
        self.cancelling = False
        self.steps_done = 0
        self.steps_total = 0 if self.flows else len(path_of(self.request)) - self.steps_before
        self.share = self.whole_share = self.seconds = self.finishing = 0.0
        self._kept_steps, self._kept_share, self._kept_seconds = 0, 0.0, 0.0  # before it was paused
        self.second: SecondStage | None = None
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
        """The remaining time, from the measured seconds since it began or was resumed; None before the next step."""
        share = (self.share - self._kept_share) / (1 - self._kept_share) if self._kept_share < 1 else 0.0
        enlarges = self.second is not None and self.second.running  # alone, where it was paused after its last step
        if self.state is not JobState.RUNNING or (share <= 0 and not enlarges):
            return None
        steps = (self.seconds - self._kept_seconds) / share if share > 0 else 0.0
        return steps * (1 - share) + (self.second.left(steps) if self.second else 0.0)

    @property
    def why_no_pause(self) -> str:
        """Why it cannot be paused, in one sentence; "" when it can."""
        if self.state.ended:
            return "This run has ended."
        return NO_PAUSE if self.flows and self.state is JobState.RUNNING else ""

    @property
    def started_at(self) -> int:
        """The first step of its path since it began or was resumed."""
        return self.steps_before + self._kept_steps

    def advance(self, event: Progress) -> None:
        """Take the progress of the part since it began or was resumed."""
        if event.total and not self._kept_steps:
            self.steps_total = event.total
        self.steps_done = self._kept_steps + event.done
        self.share = self._kept_share + (1 - self._kept_share) * event.share
        self.seconds = self._kept_seconds + event.seconds

    def enlarge(self, event: Enlarging) -> None:
        """Take the progress of its second stage."""
        if self.second is not None:
            self.second.advance(event)
        self.seconds = self._kept_seconds + event.seconds

    def finish(self, event: RunEnded) -> None:
        """Take the times of the finished run."""
        self.seconds, self.finishing = self._kept_seconds + event.seconds + event.finishing, event.finishing
        self.message = event.remark

    def continue_later(self, steps: int) -> None:
        """Keep the steps that its run file holds, up to step `steps` of its path; it goes on there."""
        assert not isinstance(self.job, Encode | Decode)
        if not isinstance(self.job, Resume):
            self.job = Resume(run_path=self.run_path, pictures=self.job.pictures, text=self.job.text)
        self.steps_done = self._kept_steps = steps - self.steps_before
        self.share = self._kept_share = self.steps_done / self.steps_total if self.steps_total else self.share
        self._kept_seconds = self.seconds

    @property
    def stage_text(self) -> str:
        """What it does now: "Step 3 of 20", "Enlarging 3 of 12"."""
        return self.second.text if self.second and self.second.running else f"Step {self.steps(' of ')}"

    def measure_share(self) -> None:
        """Bring `whole_share` up to date."""
        left = self.eta_seconds
        share = self.share if left is None else self.seconds / max(self.seconds + left, 1e-9)
        self.whole_share = max(self.whole_share, share)


class JobQueue(QObject):
    """Submits jobs to the engine one after another, in their order, as soon as it is ready and nothing is paused.

    closing -- emitted before every job is cancelled because the studio closes: a listener can still read the queue
    """

    job_added = Signal(object)
    job_changed = Signal(object)
    job_told = Signal(object, list)  # a job and its Events, after its state has changed
    job_stopped = Signal(object)  # it was running and is paused now; emitted after job_changed
    job_ended = Signal(object)
    order_changed = Signal()  # the order of the waiting jobs, or whether the queue is paused
    closing = Signal()

    def __init__(self, engine: Engine, prices: Prices, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine, self._prices = engine, prices
        self._ids = count(1)
        self._waiting: list[QueuedJob] = []  # paused ones too
        self._running: QueuedJob | None = None
        self._task: Task | None = None
        self._closing = self._paused = False
        engine.state_changed.connect(self._on_engine)

    @property
    def running(self) -> QueuedJob | None:
        return self._running

    def is_writing(self, run: Path) -> bool:
        """Whether the running job writes the run in that file."""
        return self._running is not None and self._running.run_path == run

    @property
    def waiting(self) -> tuple[QueuedJob, ...]:
        """The jobs that are to come, in their order; paused ones too."""
        return tuple(self._waiting)

    def submit(self, submission: Submission, state: JobState = JobState.QUEUED, held: bool = False) -> QueuedJob:
        """Queue a job; it begins at once if nothing else runs. With state PAUSED it waits for resume()."""
        job = QueuedJob(next(self._ids), submission, self)
        job.state, job.held = state, held
        self._waiting.append(job)
        self.job_added.emit(job)
        self._advance()
        return job

    # the order

    def move(self, job: QueuedJob, index: int) -> None:
        """Move a waiting job to place `index` among those that wait; another job stays where it is."""
        if job in self._waiting and self._waiting.index(job) != index:
            self._waiting.remove(job)
            self._waiting.insert(max(0, index), job)
            self.order_changed.emit()

    def run_next(self, job: QueuedJob) -> None:
        """Put a waiting or paused job before all others that wait, and resume it."""
        self.move(job, 0)
        self.resume(job)

    # pausing

    @property
    def paused(self) -> bool:
        """Whether the whole queue is paused: no job begins."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        """Pause the queue and its running job, or resume both."""
        if paused == self._paused:
            return
        self._paused = paused
        if paused and self._running is not None:
            self._stop_to_pause(self._running, "queue")
        self.order_changed.emit()
        self._advance()

    def pause(self, job: QueuedJob) -> None:
        """Pause one job until resume(). A running one stops before its next model call; one that encodes goes on."""
        if job is self._running:
            self._stop_to_pause(job, "run")
        elif job.state is JobState.QUEUED or job.held:
            job.state, job.held = JobState.PAUSED, False
            self.job_changed.emit(job)

    def resume(self, job: QueuedJob) -> None:
        """Let a paused job go on when its turn comes."""
        if job is self._running and job.pausing:
            job.pausing = "queue"  # it has been stopped: it waits first in the queue
            self.job_changed.emit(job)
        elif job.state is JobState.PAUSED:
            job.state, job.held = JobState.QUEUED, False
            self.job_changed.emit(job)
            self._advance()

    def _stop_to_pause(self, job: QueuedJob, why: Literal["run", "queue"]) -> None:
        if self._task is None or job.cancelling or job.why_no_pause:
            return
        if not job.pausing:
            self._task.cancel()
        job.pausing = "run" if "run" in (job.pausing, why) else why
        self.job_changed.emit(job)

    # cancelling

    def cancel(self, job: QueuedJob) -> None:
        """Cancel a job: a waiting one ends at once, a running one before its next model call. Ended jobs stay as they
        are.
        """
        if job is self._running and self._task is not None:
            if not job.cancelling:
                job.cancelling, job.pausing = True, ""
                self._task.cancel()
                self.job_changed.emit(job)
        elif job in self._waiting:
            self._waiting.remove(job)
            self._end(job, JobState.CANCELLED)

    def cancel_all(self, closing: bool = False) -> None:
        """Cancel every job; with `closing` the notes of begun runs stay, so that the next start can finish them."""
        if closing and not self._closing:
            self.closing.emit()
            self._closing = True
        for job in list(self._waiting):
            self.cancel(job)
        if self._running:
            self.cancel(self._running)

    def _on_engine(self) -> None:
        if self._engine.state == "ready":
            self._prices.device = self._engine.text
        self._advance()

    def _advance(self) -> None:
        if self._engine.state in ("failed", "closed"):
            state = JobState.FAILED if self._engine.state == "failed" else JobState.CANCELLED
            while self._waiting:
                self._end(self._waiting.pop(0), state, self._engine.text)
        job = next((job for job in self._waiting if job.state is JobState.QUEUED), None)
        if self._engine.state != "ready" or self._running or self._paused or self._closing or job is None:
            return
        self._waiting.remove(job)
        self._running, job.state = job, JobState.RUNNING
        if job.request.enlargement is not None and not job.flows:
            job.second = SecondStage(job.request, job.started_at, self._prices.finishing(job.request))
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
                job.advance(event)
            elif isinstance(event, Enlarging):
                job.enlarge(event)
            elif isinstance(event, PictureSaved):
                job.images.append(event.path)
            elif isinstance(event, RunEnded):
                self._prices.learn(job.request, event.seconds, job.started_at, event.finishing)
                job.finish(event)
        job.measure_share()
        if any(isinstance(event, Loading | Applying | Progress | Enlarging | PictureSaved) for event in events):
            self.job_changed.emit(job)
        job.told.emit(events)
        self.job_told.emit(job, events)

    def _on_ended(self, end: End) -> None:
        job, self._running, self._task = self._running, None, None
        assert job is not None, "a task ends once"
        if end.how == "cancelled" and job.pausing and not job.cancelling and not self._closing:
            self._set_aside(job)
        else:
            self._end(job, _STATES[end.how], end.sentence)
        self._advance()

    def _set_aside(self, job: QueuedJob) -> None:
        """Put the job that has stopped to pause first in the queue; a run that has done no step begins anew."""
        if job.run_path.exists():
            try:
                steps = RunReader(job.run_path).steps
            except (EngineError, OSError, MemoryError) as error:
                self._end(job, JobState.FAILED, f"This run cannot be continued: {why(error)}")
                return
            if steps:
                job.continue_later(steps[-1].i + 1)
        job.state = JobState.PAUSED if job.pausing == "run" else JobState.QUEUED
        job.pausing, job.loading, job.applying = "", None, 0
        self._waiting.insert(0, job)
        self.job_changed.emit(job)
        self.job_stopped.emit(job)
        self.order_changed.emit()

    def _end(self, job: QueuedJob, state: JobState, message: str = "") -> None:
        if state is JobState.CANCELLED and not self._closing:
            forget(job.run_path)
        if state is JobState.FAILED:
            job.message = message
        job.state, job.cancelling, job.pausing, job.held = state, False, "", False
        job.placement = None
        self.job_ended.emit(job)
        job.ended.emit()


_STATES: dict[Ending, JobState] = {
    "finished": JobState.FINISHED,
    "cancelled": JobState.CANCELLED,
    "failed": JobState.FAILED,
}
