"""QueueSelection: the jobs that the user has selected in the queue, and what can be done with them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.queue import JobState, QueuedJob


class QueueSelection(QObject):
    """The selected jobs, in the order of the list; removed ones leave it."""

    changed = Signal()

    def __init__(self, jobs: JobsModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._chosen: list[QueuedJob] = []
        jobs.listed.connect(self._on_listed)

    @property
    def chosen(self) -> list[QueuedJob]:
        return list(self._chosen)

    @chosen.setter
    def chosen(self, chosen: Sequence[QueuedJob]) -> None:
        wanted = [job for job in self._jobs.rows if job in chosen]
        if wanted != self._chosen:
            self._chosen = wanted
            self.changed.emit()

    @property
    def resumes(self) -> bool:
        """Whether turn_pause() resumes: every selected job that has not ended is paused."""
        going = [job for job in self._chosen if not job.state.ended]
        return bool(going) and all(job.state is JobState.PAUSED or job.pausing == "run" for job in going)

    @property
    def why_no_pause(self) -> str:
        """Why none of them can be paused, in one sentence; "" when one can."""
        reasons = [job.why_no_pause for job in self._chosen]
        return "" if "" in reasons else next(iter(reasons), "")

    @property
    def errors(self) -> str:
        """The messages of those that failed, a line each."""
        return "\n".join(job.message for job in self._chosen if job.message)

    @property
    def waits(self) -> bool:
        """Whether one of them waits, so that its place can change."""
        return any(job in self._jobs.waiting for job in self._chosen)

    def turn_pause(self) -> None:
        """Pause them, or resume them if all are paused."""
        resumes = self.resumes
        for job in self._chosen:
            if resumes:
                self._jobs.resume(job)
            elif not job.why_no_pause:
                self._jobs.pause(job)

    def run_next(self) -> None:
        """Put them before the others that wait, in their own order."""
        for job in reversed([job for job in self._chosen if job in self._jobs.waiting]):
            self._jobs.run_next(job)

    def shift(self, by: int) -> None:
        """Move those that wait by one place, up (-1) or down (+1), together."""
        waiting = self._jobs.waiting
        chosen = [job for job in self._chosen if job in waiting]
        places = [waiting.index(job) for job in chosen]
        if chosen and min(places) + by >= 0 and max(places) + by < len(waiting):
            for job, place in list(zip(chosen, places, strict=True))[::-by]:
                self._jobs.move(job, place + by)

    def remove(self) -> None:
        """Remove them from the list, and select the job that takes the place of the first one."""
        rows = self._jobs.rows
        first = min((rows.index(job) for job in self._chosen), default=0)
        self._jobs.remove(self._chosen)
        rows = self._jobs.rows
        self.chosen = [rows[min(first, len(rows) - 1)]] if rows else []

    def _on_listed(self) -> None:
        self.chosen = self._chosen
