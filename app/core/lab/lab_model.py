"""The lab: the law, the sampler, the visible layers and the noise level. The one truth of its widgets."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.core.jobs.engine import End, Engine, Task
from app.core.lab.drawing import Drawing
from app.core.lab.field_source import FieldSource
from app.core.lab.lab_timeline import LabTimelineModel
from app.core.lab.layers import LAYERS
from app.core.lab.track import Track
from app.core.notices import Notice
from app.core.shown.timeline import StepTimeline
from engine.jobs.job import Event, Job
from engine.jobs.lab import (
    MOST_PARTICLES,
    Chains,
    Coverage,
    Field,
    FieldView,
    LabCoverage,
    LabFlow,
    LabRun,
    LabSave,
    LabStep,
    LabWalk,
    Points,
)
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.spec.edit import Pixels
from engine.spec.lab_data import DATA, DRAWN, HALF, MOST_POINTS, Data, LabError, Point, info
from engine.spec.request import RequestError

Activity: TypeAlias = Literal["", "run", "walk", "cover"]
ACTIVITIES: dict[type, Activity] = {LabRun: "run", LabWalk: "walk", LabCoverage: "cover"}

TRACED = 40  # particles whose paths are drawn
COVERING = 300  # chains that measure coverage
AHEAD = 64  # levels whose fields are requested ahead of the cursor
TRAIL = 14  # frames of a walk that are remembered


class Lab(StepTimeline):
    """Widgets listen; fields are requested from the engine as the cursor moves, one task at a time.

    The cursor is on a noise level, from the first of the run to the last: without a run, of the one that would be.
    """

    unit = "level"

    draft_changed = Signal()  # data, drawing, sampler, particles
    layers_changed = Signal()
    field_changed = Signal()
    states_changed = Signal()  # of the run, its flow, or the chains
    coverage_changed = Signal()
    activity_changed = Signal()
    closed = Signal()

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._name, self._drawing = "mixture", Drawing()
        self._draft = Draft.for_model(info(self._name), seed=1)
        self._particles = 300
        self._layers = frozenset({"density", "score", "particles", "paths", "flow", "scaled"})
        self._task: Task | None = None
        self._fields = FieldSource(engine, self)
        self._fields.arrived.connect(self._on_field)
        self._field: Field | None = None
        self.track = Track()  # the result of the run; only the lab changes it
        self._following = True  # the cursor stays with the newest level of a run
        self._chains: deque[Points] = deque(maxlen=TRAIL)
        self._coverage: Coverage | None = None
        self._outcome = 0
        self._watched = False
        self._run: LabTimelineModel | None = None
        self._problem = ""
        self._plan()
        self._cursor = self.step_count - 1

    # what is asked for

    @property
    def data(self) -> Data:
        return Data(self._name, self._drawing.points if self._name == DRAWN else ())

    @property
    def model(self) -> ModelInfo:
        """The data set as a model: what its Draft is resolved against."""
        return info(self._name)

    def choose(self, name: str) -> None:
        """Another data set, a key of DATA; what was made of the one before goes."""
        if name != self._name and name in DATA:
            self._name = name
            self._draft = replace(self._draft, model=info(name).id)
            self._forget()
            if name == DRAWN:
                self.end()

    @property
    def draft(self) -> Draft:
        return self._draft

    def update_draft(self, **changes: Any) -> None:
        """Change the sampler, its options, spacing, steps, seed or temperature."""
        draft = replace(self._draft, **changes)
        if draft != self._draft:
            self._draft = draft
            if {"spacing", "steps"} & changes.keys():
                self._forget()
            else:
                self._plan()
                self.draft_changed.emit()

    @property
    def particles(self) -> int:
        return self._particles

    @particles.setter
    def particles(self, n: int) -> None:
        n = max(1, min(n, MOST_PARTICLES))
        if n != self._particles:
            self._particles = n
            self.draft_changed.emit()

    @property
    def problem(self) -> str:
        """Why this cannot be run, in one sentence; "" when it can."""
        return self._problem

    # a drawing

    @property
    def drawing(self) -> bool:
        return self._name == DRAWN

    @property
    def drawn(self) -> tuple[Point, ...]:
        return self._drawing.points

    def draw(self, x: float, y: float, begins: bool = True) -> None:
        """Add a point, in data units, to a drawing; `begins`: a stroke."""
        if not self.drawing:
            return
        if self._drawing.full:
            self.notice_raised.emit(Notice("info", f"A drawing holds {MOST_POINTS} points: take some back to go on."))
        elif self._drawing.add(x, y, begins):
            self._forget()

    def rub_out(self, everything: bool = False) -> None:
        """Take back the last stroke of the drawing, or all of it."""
        if self.drawing and self._drawing.rub_out(everything):
            self._forget()

    # what is seen

    @property
    def layers(self) -> frozenset[str]:
        return self._layers

    def shows(self, layer: str) -> bool:
        return layer in self._layers

    def turn(self, layer: str, on: bool | None = None) -> None:
        """Switch one of LAYERS on or off; None: over."""
        on = layer not in self._layers if on is None else on
        if layer in LAYERS and on != (layer in self._layers):
            self._layers = self._layers | {layer} if on else self._layers - {layer}
            self.layers_changed.emit()
            if layer in ("seen", "scaled"):
                self._want()

    @property
    def run(self) -> LabTimelineModel | None:
        return self._run

    @property
    def levels(self) -> tuple[float, ...]:
        return self._run.levels if self._run else ()

    @property
    def sigma(self) -> float:
        """The noise level under the cursor."""
        return self.levels[self._cursor] if self.levels else 0.0

    def half(self, k: int | None = None) -> float:
        """Half the side of the frame at level `k`, in data units."""
        sigma = self.sigma if k is None else self.levels[k]
        return HALF * math.hypot(1.0, sigma) if self.shows("scaled") else HALF

    @property
    def field(self) -> Field | None:
        """The newest field for where the cursor is, or was a moment ago."""
        return self._field

    def field_at(self, k: int) -> Field | None:
        """The field of level `k`; while it is made anew with the training data, the one without or with them."""
        return self._fields.nearest(self._view(k))

    @property
    def chains(self) -> Sequence[Points]:
        """The last frames of the chains that walk, oldest first; empty where none do."""
        return tuple(self._chains)

    @property
    def coverage(self) -> Coverage | None:
        return self._coverage

    @property
    def outcome(self) -> int:
        """Which of the coverage's outcomes is on the plane."""
        return self._outcome

    @outcome.setter
    def outcome(self, index: int) -> None:
        if index != self._outcome:
            self._outcome = index
            self.coverage_changed.emit()

    def thumbnail(self, k: int, size: int) -> QImage:
        """The widgets paint their own, in the colours of the palette."""
        return QImage()

    # what is done

    @property
    def activity(self) -> Activity:
        return ACTIVITIES[type(self._task.job)] if self._task else ""

    def start(self) -> None:
        """Run the sampler. What was run before goes."""
        if not self._usable() or self._run is None:
            return
        self._clear_states()
        trial = LabRun(self.data, self._run.request, self._particles, min(TRACED, self._particles))
        self.track = Track(trial)
        self._following = True
        self._show_steps()
        self.pause()
        self._move(0)
        self._begin(trial)

    def scrub(self, k: int) -> None:
        self._following = k >= len(self.track.shots)
        super().scrub(k)

    def walk(self) -> None:
        """Let chains walk at the level under the cursor, wherever it moves; or stop them."""
        if self.activity == "walk":
            self.cancel()
        elif self._usable():
            self._chains.clear()
            self._begin(LabWalk(self.data, self._particles, self._draft.seed, self.half(), self.sigma))

    def cover(self) -> None:
        """Measure what noise at many scales does, and show where training data are."""
        if self._usable():
            self.turn("seen", True)
            self._chains.clear()
            self.states_changed.emit()
            self._begin(LabCoverage(self.data, COVERING))

    def save(self, path: Path, frames: Sequence[Pixels]) -> None:
        """Write pictures of the plane, with what made them."""
        task = self._engine.do(LabSave(path, tuple(frames), self.settings()), urgent=True)
        task.ended.connect(partial(self._on_saved, path))

    def cancel(self) -> None:
        """Stop what is done before its next model call. What was reached stays."""
        if self._task:
            self._task.cancel()

    def set_watched(self, watched: bool) -> None:
        """Whether anybody can see the lab: nothing is computed while nobody can."""
        if watched != self._watched:
            self._watched = watched
            if watched:
                self._want()
            else:
                self.pause()
                self.cancel()
                self._fields.want(())

    def close(self) -> None:
        self.set_watched(False)
        self.pause()
        self.cancel()
        self.closed.emit()

    def settings(self) -> str:
        """Everything that makes what is shown, as JSON in ASCII."""
        trial = self.track.trial
        request = trial.request if trial else self._run.request if self._run else None
        particles = trial.particles if trial else self._particles
        made = {"format": 1, "data": self._name, "points": self.data.points, "particles": particles}
        return json.dumps(made | {"sigma": self.sigma, "request": request.to_dict() if request else None})

    # inside

    def _usable(self) -> bool:
        if self._problem:
            self.notice_raised.emit(Notice("error", self._problem))
        return not self._problem

    def _begin(self, job: Job) -> None:
        self._drop()
        self._task = self._engine.do(job)
        self._task.told.connect(self._on_told)
        self._task.ended.connect(self._on_ended)
        self.activity_changed.emit()

    def _drop(self) -> None:
        """Cancel what is done, and hear no more of it."""
        if self._task is not None:
            self._task.drop()
            self._task = None
            self.activity_changed.emit()

    def _plan(self) -> None:
        """Resolve the draft; the levels of a run that is shown stand until they are another's."""
        self._problem = ""
        try:
            request = resolve(self._draft, self.model)
        except RequestError as error:
            self._problem = str(error)
            return
        try:
            self.data.components  # noqa: B018 -- says what is wrong with a drawing
        except LabError as error:
            self._problem = str(error)
        self._run = LabTimelineModel.of(request, self.track)

    def _forget(self) -> None:
        """Another law or other levels: what was made of the ones before goes."""
        self._drop()
        at_end = self._cursor == self.step_count - 1
        self._clear_states()
        self._coverage, self._field = None, None
        self._plan()
        last = self.step_count - 1
        self._cursor = last if at_end else min(self._cursor, last)
        self.draft_changed.emit()
        self.run_changed.emit()
        self.steps_changed.emit()
        self.cursor_changed.emit()
        self.coverage_changed.emit()
        self._want()

    def _clear_states(self) -> None:
        self.track = Track()
        self._chains.clear()
        self.states_changed.emit()

    def _show_steps(self) -> None:
        if self._run is not None:
            self._run = LabTimelineModel.of(self._run.request, self.track)
            self.steps_changed.emit()

    def _move(self, k: int) -> None:
        last = self.step_count - 1
        k = max(min(k, last), min(0, last))
        if k != self._cursor:
            self._cursor = k
            if self._task is not None:
                self._task.set_live("sigma", self.sigma)
            self.cursor_changed.emit()
            self._want()

    def _view(self, k: int) -> FieldView:
        return FieldView(self.data, self.levels[k], self.half(k), self.shows("seen"))

    def _want(self) -> None:
        """Ask for the fields that are missing, the cursor's first, then outwards from it."""
        if not self.levels or (self.drawing and self._problem):
            self._field = None
            self.field_changed.emit()
            return
        here = self._fields.get(self._view(self._cursor))
        if here is not None and here is not self._field:
            self._field = here
            self.field_changed.emit()
        if not self._watched:
            return
        stride = math.ceil(self.step_count / AHEAD)
        near = sorted({self._cursor, *range(0, self.step_count, stride)}, key=lambda k: abs(k - self._cursor))
        self._fields.want(map(self._view, near))

    def _on_field(self, field: Field) -> None:
        if field.view.data == self.data:
            if field.view == self._view(self._cursor):
                self._field = field
            self.field_changed.emit()

    def _on_told(self, events: Sequence[Event]) -> None:
        assert self._task is not None, "a dropped task tells nothing"
        done = len(self.track.shots)
        for event in events:
            if isinstance(event, LabStep | LabFlow):
                self.track.take(event)
            elif isinstance(event, Coverage):
                self._coverage, self._outcome = event, len(event.outcomes) - 1
                self.coverage_changed.emit()
            elif isinstance(event, Chains) and not self._task.cancelling:
                self._chains.append(event.points)
        if len(self.track.shots) > done:
            self._show_steps()
            if self._following:
                self._move(len(self.track.shots))
        self.states_changed.emit()

    def _on_ended(self, end: End) -> None:
        self._task = None
        if end.how == "failed":
            self.notice_raised.emit(Notice("error", end.sentence))
        self.activity_changed.emit()

    def _on_saved(self, path: Path, end: End) -> None:
        if end.how == "failed":
            self.notice_raised.emit(Notice("error", end.sentence))
        elif end.how == "finished":
            self.notice_raised.emit(Notice("info", f"Saved as {path}"))
