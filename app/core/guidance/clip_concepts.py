"""What CLIP sees in the shown picture: the nearest concepts of x̂₀ under the timeline's cursor, while anybody looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.guidance.steering import Steering
from app.core.jobs.engine import End, Engine, Task
from app.core.jobs.jobs_model import JobsModel
from app.core.notices import Notice
from app.core.request.draft_model import DraftModel
from app.core.shown.viewer import Viewer
from engine.jobs.job import Event
from engine.jobs.score import Concepts, Look, vocabulary
from engine.spec.guides import ClipGuide

LONGEST = 60  # characters of a name


@dataclass(frozen=True, slots=True)
class ConceptsQuestion:
    """What is seen in one picture of one step, by one CLIP, among these names."""

    path: Path
    k: int
    image: int
    clip: str
    names: tuple[str, ...]


class ClipConcepts(QObject):
    """Sends one question at a time, then the latest one: a scrub over many steps sends as many as CLIP can answer."""

    changed = Signal()
    notice_raised = Signal(object)

    def __init__(
        self,
        draft: DraftModel,
        shown: Viewer,
        jobs: JobsModel,
        steering: Steering,
        engine: Engine,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._draft, self._shown, self._jobs = draft, shown, jobs
        self._steering, self._engine = steering, engine
        self._watched = False
        self._nearest: Concepts | None = None
        self._answers: ConceptsQuestion | None = None  # the question of `seen`
        self._pending: ConceptsQuestion | None = None
        self._task: Task | None = None
        self._loaded: set[str] = set()  # CLIPs that have answered: the first time their words are embedded
        self._failed: set[str | tuple[str, Path]] = set()  # CLIPs that failed, and (CLIP, run file) pairs that did
        self._names: dict[str, tuple[str, ...]] = {}  # concepts by model
        for signal in (shown.cursor_changed, shown.image_changed, shown.run_changed, jobs.changed,
                       shown.steps_changed, steering.changed, engine.state_changed):  # fmt: skip
            signal.connect(self._ask_latest)

    @property
    def watched(self) -> bool:
        """Whether the bars are seen; no question is sent otherwise."""
        return self._watched

    @watched.setter
    def watched(self, watched: bool) -> None:
        if watched != self._watched:
            self._watched = watched
            self._ask_latest()

    @property
    def nearest(self) -> Concepts | None:
        """Names and cosines, nearest first; None where nothing is shown or no CLIP has answered yet."""
        return self._nearest

    @property
    def prompt_names(self) -> tuple[str, ...]:
        """The prompt of the shown run, which is one of the names; at most as long as any CLIP can read."""
        run = self._shown.run
        if run is None:
            return ()
        guides = (guide for guide in run.request.guides if isinstance(guide, ClipGuide))
        texts = [aim.text for guide in guides for aim in guide.aims if aim.text and aim.weight > 0]
        return tuple(dict.fromkeys(text for text in (run.request.prompt, *texts) if 0 < len(text.strip()) <= LONGEST))

    @property
    def busy(self) -> bool:
        """Whether CLIP is being loaded for its first answer, which takes seconds."""
        return self._task is not None and self._pending is not None and self._pending.clip not in self._loaded

    # inside

    def _question(self) -> ConceptsQuestion | None:
        run, k, clip = self._shown.run, self._shown.cursor, self._steering.clip
        if not self._watched or run is None or not 0 <= k < len(run.steps) or not clip or clip in self._failed:
            return None
        path, index = run.place(k)
        if (clip, path) in self._failed:
            return None
        model = next((info for info in self._draft.models if info.id == run.request.model), self._draft.model)
        if model.id not in self._names:
            self._names[model.id] = vocabulary(model)
        names = tuple(dict.fromkeys((*self._names[model.id], *self.prompt_names)))
        return ConceptsQuestion(path, index, run.image_in(k, self._shown.image_index), clip, names)

    def _ask_latest(self) -> None:
        """Send the latest question, if it is a new one and the engine is free."""
        if self._engine.state != "ready" or self._task is not None:
            return
        question = self._question()
        if question is None:
            if self._nearest is not None and self._shown.run is None:
                self._nearest = self._answers = None
                self.changed.emit()
            return
        urgent = question.clip in self._loaded  # the words of another have to be read first, which takes seconds
        if question == self._answers or (self._jobs.running is not None and not urgent):
            return
        self._pending = question
        job = Look(
            path=question.path, k=question.k, image=question.image, clip=question.clip, vocabulary=question.names
        )
        self._task = self._engine.do(job, urgent=urgent)
        self._task.told.connect(self._on_told)
        self._task.ended.connect(self._on_ended)
        if not urgent:
            self.changed.emit()

    def _on_told(self, events: Sequence[Event]) -> None:
        assert self._pending is not None, "one at a time"
        for one in events:
            if isinstance(one, Concepts):
                self._nearest, self._answers = one, self._pending
                self._loaded.add(self._pending.clip)
        self.changed.emit()

    def _on_ended(self, end: End) -> None:
        assert self._pending is not None, "one at a time"
        pending, self._task, self._pending = self._pending, None, None
        if end.how == "failed":
            self._failed.add((pending.clip, pending.path) if pending.clip in self._loaded else pending.clip)
            self.notice_raised.emit(Notice("error", end.sentence))
            self.changed.emit()
        self._ask_latest()
