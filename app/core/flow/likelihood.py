"""The likelihood of the picture on the canvas under a model: settings, results and the map."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.canvas.editing import Editing
from app.core.flow.likelihood_result import (
    Condition,
    ConditionSource,
    LikelihoodQuestion,
    LikelihoodResult,
    Map,
    Measurement,
)
from app.core.flow.regions import Regions
from app.core.flow.solve_costs import SolveCosts
from app.core.flow.subject import SHRUNK, Subject, fit, on_canvas, ways
from app.core.jobs.engine import End, Engine
from app.core.jobs.jobs_model import JobsModel
from app.core.notices import Notice
from app.core.request.draft_model import DraftModel
from app.core.request.run_costs import Prices, in_words
from app.core.shown.viewer import Viewer
from engine.jobs.job import Event
from engine.jobs.likelihood import Elbo, ElboTerms, Likelihood, LogDensity, Working, pixel_model
from engine.spec.catalog import ModelInfo
from engine.spec.cost import BACKWARD
from engine.spec.request import RequestError
from engine.spec.sizes import Size

KEPT = 32  # results that are remembered while the studio is open
PROBES, MOST_PROBES = 4, 64
LEVELS, DRAWS = 100, 2  # of the bound: steps of the chain, and noise at each
TOLERANCES = (1e-2, 1e-3, 1e-4)
REGIONS = (1, 2, 4, 8)  # pixels of the model along the side of a region
NOTHING = "There is no picture on the canvas: generate one, or open one."


class PictureLikelihood(QObject):
    """The state of the Likelihood panel. Setters emit only on change; nothing is computed while the panel is hidden."""

    changed = Signal()  # the settings: the picture, the model, its condition, the tolerance
    found = Signal()  # the results
    activity_changed = Signal()  # it began, is to stop, or does another thing now
    progressed = Signal()
    map_changed = Signal()
    pointed_region_changed = Signal()
    notice_raised = Signal(object)

    def __init__(
        self,
        draft: DraftModel,
        shown: Viewer,
        editing: Editing,
        jobs: JobsModel,
        prices: Prices,
        engine: Engine,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._draft, self._shown, self._editing, self._jobs, self._engine = draft, shown, editing, jobs, engine
        self.costs, self.prices = SolveCosts(), prices
        self._judge: str | None = None  # a model's id; None: the panel's model
        self._condition_source: ConditionSource | None = None  # None: the picture's own words, where they are known
        self._way = SHRUNK
        self._probes, self._tolerance = PROBES, TOLERANCES[1]
        self._side, self._map_shown = 4, True
        self._watched, self._clean = False, True
        self._subject: Subject | None = None
        self._question: LikelihoodQuestion | None = None
        self._settings_shown: tuple[object, ...] = ()  # the settings at the last `changed`
        self._results: OrderedDict[LikelihoodQuestion, LikelihoodResult] = OrderedDict()
        self._activity: Measurement | None = None
        self._map: Map | None = None
        self._pointed_region: tuple[int, int] | None = None
        for signal in (shown.frame_changed, shown.run_changed, shown.cursor_changed, shown.image_changed,
                       shown.steps_changed, shown.view_changed, draft.changed, draft.model_changed,
                       editing.changed, editing.inputs_changed):  # fmt: skip
            signal.connect(self._refresh)
        jobs.engine_changed.connect(self._refresh)
        prices.changed.connect(self.changed)

    # the settings

    def set_watched(self, watched: bool) -> None:
        """Set whether the panel is visible."""
        if watched != self._watched:
            self._watched = watched
            self._refresh()

    @property
    def subject(self) -> Subject | None:
        return self._subject

    @property
    def models(self) -> list[ModelInfo]:
        """Those that can encode a picture; models of pixels can also measure its bits."""
        return self._draft.models

    @property
    def judge(self) -> ModelInfo:
        """Who judges: the model that was chosen, else the panel's."""
        wanted = self._judge or self._draft.model.id
        return next((info for info in self.models if info.id == wanted), self._draft.model)

    @property
    def judged_size(self) -> Size:
        """The size of the judged picture: one of the judge's, of about the picture's shape where sizes are free."""
        judge, subject = self.judge, self._subject
        if subject is None:
            return judge.size
        if subject.made_by is not None and judge.sizes.fits(subject.size):
            return subject.size
        return judge.sizes.like(subject.size)

    def choose_judge(self, model: str) -> None:
        if model != self._judge:
            self._judge = model
            self._refresh()

    @property
    def conditions(self) -> dict[ConditionSource, Condition]:
        """The judge's possible conditions, each once: none, the panel's, and the one that made the picture."""
        found = self._conditions_by_source()
        return {
            condition_source: condition
            for condition_source, condition in found.items()
            if _first_source(found, condition) == condition_source
        }

    @property
    def condition_source(self) -> ConditionSource:
        """The condition of `conditions` in use: the chosen one, or its equal. Before a choice it is the one that made
        the picture, as far as that is known; else none.
        """
        found = self._conditions_by_source()
        condition = found.get(self._condition_source or "made")
        return "nothing" if condition is None else _first_source(found, condition)

    @condition_source.setter
    def condition_source(self, condition_source: ConditionSource) -> None:
        if condition_source != self._condition_source:
            self._condition_source = condition_source
            self._refresh()

    @property
    def ways(self) -> tuple[str, ...]:
        """What can bring the picture to the judge's size; empty where it has it."""
        return ways(self._subject, self.judged_size) if self._subject else ()

    @property
    def way(self) -> str:
        return self._way if self._way in self.ways else SHRUNK

    @way.setter
    def way(self, way: str) -> None:
        if way != self._way:
            self._way = way
            self._refresh()

    @property
    def probes(self) -> int:
        return self._probes

    @probes.setter
    def probes(self, probes: int) -> None:
        if probes != self._probes:
            self._probes = probes
            self.changed.emit()

    @property
    def tolerance(self) -> float:
        return self._tolerance

    @tolerance.setter
    def tolerance(self, tolerance: float) -> None:
        if tolerance != self._tolerance:
            self._tolerance = tolerance
            self.changed.emit()

    @property
    def why_not(self) -> str:
        """Why the picture can be neither measured nor encoded now, in one sentence; "" when it can."""
        return NOTHING if self._subject is None else self._jobs.why_no_engine

    @property
    def why_no_bits(self) -> str:
        """Why its bits cannot be measured now, in one sentence; "" when they can."""
        try:
            pixel_model({self.judge.id: self.judge}, self.judge.id)
        except RequestError as error:
            return str(error)
        return self.why_not

    def price(self, tolerance: float) -> str:
        """The cost of a probe at a tolerance, such as "≈ 90 model calls a probe"."""
        each = self.costs.calls("density", self.judge.sha256, tolerance)
        return f"{each.sign} {each.number} model calls a probe"

    @property
    def price_text(self) -> str:
        """The cost of measuring, such as "≈ 748 model calls, ≈ 20 s"; no time before the judge was measured."""
        each = self.costs.calls("density", self.judge.sha256, self._tolerance)
        bound, probes = LEVELS * DRAWS, self._probes * each.number
        words = f"{each.sign} {bound + probes} model calls"
        call = self.prices.call_seconds(self.judge, self.judged_size)
        if call is None:
            return words
        return f"{words}, {each.sign} {in_words(call * (bound + (1 + BACKWARD) * probes))}"

    # measuring

    @property
    def activity(self) -> Measurement | None:
        return self._activity

    def measure(self) -> None:
        """Measure with the present settings; results of other pictures stay. A notice if it is impossible."""
        subject, judge, question = self._subject, self.judge, self._question
        if self.why_no_bits or subject is None or question is None:
            self.notice_raised.emit(Notice("info", self.why_no_bits or NOTHING))
            return
        try:
            fitted = fit(subject, self.judged_size, question.way)
        except (ValueError, OSError) as error:
            self.notice_raised.emit(Notice("error", str(error)))
            return
        if self._activity is not None:
            for task in self._activity.tasks.values():
                task.drop()
        self._keep(question, LikelihoodResult(fitted.place, fitted.rgb))
        condition = question.condition
        arguments: dict[str, Any] = {
            "model": judge.id,
            "rgb": fitted.rgb,
            "prompt": condition.prompt,
            "label": condition.label,
        }
        self._activity = Measurement(question)
        self._do("Step by step", Elbo(**arguments, levels=LEVELS, draws=DRAWS))
        self._do("Along the flow", Likelihood(**arguments, probes=self._probes, tol=self._tolerance))
        self.activity_changed.emit()
        self._emit_results()

    def stop(self) -> None:
        """Stop measuring before the next model call; the results stay."""
        if self._activity is not None and not self._activity.stopping:
            self._activity.stopping = True
            for task in self._activity.tasks.values():
                task.cancel()
            self.activity_changed.emit()

    # the results

    @property
    def result(self) -> LikelihoodResult | None:
        """The result for the present settings; None before it is measured."""
        return self._results.get(self._question) if self._question else None

    @property
    def measuring(self) -> bool:
        """Whether the present settings are being measured."""
        return self._activity is not None and self._activity.question == self._question

    # the map

    @property
    def map_shown(self) -> bool:
        """Whether to show the map over the picture."""
        return self._map_shown

    @map_shown.setter
    def map_shown(self, shown: bool) -> None:
        if shown != self._map_shown:
            self._map_shown = shown
            self._show_map()
            self.changed.emit()

    @property
    def side(self) -> int:
        """Side of a region, in pixels of the model."""
        return self._side

    @side.setter
    def side(self, side: int) -> None:
        if side != self._side:
            self._side = side
            self._show_map()
            self.changed.emit()

    @property
    def regions(self) -> Regions | None:
        """The map of the picture, shown or not."""
        result = self.result
        return Regions(result.terms.pixels, self._side) if result and result.terms else None

    @property
    def map(self) -> Map | None:
        """The map over the canvas; None if it is hidden."""
        return self._map

    @property
    def pointed_region(self) -> tuple[int, int] | None:
        """Row and column of the region under the pointer."""
        return self._pointed_region

    @pointed_region.setter
    def pointed_region(self, pointed_region: tuple[int, int] | None) -> None:
        if pointed_region != self._pointed_region:
            self._pointed_region = pointed_region
            self.pointed_region_changed.emit()

    # inside

    def _conditions_by_source(self) -> dict[ConditionSource, Condition]:
        """All conditions of the judge, with repetitions."""
        judge, found = self.judge, dict[ConditionSource, Condition]()
        found["nothing"] = Condition()
        draft, made = self._draft.current, self._subject.made_by if self._subject else None
        if self._draft.model.sha256 == judge.sha256:
            found["panel"] = Condition(draft.prompt.strip() if judge.text else "", draft.label)
        if made is not None and made.model_sha256 == judge.sha256:
            found["made"] = Condition(made.prompt, made.label)
        return found

    def _refresh(self) -> None:
        """Read the shown picture and the settings."""
        self._subject = on_canvas(self._shown, self._editing) if self._watched else None
        judge, question = self.judge, None
        if self._subject is not None:
            condition = self.conditions[self.condition_source]
            question = LikelihoodQuestion(self._subject.key, judge.sha256, condition, self.way if self.ways else "")
        # The map is of the finished picture, not of a noisy state on the canvas.
        clean = self._shown.view == "x0" or self._editing.shows_artwork
        before, now = (self._question, self._clean), (question, clean)
        self._question, self._clean = now
        title = self._subject.title if self._subject else ""
        conditions = tuple(self.conditions.items()) if self._watched else ()
        said = question, title, judge.id, conditions, self._watched, self.why_no_bits
        if said != self._settings_shown:
            self._settings_shown = said
            self.changed.emit()
        if now != before:
            self._emit_results()

    def _emit_results(self) -> None:
        self.found.emit()
        self._show_map()

    def _show_map(self) -> None:
        result, regions = self.result, self.regions if self._map_shown else None
        before, self._map = self._map, None
        if result is not None and regions is not None and self._clean:
            self._map = Map(result.place, result.rgb, regions)
        if before is not None or self._map is not None:
            self.pointed_region = None
            self.map_changed.emit()

    def _keep(self, question: LikelihoodQuestion, result: LikelihoodResult) -> None:
        self._results[question] = result
        self._results.move_to_end(question)
        while len(self._results) > KEPT:
            self._results.popitem(last=False)

    def _do(self, words: str, job: Elbo | Likelihood) -> None:
        activity, task = self._activity, self._engine.do(job)
        assert activity is not None
        activity.tasks[words] = task
        task.told.connect(self._on_told)
        task.ended.connect(partial(self._on_ended, words))

    def _on_told(self, events: Sequence[Event]) -> None:
        activity = self._activity
        assert activity is not None, "a dropped task sends nothing"
        result = self._results[activity.question]
        for event in events:
            if isinstance(event, Working):
                activity.share = event.done
            elif isinstance(event, ElboTerms):
                result.terms, activity.share = event, event.done / event.draws
            elif isinstance(event, LogDensity):
                result.density, activity.share = event, event.probe / event.probes
                self.costs.learn("density", activity.question.model_sha256, event.tol, round(event.calls / event.probe))
        self.progressed.emit()
        if self.measuring and any(isinstance(event, ElboTerms | LogDensity) for event in events):
            self._emit_results()

    def _on_ended(self, words: str, end: End) -> None:
        activity = self._activity
        assert activity is not None, "a dropped task sends nothing"
        del activity.tasks[words]
        activity.share = 0.0
        if end.how == "failed":
            self._results[activity.question].problem = end.sentence
        if not activity.tasks:
            self._activity = None
        self.activity_changed.emit()
        if end.how == "failed":
            self.found.emit()


def _first_source(found: dict[ConditionSource, Condition], condition: Condition) -> ConditionSource:
    """Return the first source of an equal condition."""
    return next(condition_source for condition_source, other in found.items() if other == condition)
