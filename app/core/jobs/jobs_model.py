"""JobsModel: the jobs of this session and the state of the engine, for the window."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject, Signal

from app.core.jobs.engine import Engine, EngineState, Task
from app.core.jobs.queue import JobQueue, JobState, QueuedJob
from app.core.jobs.submission import Submission
from app.core.notices import Notice
from app.core.request.run_costs import in_words
from engine.errors import EngineError
from engine.jobs.job import Job


class JobsModel(QObject):
    """The jobs, the progress of the running one, and whether the engine is ready."""

    added = Signal(object)  # a QueuedJob; emitted before `changed`
    told = Signal(object, list)  # the running job and its Events; emitted after `changed`
    stopped = Signal(object)  # a QueuedJob that was running and is paused now
    ended = Signal(object)  # a QueuedJob; emitted before `changed`
    job_changed = Signal(object)  # the state or the progress of one QueuedJob; emitted before `changed`
    listed = Signal()  # a job came or went, or the order is another one; emitted before `changed`
    changed = Signal()
    engine_changed = Signal()
    notice_raised = Signal(object)

    def __init__(self, engine: Engine, queue: JobQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine, self._queue = engine, queue
        self._jobs: list[QueuedJob] = []
        engine.state_changed.connect(self._on_engine)
        queue.job_added.connect(self._on_added)
        queue.job_changed.connect(self._on_changed)
        queue.job_told.connect(self.told)
        queue.job_stopped.connect(self.stopped)
        queue.order_changed.connect(self._on_order)
        queue.job_ended.connect(self._on_ended)

    # the jobs

    @property
    def all(self) -> list[QueuedJob]:
        """This session's jobs, oldest first; without those that were removed."""
        return list(self._jobs)

    @property
    def rows(self) -> list[QueuedJob]:
        """All jobs as a list shows them: the running one, those to come in their order, the ended ones newest first."""
        running = [self._queue.running] if self._queue.running else []
        return [*running, *self._queue.waiting, *(job for job in reversed(self._jobs) if job.state.ended)]

    @property
    def waiting(self) -> tuple[QueuedJob, ...]:
        """The jobs that are to come, in their order; paused ones too."""
        return self._queue.waiting

    @property
    def running(self) -> QueuedJob | None:
        return self._queue.running

    @property
    def steps_done(self) -> int:
        return self.running.steps_done if self.running else 0

    @property
    def steps_total(self) -> int:
        return self.running.steps_total if self.running else 0

    @property
    def eta_seconds(self) -> float | None:
        """The remaining time of the running job; None without a running job or before its first step."""
        return self.running.eta_seconds if self.running else None

    @property
    def eta_text(self) -> str:
        return "" if self.eta_seconds is None else in_words(self.eta_seconds)

    def submit(
        self, make: Callable[[], Submission], state: JobState = JobState.QUEUED, held: bool = False
    ) -> QueuedJob | None:
        """Queue the job that `make` returns, as JobQueue.submit; None, with a notice, if it raises EngineError or
        OSError.
        """
        try:
            return self._queue.submit(make(), state, held)
        except EngineError as error:
            self.notice_raised.emit(Notice("error", str(error)))
        except OSError as error:
            self.notice_raised.emit(Notice("error", f"A new run cannot be saved: {error}"))
        return None

    def cancel_job(self, job: QueuedJob) -> None:
        self._queue.cancel(job)

    def cancel(self) -> None:
        """Cancel the running job or, if none runs, the newest waiting one. Finished steps are kept."""
        job = self._queue.running or next(reversed(self._queue.waiting), None)
        if job:
            self._queue.cancel(job)

    def cancel_all(self, closing: bool = False) -> None:
        """Stop every job; with `closing` the next start offers to finish the running one."""
        self._queue.cancel_all(closing)

    # the order, and pausing

    @property
    def paused(self) -> bool:
        """Whether the whole queue is paused."""
        return self._queue.paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._queue.paused = paused

    def move(self, job: QueuedJob, index: int) -> None:
        self._queue.move(job, index)

    def run_next(self, job: QueuedJob) -> None:
        self._queue.run_next(job)

    def pause(self, job: QueuedJob) -> None:
        self._queue.pause(job)

    def resume(self, job: QueuedJob) -> None:
        self._queue.resume(job)

    def remove(self, jobs: Iterable[QueuedJob]) -> None:
        """Take jobs out of the list. A waiting one will not be made; the running one is cancelled and stays."""
        for job in jobs:
            if not job.state.ended:
                self._queue.cancel(job)
            if job.state.ended and job in self._jobs:
                self._jobs.remove(job)
        self._on_order()

    # the engine

    @property
    def engine_state(self) -> EngineState:
        return self._engine.state

    @property
    def device_text(self) -> str:
        """The engine's device; "" until it is ready."""
        return self._engine.text if self._engine.state == "ready" else ""

    @property
    def why_no_engine(self) -> str:
        """Why the engine cannot work now, in one sentence; "" when it can."""
        if self._engine.state == "starting":
            return "The engine is loading: this takes a few seconds."
        return self._engine.text if self._engine.state == "failed" else ""

    def do_now(self, job: Job) -> Task:
        """Give the engine a job of a few dozen milliseconds that does not wait in the queue."""
        return self._engine.do(job, urgent=True)

    def set_watched(self, watched: bool) -> None:
        """Say whether anybody can see the canvas: live previews pause while nobody can."""
        self._engine.set_watched(watched)

    # inside

    def _on_engine(self) -> None:
        self.engine_changed.emit()
        if self._engine.complaint:
            self.notice_raised.emit(Notice("error", self._engine.complaint))

    def _on_added(self, job: QueuedJob) -> None:
        self._jobs.append(job)
        self.added.emit(job)
        self._on_order()

    def _on_order(self) -> None:
        self.listed.emit()
        self.changed.emit()

    def _on_changed(self, job: QueuedJob) -> None:
        self.job_changed.emit(job)
        self.changed.emit()

    def _on_ended(self, job: QueuedJob) -> None:
        self.ended.emit(job)
        self._on_order()
        if job.message:
            self.notice_raised.emit(Notice("error", job.message))
