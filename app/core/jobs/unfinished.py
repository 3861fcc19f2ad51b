"""What the last session left unfinished: save the pictures of finished runs, offer to finish a run that broke off,
and to make those that had not begun.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.jobs import waiting
from app.core.jobs.engine import End, Engine, Task
from app.core.jobs.jobs_model import JobsModel
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
        broken = list[tuple[UnsavedRun, RunReader]]()
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
                broken.append((note, run))
            else:
                forget(note.run_path)
        folders = waiting.kept(self._library.root)
        if broken or folders:
            self._offer(broken[-1:], folders)

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

    def _offer(self, broken: Sequence[tuple[UnsavedRun, RunReader]], folders: list[Path]) -> None:
        """Let the person finish a run that broke off, and make those that had not begun; or leave them."""
        told = [_told(run) for _, run in broken]
        if folders:
            told.append("a run was waiting" if len(folders) == 1 else f"{len(folders)} runs were waiting")
        them = "it" if len(broken) + len(folders) == 1 else "them"
        verb = "Finish" if broken else "Make"
        sentence = " and ".join(told) + ("." if broken else " when the studio closed.")
        actions = (
            NoticeAction(f"{verb} {them}", partial(self._finish, broken, folders)),
            NoticeAction(f"Leave {them}", partial(_leave, broken, folders)),
        )
        self.notice_raised.emit(Notice("info", sentence[:1].upper() + sentence[1:], actions))

    def _finish(self, broken: Sequence[tuple[UnsavedRun, RunReader]], folders: list[Path]) -> None:
        for note, run in broken:
            job = Resume(run_path=note.run_path, pictures=note.pictures, text=self._library.text)
            self._jobs.submit(partial(Submission, job, run.request, run.steps[-1].i + 1))
        for submission in waiting.take(folders):
            self._jobs.submit(lambda: submission)  # noqa: B023 -- called at once


def _told(run: RunReader) -> str:
    return f"{title_of(run.request)} broke off after {run.steps[-1].i + 1} of {len(path_of(run.request))} steps"


def _leave(broken: Sequence[tuple[UnsavedRun, RunReader]], folders: list[Path]) -> None:
    for note, _ in broken:
        forget(note.run_path)
    for folder in folders:
        waiting.drop(folder)
