"""QueueKeeper: keeps the waiting jobs and their order on disk, so that they survive a restart and a crash."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QObject

from app.core.jobs import queue_order, waiting
from app.core.jobs.queue import JobQueue, JobState, QueuedJob
from app.core.jobs.queue_order import QueueOrder
from app.core.jobs.submission import Submission

log = logging.getLogger(__name__)


class QueueKeeper(QObject):
    """Keeps the jobs of `queue` that have done no step (app.core.jobs.waiting); begun runs have their own files.

    folder -- of the run files
    """

    def __init__(self, queue: JobQueue, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue, self._folder = queue, folder
        self._saved = QueueOrder()
        self._closing = False
        queue.job_added.connect(self._on_changed)
        queue.job_changed.connect(self._on_changed)
        queue.job_stopped.connect(self._keep)
        queue.job_ended.connect(self._on_ended)
        queue.order_changed.connect(self._save)
        queue.closing.connect(self._on_closing)

    def _on_changed(self, job: QueuedJob) -> None:
        if job.steps_done:
            self._drop(job)
        self._save()

    def _on_ended(self, job: QueuedJob) -> None:
        if not self._closing:
            self._drop(job)
            self._save()

    def _on_closing(self) -> None:
        if (running := self._queue.running) is not None:
            self._keep(running)
        self._save()
        self._closing = True

    def _keep(self, job: QueuedJob) -> None:
        """Keep a job that has done no step; a run with steps has a file and a note."""
        if job.steps_done or waiting.folder_of(job.run_path).exists():
            return
        try:
            waiting.keep(Submission(job.job, job.request, job.steps_before))
        except OSError:
            log.exception("a waiting job could not be kept")

    def _drop(self, job: QueuedJob) -> None:
        folder = waiting.folder_of(job.run_path)
        if folder.exists():
            waiting.drop(folder)

    def _save(self) -> None:
        """Keep the waiting jobs, and their order if it has changed."""
        if self._closing:
            return
        jobs = [job for job in self._queue.waiting if not job.state.ended]
        for job in jobs:
            self._keep(job)
        running = self._queue.running
        if running is not None and running.pausing == "run":
            jobs.insert(0, running)
        stopped = frozenset(job.run_path.name for job in jobs if _is_stopped(job))
        order = QueueOrder(tuple(job.run_path.name for job in jobs), stopped, self._queue.paused)
        if order == self._saved:
            return
        try:
            queue_order.save(order, self._folder)
            self._saved = order
        except OSError:
            log.exception("the order of the queue could not be kept")


def _is_stopped(job: QueuedJob) -> bool:
    """Whether the user paused the job."""
    return job.pausing == "run" or (job.state is JobState.PAUSED and not job.held)
