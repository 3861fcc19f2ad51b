"""The document: the one truth that the widgets listen to. It never blocks and knows no thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Signal

from app.core.canvas.artwork import Artwork
from app.core.canvas.editing import FILL, NEW, Editing
from app.core.files.save_step import save_step
from app.core.guidance.guide_panel import Guidance
from app.core.jobs.engine import Engine, EngineState, Frame
from app.core.jobs.queue import JobQueue, JobState, QueuedJob, Submission
from app.core.notices import Notice
from app.core.request.draft_model import Drafting
from app.core.request.fork import other_sampler, why_no_fork, why_no_variations
from app.core.request.run_costs import Prices, in_words
from app.core.request.submit import Submitter
from app.core.shown.runs import RunLibrary
from engine.jobs.job import Event, Progress
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft
from engine.spec.request import RequestError


class Document(Drafting):
    """What is being made (the jobs) and, as a Drafting, what is asked for and what is shown; `editing` has the
    artwork and what is made anew of it.

    Every setter emits only on change. `draft_changed` also tells of `seed_locked`.
    """

    jobs_changed = Signal()
    engine_changed = Signal()

    def __init__(
        self,
        models: Sequence[ModelInfo],
        engine: Engine,
        jobs: JobQueue,
        library: RunLibrary,
        prices: Prices,
        draft: Draft | None = None,
        parent: QObject | None = None,
    ) -> None:
        """`models` holds at least one; `draft`, where it names one of them, is what the panel starts with."""
        super().__init__(models, prices, draft, parent)
        self._engine, self._queue, self._library = engine, jobs, library
        self._jobs: list[QueuedJob] = []
        self._shown_job: int | None = None
        self._awaited: set[int] = set()  # jobs whose run comes up when it begins
        self.editing = Editing(self, Artwork(parent=self), self)
        self.guidance = Guidance(self, engine)
        self._submitter = Submitter(self.editing, library, self.guidance.pictures.of)
        self._had_artwork = False
        self.model_changed.connect(self._fit_box)  # before anybody else hears of the model
        self.artwork.opened.connect(self._on_artwork)
        self.artwork.closed.connect(self._on_artwork)
        self.editing.picked.connect(self._awaited.clear)
        engine.state_changed.connect(self._on_engine)
        jobs.job_added.connect(self._on_job_added)
        jobs.job_told.connect(self._on_told)
        jobs.job_changed.connect(self._on_job)
        jobs.job_ended.connect(self._on_job_ended)
        self.image_changed.connect(self._tell_image)

    @property
    def artwork(self) -> Artwork:
        return self.editing.artwork

    @property
    def edit_remark(self) -> str:
        """What is worth knowing of the mask and the box before a run; mostly ""."""
        return self.editing.remark(self.draft.method)

    # what is shown: a run that a person opens or scrubs in is not pulled away by the next job

    def show_run(self, path: Path) -> bool:
        self._awaited.clear()
        running = self._queue.running
        live = running is not None and running.run_path == path
        if not self._open(path, live):
            return False
        self._shown_job = running.id if running and live else None
        return True

    def scrub(self, k: int) -> None:
        super().scrub(k)
        if not self.following:
            self._awaited.clear()
        self.editing.look()

    def play(self) -> None:
        super().play()
        self.editing.look()

    # what is being made

    @property
    def engine_state(self) -> EngineState:
        return self._engine.state

    @property
    def device_text(self) -> str:
        return self._engine.text if self._engine.state == "ready" else ""

    @property
    def why_engine(self) -> str:
        """Why the engine can make nothing now, in one sentence; "" when it can."""
        if self._engine.state == "starting":
            return "The engine is loading: this takes a few seconds."
        return self._engine.text if self._engine.state == "failed" else ""

    @property
    def why_not(self) -> str:
        """Why nothing can be generated now as the panel says, in one sentence; "" when it can."""
        return self.why_engine or self.editing.why_not(self.draft.method)

    @property
    def can_generate(self) -> bool:
        return not self.why_not

    def generate(self) -> QueuedJob | None:
        """Make what the draft asks for; None, with a notice, where that is not possible."""
        if self.why_not:
            self.notice_raised.emit(Notice("info", self.why_not))
            return None
        return self._rolled(self.submit(lambda: self._submitter.new(self.draft, self.model)))

    @property
    def why_no_fork(self) -> str:
        """Why the shown step cannot be gone on from as the panel says, in one sentence; "" when it can."""
        why = why_no_fork(self.run, self.cursor, self.model) or self.why_engine
        if why or (self.run is not None and self.run.encodes(self.cursor)):  # from there it is a picture of its own
            return why
        return self.editing.why_not(self.draft.method, self.run_path)

    def fork(self) -> QueuedJob | None:
        """Go on from the shown step of the shown run with the draft's choices; None, with a notice, if that cannot be.

        All pictures of the run go on, each from its own state, whatever number the draft asks for. A run on the artwork
        goes on in its own box, with the mask as it is now; with its own where nothing is painted there.
        """
        if self.run is None or self.why_no_fork:
            self.notice_raised.emit(Notice("info", self.why_no_fork))
            return None
        run, k = self.run, self.cursor
        return self._rolled(self.submit(lambda: self._submitter.fork(self.draft, self.model, run, k)))

    @property
    def why_no_variations(self) -> str:
        """Why no variations can be made of the shown step, in one sentence; "" when they can."""
        return why_no_variations(self.run, self.cursor, self.models) or self.why_engine

    def vary(self) -> QueuedJob | None:
        """As many pictures as the draft says that share the shown picture's state at the shown step; else as for fork.

        They are made as that picture was, each with a seed of its own. A sampler that draws no noise would make one and
        the same picture of them all: engine.spec.draft.vary() puts another in its place, and a notice says so.
        """
        if self.run is None or self.why_no_variations:
            self.notice_raised.emit(Notice("info", self.why_no_variations))
            return None
        run, k, image, count = self.run, self.cursor, self.image_index, self.draft.batch
        job = self.submit(lambda: self._submitter.variations(count, self.models, run, k, image))
        if job and (instead := other_sampler(run, k, job.request)):
            self.notice_raised.emit(Notice("info", instead))
        return job

    def show_parent(self) -> None:
        """Show the run that the shown one was forked from, at the step that it goes on from."""
        parent = self.run.parent if self.run else None
        if parent is None or not self.show_run(parent.path):
            return
        assert self.run is not None
        self.scrub(next((k for k, step in enumerate(self.run.steps) if step.i == parent.step), self.step_count - 1))
        if parent.share is not None:
            self.image_index = parent.share

    def submit(self, ask: Callable[[], Submission]) -> QueuedJob | None:
        """Queue a job, whose run comes up when it begins; None, with a notice, where it cannot be."""
        try:
            job = self._queue.submit(ask())
        except RequestError as error:
            self.notice_raised.emit(Notice("error", str(error)))
            return None
        except OSError as error:
            self.notice_raised.emit(Notice("error", f"There is no place for a new run: {error}"))
            return None
        self._awaited.add(job.id)
        return job

    def _rolled(self, job: QueuedJob | None) -> QueuedJob | None:
        """The next job has another seed, unless this one's is kept."""
        if job and not self.seed_locked:
            self.roll_seed()
        return job

    def cancel(self) -> None:
        """Stop the running job, or, where none runs, the newest waiting one. What was reached is kept."""
        job = self._queue.running or next(reversed(self._queue.waiting), None)
        if job:
            self._queue.cancel(job)

    def cancel_job(self, job: QueuedJob) -> None:
        self._queue.cancel(job)

    def cancel_all(self) -> None:
        self._queue.cancel_all()

    @property
    def jobs(self) -> list[QueuedJob]:
        """This session's jobs, oldest first."""
        return list(self._jobs)

    @property
    def running_job(self) -> QueuedJob | None:
        return self._queue.running

    @property
    def steps_done(self) -> int:
        return self._queue.running.steps_done if self._queue.running else 0

    @property
    def steps_total(self) -> int:
        return self._queue.running.steps_total if self._queue.running else 0

    @property
    def eta_seconds(self) -> float | None:
        """What remains of the running job; None where none runs or none of its steps is done."""
        return self._queue.running.eta_seconds if self._queue.running else None

    @property
    def eta_text(self) -> str:
        return "" if self.eta_seconds is None else in_words(self.eta_seconds)

    @property
    def engine(self) -> Engine:
        return self._engine

    @property
    def library(self) -> RunLibrary:
        return self._library

    def set_watched(self, watched: bool) -> None:
        """Whether anybody can see the canvas: live previews pause while nobody can."""
        self._engine.set_watched(watched)

    def restore_settings(self) -> None:
        """Put what made the shown step back on the panel; a notice where its model is not here."""
        if self.run is None:
            return
        try:
            self.draft = Draft.of(self.run.made_by(max(0, self.cursor)))
        except RequestError as error:
            self.notice_raised.emit(Notice("error", str(error)))

    def save_picture(self, path: Path | None = None) -> Path | None:
        """Save x̂₀ under the cursor as a PNG with its settings: to `path`, or to a free name among the pictures."""
        if self.run is None or not 0 <= self.cursor < self.step_count:
            return None
        try:
            target = save_step(self.run, self.cursor, self.image_index, self._library.pictures, path)
        except (ValueError, OSError) as error:
            self.notice_raised.emit(Notice("error", f"The picture could not be saved: {error}"))
            return None
        self.notice_raised.emit(Notice("info", f"Saved as {target}"))
        return target

    def _on_artwork(self) -> None:
        """Another one: what was asked for of the last does not come up. Where there was none, it is to be worked on."""
        self._awaited -= {job.id for job in self._jobs if job.placement is not None}
        had, self._had_artwork = self._had_artwork, self.artwork.is_open
        if had != self.artwork.is_open:
            self.choose_method(FILL if self.artwork.is_open else NEW)
        if self.artwork.is_open:  # one from the last time has the box of the model that there was
            self._fit_box()

    def _fit_box(self) -> None:
        self.artwork.box_aspect = QSize(self.model.width, self.model.height)

    def _on_engine(self) -> None:
        self.engine_changed.emit()
        if self._engine.complaint:
            self.notice_raised.emit(Notice("error", self._engine.complaint))

    def _on_job_added(self, job: QueuedJob) -> None:
        self._jobs.append(job)
        if job.placement is not None:
            self.editing.place(job.run_path, job.placement)
        self.jobs_changed.emit()

    def _on_job(self, _job: QueuedJob) -> None:
        self.jobs_changed.emit()

    def _on_job_ended(self, job: QueuedJob) -> None:
        self._awaited.discard(job.id)
        if job.id == self._shown_job:
            self.grow(live=False)
            self._shown_job = None
        if job.state is JobState.FINISHED:
            self.editing.finished(job.run_path, job.request, job.images)
        else:
            self.editing.dropped(job.run_path)
        self.jobs_changed.emit()
        if job.state is JobState.FAILED:
            self.notice_raised.emit(Notice("error", job.message))

    def _on_told(self, job: QueuedJob, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Progress):
                self._on_progress(job)
            elif isinstance(event, Frame) and job.id == self._shown_job and self.run is not None:
                self.editing.expect(event.picture, event.overlay)
                self.show_live(event.picture, self.run.inherited + event.step, event.image)

    def _on_progress(self, job: QueuedJob) -> None:
        if self._shown_job == job.id:
            self.grow()
        elif job.id in self._awaited:
            self._awaited.discard(job.id)
            if self._open(job.run_path, live=True):
                self._shown_job = job.id

    def _tell_image(self) -> None:
        self._engine.show_image(self.image_index)
