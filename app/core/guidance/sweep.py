"""A sweep of one strength over a range at the same seeds: its plan, its points, and the way back to the panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from PySide6.QtCore import QObject, Signal

from app.core.canvas.editing import Editing
from app.core.guidance.steering import Steering
from app.core.jobs.engine import End, Engine, Task
from app.core.jobs.jobs_model import JobsModel
from app.core.notices import Notice
from app.core.request.draft_model import DraftModel
from app.core.request.run_costs import Prices, in_words
from app.core.request.seeds import roll
from app.core.request.submit import resolve_edit, why_no_new
from engine.jobs.job import Event
from engine.jobs.sweep import Sweep, SweepPoint, SweepStep, spaced_values
from engine.pareto import Point, front
from engine.spec.draft import Draft
from engine.spec.guides import MAX_AIM_TEXT, Aim, ClassGuide, ClipGuide
from engine.spec.request import Request, RequestError

CLIP, CLASS, GUIDANCE = "clip", "class", "guidance"  # whose strength is swept
STRENGTHS = {
    CLIP: ("λ of CLIP", "How strongly CLIP steers"),
    CLASS: ("γ of the classifier", "How strongly the classifier steers"),
    GUIDANCE: ("Guidance", "How strongly the picture follows the prompt"),
}
RANGES = {CLIP: (1.0, 100.0), CLASS: (0.0, 20.0), GUIDANCE: (1.0, 12.0)}  # to begin with
NOISY, CLEAN = "trained on noise", "clean pictures only"


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """What to sweep: `count` values from low to high, `pictures` at each. `twins`: both classifiers of a pair."""

    over: str = CLIP
    low: float = 1.0
    high: float = 100.0
    count: int = 6
    pictures: int = 4
    twins: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class SweptPoint:
    """One point; `series` is "" where there is one alone."""

    series: str
    point: SweepPoint


Series: TypeAlias = tuple[str, Sweep]


class GuidanceSweep(QObject):
    """One sweep at a time, and the points of the last one. Setters emit only on change."""

    changed = Signal()  # the plan, the points, whether it goes on
    progressed = Signal()
    notice_raised = Signal(object)

    def __init__(
        self,
        draft: DraftModel,
        editing: Editing,
        jobs: JobsModel,
        prices: Prices,
        steering: Steering,
        engine: Engine,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._draft, self._editing, self._jobs, self._prices = draft, editing, jobs, prices
        self._steering, self._engine = steering, engine
        self._plan = SweepPlan()
        self._swept: list[SweptPoint] = []
        self._over = CLIP  # whose strength the points are of
        self._waiting: list[Series] = []
        self._task: tuple[Task, str] | None = None
        self._done, self._before, self._total = 0, 0, 0
        self._chosen: SweptPoint | None = None
        for signal in (steering.changed, draft.changed, draft.model_changed, engine.state_changed):
            signal.connect(self.changed)

    # the plan

    @property
    def choices(self) -> tuple[str, ...]:
        """Whose strengths there are to sweep now."""
        model = self._draft.model
        found = [CLIP] * (self._steering.clip_guide is not None) + [CLASS] * (self._steering.class_guide is not None)
        return (*found, *([GUIDANCE] if model.text or model.labels else []))

    @property
    def plan(self) -> SweepPlan:
        """As it was set, over something that can be swept."""
        if self._plan.over in self.choices or not self.choices:
            return self._plan
        over = self.choices[0]
        return replace(self._plan, over=over, low=RANGES[over][0], high=RANGES[over][1])

    @plan.setter
    def plan(self, plan: SweepPlan) -> None:
        if plan.over != self.plan.over:
            plan = replace(plan, low=RANGES[plan.over][0], high=RANGES[plan.over][1])
        if plan != self._plan:
            self._plan = plan
            self.changed.emit()

    @property
    def has_twins(self) -> bool:
        return self.plan.over == CLASS

    @property
    def why_not(self) -> str:
        """Why nothing can be swept now, in one sentence; "" when it can."""
        if why := why_no_new(self._draft.current.method, self._editing, self._jobs):
            return why
        if not self._steering.clip:
            return "There is no CLIP here to score by: open the file of one under Steering."
        if not self.choices:
            return "There is no strength to sweep: say what CLIP should steer to, or choose a classifier."
        return (
            ""
            if self._aims
            else "Say what CLIP should look for, under Steering or as the prompt: it scores the pictures."
        )

    @property
    def price(self) -> str:
        """How long it will take, in words; "" before a run of this model was measured."""
        try:
            requests = [one for _, sweep in self._series(roll()) for one in sweep.requests()]
        except RequestError as error:
            return str(error)
        seconds = [self._prices.seconds(request) for request in requests]
        return "" if None in seconds else f"≈ {in_words(sum(s for s in seconds if s is not None))}"

    # the sweep itself

    def start(self) -> bool:
        """Sweep as planned, at the draft's seeds; False, with a notice, where that cannot be."""
        if self.running or self.why_not:
            return False
        try:
            series = self._series(self._draft.current.seed)
            self._total = sum(request.evaluations for _, sweep in series for request in sweep.requests())
        except RequestError as error:
            self.notice_raised.emit(Notice("error", str(error)))
            return False
        self._swept, self._chosen, self._over = [], None, self.plan.over
        self._done = self._before = 0
        self._waiting = series
        self._next()
        return True

    def cancel(self) -> None:
        """Before the next model call; the points that are there stay."""
        self._waiting = []
        if self._task is not None:
            self._task[0].cancel()

    @property
    def running(self) -> bool:
        return self._task is not None

    @property
    def share(self) -> float:
        """How much of it is done, 0 … 1."""
        return min(1.0, self._done / self._total) if self._total else 0.0

    # the points

    @property
    def swept(self) -> list[SweptPoint]:
        """The points, as they came."""
        return list(self._swept)

    @property
    def over(self) -> str:
        """Whose strength the points are of."""
        return self._over

    @property
    def chosen(self) -> SweptPoint | None:
        return self._chosen

    @chosen.setter
    def chosen(self, one: SweptPoint | None) -> None:
        if one is not self._chosen:
            self._chosen = one
            self.changed.emit()

    def at_same_value(self, one: SweptPoint) -> list[SweptPoint]:
        """The points of every series at the same value, that one's own first."""
        same = [other for other in self._swept if other.point.value == one.point.value and other is not one]
        return [one, *same]

    def use(self, one: SweptPoint) -> None:
        """Put the settings of a point's pictures on the panel."""
        try:
            self._draft.current = Draft.of(one.point.request)
        except RequestError as error:
            self.notice_raised.emit(Notice("error", str(error)))

    # inside

    @property
    def _aims(self) -> tuple[Aim, ...]:
        """What the pictures are scored against: the aims of CLIP, else the class, else the prompt."""
        clip, of_class = self._steering.clip_guide, self._steering.class_guide
        if clip is not None:
            return clip.aims
        draft = self._draft.current
        words = of_class.label if of_class is not None else draft.prompt.strip() or draft.label or ""
        return (Aim(words[:MAX_AIM_TEXT]),) if words else ()  # a run reports a prompt that is too long

    def _series(self, seed: int) -> list[Series]:
        """The jobs, by the name of their series. Raises RequestError."""
        plan = self.plan
        draft = replace(self._draft.current, seed=seed, batch=plan.pictures)
        request, snapshot = resolve_edit(draft, self._draft.model, self._editing, self._draft.finder)
        values = spaced_values(plan.low, plan.high, plan.count)
        if plan.over == CLIP and plan.low > 0:
            values = (0.0, *values)  # without guidance: the others are compared with it
        over = "guidance" if plan.over == GUIDANCE else "scale"
        kind = ClassGuide if plan.over == CLASS else ClipGuide
        made = list[Series]()
        guide = next((n for n, one in enumerate(request.guides) if isinstance(one, kind)), 0)
        variants = [("", request)]
        if plan.over == CLASS and plan.twins:
            variants = [(NOISY, _with_twin(request, guide, True)), (CLEAN, _with_twin(request, guide, False))]
        for name, variant in variants:
            sweep = Sweep(
                request=variant, over=over, values=values, clip=self._steering.clip, aims=self._aims, guide=guide,
                pictures=self._steering.pictures.of_aims((*self._aims, *_aims_of(variant))),
                inputs=snapshot.inputs if snapshot else None,
            )  # fmt: skip
            made.append((name, sweep))
        return made

    def _next(self) -> None:
        if self._waiting:
            name, sweep = self._waiting.pop(0)
            task = self._engine.do(sweep)
            self._task = task, name
            task.told.connect(self._on_told)
            task.ended.connect(self._on_ended)
        self.changed.emit()

    def _on_told(self, events: Sequence[Event]) -> None:
        assert self._task is not None, "one at a time"
        points = [SweptPoint(self._task[1], one) for one in events if isinstance(one, SweepPoint)]
        for one in events:
            if isinstance(one, SweepStep):
                self._done, self._total = self._before + one.done, max(self._total, self._before + one.total)
        if points:
            self._swept += points
            self._chosen = self._chosen or points[0]
            self.changed.emit()
        self.progressed.emit()

    def _on_ended(self, end: End) -> None:
        self._task, self._before = None, self._done
        if end.how == "failed":
            self._waiting = []
            self.notice_raised.emit(Notice("error", end.sentence))
        self._next()


def pareto_front(swept: Sequence[SweptPoint], series: str, by_diversity: bool) -> list[SweptPoint]:
    """The points of a series that no other one beats: a higher score with less strain, or with more diversity."""
    of_it = [one for one in swept if one.series == series]
    points = [Point(str(k), place(one, by_diversity)[0] * (-1 if by_diversity else 1), one.point.score)
              for k, one in enumerate(of_it)]  # fmt: skip
    return [of_it[int(point.name)] for point in front([point for point in points if point.x == point.x])]


def place(one: SweptPoint, by_diversity: bool) -> tuple[float, float]:
    """Where a point lies: strain or diversity, and score. NaN where one picture has no diversity."""
    return (one.point.diversity if by_diversity else one.point.strain), one.point.score


def _with_twin(request: Request, guide: int, noisy: bool) -> Request:
    guides = list(request.guides)
    of_class = guides[guide]
    assert isinstance(of_class, ClassGuide)
    guides[guide] = replace(of_class, noisy=noisy, sha256="")
    return replace(request, guides=tuple(guides))


def _aims_of(request: Request) -> tuple[Aim, ...]:
    return tuple(aim for guide in request.guides if isinstance(guide, ClipGuide) for aim in guide.aims)
