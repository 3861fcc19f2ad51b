"""What the last session left unfinished: save the pictures of finished runs, and list the other runs in the queue as
they were left, with an offer to go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.core.jobs import queue_order, waiting
from app.core.jobs.engine import End, Engine, Task
from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.queue import JobState, QueuedJob
from app.core.jobs.submission import Submission
from app.core.notices import Notice, NoticeAction
from app.core.shown.naming import title_of
from app.core.shown.runs import RunLibrary
from engine.errors import EngineError
from engine.jobs.generate import PictureSaved, Resume
from engine.jobs.job import Event
from engine.paths import path_of
from engine.pictures.unsaved import UnsavedRun, forget, unsaved_runs
from engine.store import RunReader


class Unfinished(QObject):
    """Looks once, when the engine is ready, at the notes beside the run files (engine.pictures.unsaved)."""

    notice_raised = Signal(object)

    def __init__(self, library: RunLibrary, jobs: JobsModel, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library, self._jobs, self._engine = library, jobs, engine
        self._tasks: list[Task] = []
        self._saved = 0
        engine.state_changed.connect(self._find_runs)

    def stop(self) -> None:
        """Finish nothing more; the notes stay for the next start."""
        for task in self._tasks:
            task.cancel()

    def _find_runs(self) -> None:
        if self._engine.state != "ready":
            return
        self._engine.state_changed.disconnect(self._find_runs)
        broken = list[Submission]()
        for note in list(unsaved_runs(self._library.root)):
            try:
                run = RunReader(note.run_path)
            except EngineError:
                forget(note.run_path)  # nothing can be made of it
                continue
            except (OSError, MemoryError):
                continue  # perhaps at the next start
            if run.steps and run.steps[-1].i + 1 == len(path_of(run.request)):
                self._save(note)
            elif run.steps:
                job = Resume(run_path=note.run_path, pictures=note.pictures, text=self._library.text)
                broken.append(Submission(job, run.request, run.steps[-1].i + 1))
            else:
                forget(note.run_path)
        if jobs := [*broken, *waiting.take(waiting.kept(self._library.root))]:
            self._restore(jobs)

    def _save(self, note: UnsavedRun) -> None:
        """Save the pictures of a finished run that are not saved yet."""
        task = self._engine.do(Resume(run_path=note.run_path, pictures=note.pictures, text=self._library.text))
        self._tasks.append(task)
        task.told.connect(self._on_told)
        task.ended.connect(partial(self._on_ended, task))

    def _on_told(self, events: Sequence[Event]) -> None:
        self._saved += sum(isinstance(event, PictureSaved) for event in events)

    def _on_ended(self, task: Task, end: End) -> None:
        self._tasks.remove(task)
        if end.how == "failed":
            text = f"A picture of the last time could not be saved: {end.sentence}"
            self.notice_raised.emit(Notice("error", text))
        if not self._tasks and self._saved:
            pictures = "picture" if self._saved == 1 else "pictures"
            where = self._library.pictures
            text = f"{self._saved} {pictures} of the last time had not been saved; now they are in {where}."
            self.notice_raised.emit(Notice("info", text))

    def _restore(self, submissions: Sequence[Submission]) -> None:
        """List the jobs as they were left. Nothing begins unasked: what the user did not pause is held."""
        order = queue_order.load(self._library.root)
        self._jobs.paused = order.paused
        held = list[QueuedJob]()
        for submission in order.sort(submissions):
            name = submission.run_path.name
            state = JobState.QUEUED if order.paused and name not in order.stopped else JobState.PAUSED
            holds = state is JobState.PAUSED and name not in order.stopped
            job = self._jobs.submit(partial(_same, submission), state, holds)
            if job is not None and holds:
                held.append(job)
        if held:
            self._offer(held)
        elif order.paused:
            self.notice_raised.emit(
                Notice("info", "The queue is paused, as you left it.", (NoticeAction("Resume it", self._resume_queue),))
            )

    def _offer(self, held: Sequence[QueuedJob]) -> None:
        """Let the person finish runs that broke off, and make those that had not begun; or leave them."""
        broken = [job for job in held if isinstance(job.job, Resume)]
        count = len(held) - len(broken)
        parts = [_describe(broken)] if broken else []
        if count:
            parts.append("a run was waiting" if count == 1 else f"{count} runs were waiting")
        them = "it" if len(held) == 1 else "them"
        verb = "Finish" if broken else "Make"
        sentence = " and ".join(parts) + ("." if broken else " when the studio closed.")
        actions = (
            NoticeAction(f"{verb} {them}", partial(self._resume, held)),
            NoticeAction(f"Leave {them}", partial(self._jobs.remove, held)),
        )
        self.notice_raised.emit(Notice("info", sentence[:1].upper() + sentence[1:], actions))

    def _resume_queue(self) -> None:
        self._jobs.paused = False

    def _resume(self, held: Sequence[QueuedJob]) -> None:
        for job in held:
            if job.held:
                self._jobs.resume(job)


def _same(submission: Submission) -> Submission:
    return submission


def _describe(broken: Sequence[QueuedJob]) -> str:
    """Describe runs that broke off, in a part of a sentence."""
    if len(broken) > 1:
        return f"{len(broken)} runs broke off before their end"
    (job,) = broken
    return f"{title_of(job.request)} broke off after {job.steps(' of ')} steps"
