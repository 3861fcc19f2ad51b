"""The document: the state of the studio, in parts that widgets listen to. It never blocks and knows no thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Signal

from app.core.canvas.artwork import Artwork
from app.core.canvas.auto_box import AutoBox
from app.core.canvas.editing import Editing
from app.core.files.export import Exporter
from app.core.files.save_step import save_step
from app.core.flow.encode import Encoder
from app.core.flow.likelihood import PictureLikelihood
from app.core.guidance.guide_panel import DocumentGuidance
from app.core.jobs.engine import Engine
from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.queue import JobQueue, JobState, QueuedJob
from app.core.jobs.repeat import repeat
from app.core.jobs.submission import Submission
from app.core.morph.morph_room import MorphRoom
from app.core.notices import Notice
from app.core.request.draft_model import DraftModel
from app.core.request.draft_undo import DraftUndo
from app.core.request.fork import (
    explain_other_sampler,
    fork_point,
    model_of_step,
    vary_request,
    why_no_fork,
    why_no_variations,
)
from app.core.request.methods import FILL, NEW
from app.core.request.presets import Presets
from app.core.request.prompt_history import PromptHistory
from app.core.request.run_costs import Prices
from app.core.request.shown_settings import ShownSettings, shown_settings, why_no_settings
from app.core.request.submit import Submitter, why_no_new
from app.core.request.suggestions import Suggestions
from app.core.request.token_count import TokenCount
from app.core.shown.live_run import LiveRun
from app.core.shown.runs import RunLibrary
from app.core.shown.sharpener import Sharpener
from app.core.shown.viewer import Viewer
from engine.errors import why
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, outline
from engine.spec.request import RequestError


class Document(QObject):
    """The open document: its parts, and the commands and rules that concern several of them.

    draft     -- the chosen model and the settings of the next run
    settings_undo -- undo and redo of changes of the draft
    tokens    -- the tokens that the prompt takes
    prompts   -- the prompts used before
    presets   -- settings under names
    suggestions -- names for the words of the prompt that the model does not know
    shown     -- the run on the canvas
    artwork   -- the picture that a person works on
    auto_box  -- fits its box to its mask
    editing   -- what a run gets of the artwork, and the pictures that runs made for it
    jobs      -- the jobs of this session, and the engine's state
    guidance  -- guidance by CLIP and by classifiers, CLIP's scores, the sweep
    picture_likelihood -- the likelihood of the picture on the canvas
    encoder   -- that picture encoded to x_T along the ODE, and decoded
    morph     -- the morph between key frames
    exporter  -- pictures written to files
    prices    -- the measured times of runs, and estimates
    """

    notice_raised = Signal(object)

    def __init__(
        self,
        models: Sequence[ModelInfo],
        engine: Engine,
        queue: JobQueue,
        library: RunLibrary,
        prices: Prices,
        draft: Draft | None = None,
        parent: QObject | None = None,
    ) -> None:
        """`models` holds at least one; `draft`, where it names one of them, is what the panel starts with."""
        super().__init__(parent)
        self.prices = prices
        self.draft = DraftModel(models, prices, draft, self)
        for signal in (self.draft.model_changed, self.draft.settings_changed):
            signal.connect(self._fit_box)  # before anybody else hears of the model or the size
        self.settings_undo = DraftUndo(self.draft, parent=self)
        self.tokens = TokenCount(self.draft, self)
        self.prompts = PromptHistory(self)
        self.presets = Presets(self.draft, self)
        self.library = library
        self.jobs = JobsModel(engine, queue, self)
        self.shown = Viewer(queue.is_writing, self)
        self.artwork = Artwork(parent=self)
        self.suggestions = Suggestions(self.draft, self.jobs, engine, self)
        self.auto_box = AutoBox(self.artwork, self)
        self.editing = Editing(self.shown, self.artwork, self)
        self.sharpener = Sharpener(self.shown, self.jobs, engine, self)
        self._live_run = LiveRun(self.shown, self.editing, self.jobs, engine, self)
        parts = self.draft, self.shown, self.editing, self.jobs
        self.guidance = DocumentGuidance(*parts, prices, engine, self)
        self._submitter = Submitter(self.editing, library, self.guidance.pictures.of, self.draft)
        self.picture_likelihood = PictureLikelihood(*parts, prices, engine, self)
        self.encoder = Encoder(self.picture_likelihood, self.draft, self.shown, self.jobs, library, self)
        self.morph = MorphRoom(*parts, prices, engine, self)
        self.exporter = Exporter(self.draft, engine, library, self)
        self._had_artwork = False
        self.artwork.opened.connect(self._on_artwork)
        self.artwork.closed.connect(self._on_artwork)
        self.jobs.added.connect(self._on_added)
        self.jobs.ended.connect(self._on_ended)
        for part in (
            self.presets, self.shown, self.sharpener, self.jobs, self.guidance, self.picture_likelihood, self.encoder,
            self.morph, self.exporter,
        ):  # fmt: skip
            part.notice_raised.connect(self.notice_raised)

    @property
    def edit_remark(self) -> str:
        """What is worth knowing of the mask and the box before a run; mostly ""."""
        return self.editing.remark(self.draft.current.method)

    # making pictures

    @property
    def why_not(self) -> str:
        """Why nothing can be generated now as the panel says, in one sentence; "" when it can."""
        return why_no_new(self.draft.current.method, self.editing, self.jobs) or self.draft.obstacle

    @property
    def can_generate(self) -> bool:
        return not self.why_not

    def generate(self) -> QueuedJob | None:
        """Start a run of the current draft; None, with a notice, where that is not possible."""
        if self.why_not:
            self.notice_raised.emit(Notice("info", self.why_not))
            return None
        return self._roll_after(self.jobs.submit(lambda: self._submitter.new(self.draft.current, self.draft.model)))

    @property
    def why_no_fork(self) -> str:
        """Why no fork can start at the shown step with the current draft, in one sentence; "" when it can."""
        run, k = self.shown.run, self.shown.cursor
        why = why_no_fork(run, k, self.draft.model) or self.jobs.why_no_engine or self.draft.obstacle
        if why or (run is not None and run.encodes(k)):  # from there it is a picture of its own
            return why
        return self.editing.why_not(self.draft.current.method, self.shown.run_path)

    def fork(self) -> QueuedJob | None:
        """Start a run that goes on from the shown step with the current draft; None, with a notice, if that cannot be.

        All pictures of the run go on, each from its own state; the draft's number of pictures does not count. A run on
        the artwork goes on in its own box, with the mask of now, or with its own mask where nothing is painted there.
        """
        if self.shown.run is None or self.why_no_fork:
            self.notice_raised.emit(Notice("info", self.why_no_fork))
            return None
        run, k = self.shown.run, self.shown.cursor
        return self._roll_after(
            self.jobs.submit(lambda: self._submitter.fork(self.draft.current, self.draft.model, run, k))
        )

    @property
    def why_no_variations(self) -> str:
        """Why no variations can be made of the shown step, in one sentence; "" when they can."""
        return why_no_variations(self.shown.run, self.shown.cursor, self.draft.models) or self.jobs.why_no_engine

    @property
    def fork_price(self) -> str:
        """How long fork() takes, such as "≈ 3.2 s"; "" where it cannot start or nothing was measured."""
        run, k = self.shown.run, self.shown.cursor
        if run is None or self.why_no_fork:
            return ""
        draft = replace(self.draft.current, batch=1 if run.encodes(k) else len(run.request_at(k).seeds))
        try:
            return self.prices.words(outline(draft, self.draft.model), fork_point(run, k).step)
        except RequestError:
            return ""

    @property
    def variations_price(self) -> str:
        """How long vary() takes; "" where it cannot start or nothing was measured."""
        run, k = self.shown.run, self.shown.cursor
        if run is None or self.why_no_variations or (model := model_of_step(run, k, self.draft.models)) is None:
            return ""
        try:
            request = vary_request(run, k, self.shown.image_index, self.draft.current.batch, 0, model)
            return self.prices.words(request, fork_point(run, k).step)
        except RequestError:
            return ""

    def vary(self) -> QueuedJob | None:
        """Start a run of several pictures that share the shown picture's state at the shown step; None as for fork().

        The draft says how many. They are made with the settings of that picture, each with a seed of its own. A sampler
        that draws no noise would make them all alike: engine.spec.draft.vary() takes another, and a notice says so.
        """
        if self.shown.run is None or self.why_no_variations:
            self.notice_raised.emit(Notice("info", self.why_no_variations))
            return None
        run, k, image, count = self.shown.run, self.shown.cursor, self.shown.image_index, self.draft.current.batch
        job = self.jobs.submit(lambda: self._submitter.variations(count, self.draft.models, run, k, image))
        if job and (instead := explain_other_sampler(run, k, job.request)):
            self.notice_raised.emit(Notice("info", instead))
        return job

    def show_job(self, job: QueuedJob) -> None:
        """Show the run of a job: its newest step, or its picture where it lies on the artwork."""
        if job.run_path == self.shown.run_path or self.shown.show_run(job.run_path):
            self.editing.show_in_place()

    def repeat(self, job: QueuedJob) -> QueuedJob | None:
        """Queue a job of this session again (app.core.jobs.repeat); None, with a notice, where that cannot be."""
        return self.jobs.submit(lambda: self._again(job))

    def _again(self, job: QueuedJob) -> Submission:
        """The job again; on the artwork only if that is still the one of the job."""
        again = repeat(job, self.library)
        return again if self.editing.placement(job.run_path) is not None else again._replace(placement=None)

    def _roll_after(self, job: QueuedJob | None) -> QueuedJob | None:
        """Remember the prompt of a job that began, and roll the seed of the next run, unless the seed is locked."""
        if job and self.draft.model.text:
            self.prompts.add(self.draft.current.prompt, self.draft.current.negative)
        if job and not self.draft.seed_locked:
            self.draft.roll_for_next()
        return job

    def restore_settings(self) -> None:
        """Make the settings of exactly the picture on the canvas the current draft, and say what was taken."""
        settings = self._shown_settings()
        if settings is None:
            self.notice_raised.emit(Notice("info", self.why_no_settings))
            return
        try:
            self.draft.current = settings.draft
        except RequestError as error:
            self.notice_raised.emit(Notice("error", str(error)))
            return
        self.notice_raised.emit(Notice("info", settings.sentence))

    @property
    def why_no_settings(self) -> str:
        """Why the picture on the canvas has no settings to use, in one sentence; "" when it has."""
        return why_no_settings(self.shown, self.editing)

    def _shown_settings(self) -> ShownSettings | None:
        return shown_settings(self.shown, self.editing, self.draft.models, self.draft.model)

    def keep_seed(self, kept: bool) -> None:
        """Use one seed for the next pictures, or roll it again after each run.

        The kept seed is the one that a person chose for the next picture, else that of the picture on the canvas.
        """
        settings = self._shown_settings() if kept and not self.draft.seed_chosen else None
        if settings is not None and settings.seed not in (None, self.draft.current.seed):
            self.draft.update(seed=settings.seed)
            self.notice_raised.emit(Notice("info", f"Kept: the seed {settings.seed} of the shown picture."))
        self.draft.seed_locked = kept

    def when_sharp(self, then: Callable[[], object]) -> None:
        """Call `then` when the shown step is no coarse preview of a latent: mostly now, else when it is decoded."""
        self.sharpener.when_sharp(then)

    def save_picture(self, path: Path | None = None) -> Path | None:
        """Save x̂₀ under the cursor as a PNG with its settings: to `path`, or to a free name among the pictures.

        A step that is still a coarse preview is saved when it is decoded; None then.
        """
        run, k, image = self.shown.run, self.shown.cursor, self.shown.image_index
        if run is None or not 0 <= k < self.shown.step_count:
            return None
        if run.is_coarse(k, image):
            self.when_sharp(partial(self.save_picture, path))
            return None
        try:
            target = save_step(run, k, image, self.library, path)
        except (ValueError, OSError, MemoryError) as error:
            self.notice_raised.emit(Notice("error", f"The picture could not be saved: {why(error)}"))
            return None
        self.notice_raised.emit(Notice("info", f"Saved as {target}"))
        return target

    def _on_artwork(self) -> None:
        """The method follows the artwork: runs work on it while it is open. Runs for the last one do not come up."""
        self._live_run.forget_edits()
        had, self._had_artwork = self._had_artwork, self.artwork.is_open
        if had != self.artwork.is_open:
            self.draft.choose_method(FILL if self.artwork.is_open else NEW)
        if self.artwork.is_open:  # an artwork of the last session has the box of that session's model
            self._fit_box()

    def _fit_box(self) -> None:
        self.artwork.box_aspect = QSize(*self.draft.size)
        self.auto_box.fit()

    def _on_added(self, job: QueuedJob) -> None:
        if job.placement is not None:
            self.editing.place(job.run_path, job.placement)

    def _on_ended(self, job: QueuedJob) -> None:
        if job.state is JobState.FINISHED:
            self.editing.add_candidates(job.run_path, job.request, job.images)
        else:
            self.editing.leave_run(job.run_path)
