"""LiveRun: show the run of a new job as it grows, if the user waits for it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from app.core.canvas.editing import Editing
from app.core.jobs.engine import Engine, Frame
from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.queue import QueuedJob
from app.core.shown.viewer import Viewer
from engine.jobs.job import Event, Progress


class LiveRun(QObject):
    """Connects the viewer to the jobs and to the engine's live frames.

    The run of a new job is shown when its first step is there. A run that the user opens or scrubs in stays on the
    canvas when the next job begins.
    """

    def __init__(
        self, shown: Viewer, editing: Editing, jobs: JobsModel, engine: Engine, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._shown, self._editing, self._engine = shown, editing, engine
        self._expected: set[QueuedJob] = set()
        shown.run_chosen.connect(self._expected.clear)
        shown.moved.connect(self._on_moved)
        shown.image_changed.connect(self._ask_for_image)
        editing.picked.connect(self._expected.clear)
        jobs.added.connect(self._expect)
        jobs.told.connect(self._on_events)
        jobs.stopped.connect(self._on_stopped)
        jobs.ended.connect(self._on_ended)

    def _expect(self, job: QueuedJob) -> None:
        """Show the run of `job` when it begins, unless the user looks at something else by then."""
        self._expected.add(job)

    def forget_edits(self) -> None:
        """Expect no job on the artwork any more: another artwork is open."""
        self._expected -= {job for job in self._expected if job.placement is not None}

    def _shows(self, job: QueuedJob) -> bool:
        return self._shown.run is not None and self._shown.run_path == job.run_path

    def _on_moved(self) -> None:
        if not self._shown.following:
            self._expected.clear()

    def _ask_for_image(self) -> None:
        self._engine.show_image(self._shown.image_index)

    def _on_events(self, job: QueuedJob, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Progress):
                self._on_progress(job)
            elif isinstance(event, Frame) and (run := self._shown.run) is not None and self._shows(job):
                self._editing.expect(event.picture, event.overlay)
                self._shown.show_live(event.picture, run.inherited + event.step, event.image)

    def _on_progress(self, job: QueuedJob) -> None:
        if self._shows(job):
            self._shown.grow()
        elif job in self._expected:
            self._expected.discard(job)
            self._shown.follow_run(job.run_path)

    def _on_stopped(self, job: QueuedJob) -> None:
        """The job is paused: its run does not grow now."""
        if self._shows(job):
            self._shown.grow(live=False)

    def _on_ended(self, job: QueuedJob) -> None:
        self._expected.discard(job)
        if self._shows(job):
            self._shown.grow(live=False)
