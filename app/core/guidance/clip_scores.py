"""CLIP scores: of the shown run step by step, and of every candidate's finished picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from PySide6.QtCore import QObject, Signal

from app.core.canvas.candidates import Candidate, Candidates
from app.core.guidance.steering import Steering
from app.core.jobs.engine import End, Engine, Task
from app.core.jobs.jobs_model import JobsModel
from app.core.notices import Notice
from app.core.shown.lineage import Lineage
from app.core.shown.viewer import Viewer
from engine.jobs.job import Event, Job
from engine.jobs.load import LoadClip
from engine.jobs.score import Floats, Score, StepScores
from engine.spec.guides import Aim, ClipGuide
from engine.spec.request import Request
from engine.store import RunReader, StoreError

QUICK_SECONDS = 0.05  # a step that takes no longer is scored between two steps of a run …
QUICK_SHARE = 0.2  # … and so is one that takes no more than this share of a step of the run itself

Key: TypeAlias = tuple[Path, int]  # a file and a step in it


@dataclass(frozen=True, slots=True)
class Target:
    """What scores are by: a CLIP and its aims. Scores of one target can be compared."""

    clip: str
    aims: tuple[Aim, ...]


@dataclass(frozen=True, slots=True)
class ScoreCurve:
    """Scores of one picture by step, (step, score) each; `raw` is empty where it is the guided one throughout."""

    guided: list[tuple[int, float]]
    raw: list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class ScoreWish:
    """Steps first … stop − 1 of the run in `path`, by `target`; urgent: between two steps of the run that goes on.

    `path` None: that the target's CLIP be loaded.
    """

    target: Target
    path: Path | None
    first: int = 0
    stop: int = 0
    urgent: bool = False


class ClipScores(QObject):
    """Asks the engine for the scores that are missing, the shown run's newest step first.

    A run that CLIP steers is scored by its own guide; others by the panel's CLIP and their prompt, if that is wanted
    (`Steering.scored`). One job at a time: what it did not answer is asked for again, the latest wish first. While a
    run is made, one step at a time is scored, between two steps of it, and only by a CLIP that is fast enough.
    """

    changed = Signal()  # scores, what is scored, or whether a CLIP is being loaded
    notice_raised = Signal(object)

    def __init__(
        self,
        shown: Viewer,
        candidates: Candidates,
        jobs: JobsModel,
        steering: Steering,
        engine: Engine,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._shown, self._candidates, self._jobs = shown, candidates, jobs
        self._steering, self._engine = steering, engine
        self._scores: dict[Target, dict[Key, tuple[Floats, Floats]]] = {}  # guided and raw, (images,) each
        self._seconds: dict[str, float] = {}  # that a step took, by CLIP; 0 for one that was only loaded
        self._failed: set[Target] = set()
        self._lasts: dict[Path, int] = {}  # the last step of a finished run, −1 where it cannot be read
        self._task: tuple[Task, ScoreWish] | None = None
        self._ranked = False
        self._curve: ScoreCurve | None = None
        self._stale = True  # the curve must be built again; every painting reads it
        for signal in (shown.run_changed, steering.changed, candidates.listed):
            signal.connect(self._refresh)
        for signal in (shown.steps_changed, shown.image_changed, jobs.changed):
            signal.connect(self._moved_on)
        engine.state_changed.connect(self._start_next)

    def target(self, request: Request | None) -> Target | None:
        """The texts and pictures that a request's pictures are scored against; None where there are none."""
        if request is None:
            return None
        for guide in request.guides:
            if isinstance(guide, ClipGuide):
                return Target(guide.clip, guide.aims)
        words = request.prompt or request.label or ""
        if not (self._steering.scored and self._steering.clip and words.strip()):
            return None
        return Target(self._steering.clip, (Aim(words),))

    @property
    def curve(self) -> ScoreCurve | None:
        """Of the shown picture; None where no CLIP looks at it."""
        if self._stale:
            self._curve, self._stale = self._put_together(), False
        return self._curve

    def finished(self, run: Path, request: Request, image: int) -> float | None:
        """The score of a finished picture; None where it has none yet."""
        target = self.target(request)
        pair = None if target is None else self._scores.get(target, {}).get((run, self._last(run)))
        return None if pair is None else float(pair[0][image])

    @property
    def ranked(self) -> bool:
        """Whether candidates and the pictures of a batch stand in the order of their scores."""
        return self._ranked

    @ranked.setter
    def ranked(self, ranked: bool) -> None:
        if ranked != self._ranked:
            self._ranked = ranked
            self._refresh()

    @property
    def can_rank(self) -> bool:
        """Whether there is anything to put in order, or an order to undo."""
        candidates = self._candidates
        asked = [candidates[tile].request for tile in range(1, len(candidates) + 1)]
        if self._shown.run is not None and self._shown.batch_size > 1:
            asked.append(self._shown.run.request)
        return self._ranked or any(self.target(request) is not None for request in asked)

    @property
    def batch(self) -> list[int]:
        """The pictures of the shown run's batch in their order: by number, or by the score of the finished picture."""
        run, images = self._shown.run, list(range(self._shown.batch_size))
        if run is None or not self._ranked:
            return images
        merits = {image: self.finished(run.own.path, run.request, image) for image in images}
        return sorted(images, key=lambda image: math.inf if (found := merits[image]) is None else -found)

    @property
    def loading(self) -> str:
        """The title of the CLIP that is being loaded, which takes seconds at its first use; "" where none is."""
        job = self._jobs.running
        if job is None:
            waits = [] if self._task is None else [self._task[1].target.clip]
        else:
            waits = [guide.clip for guide in job.request.guides if isinstance(guide, ClipGuide) and not job.steps_done]
        return next((self._steering.title_of(clip) for clip in waits if clip not in self._seconds), "")

    # inside

    def _put_together(self) -> ScoreCurve | None:
        run = self._shown.run
        target = self.target(run.request if run else None)
        if run is None or target is None:
            return None
        known, image = self._scores.get(target, {}), self._shown.image_index
        found = [
            (k, known[key], run.image_in(k, image)) for k in range(len(run.steps)) if (key := run.place(k)) in known
        ]
        guided, raw = ([(k, float(pair[n][of])) for k, pair, of in found] for n in (0, 1))
        return ScoreCurve(guided, raw if any(abs(a[1] - b[1]) > 1e-6 for a, b in zip(guided, raw, strict=True)) else [])

    def _refresh(self) -> None:
        self._stale = True
        self._order()
        self.changed.emit()
        self._start_next()

    def _moved_on(self) -> None:
        self._stale = True
        self._start_next()

    def _order(self) -> None:
        self._candidates.order_by(self._merit if self._ranked else None)

    def _merit(self, one: Candidate) -> float | None:
        return self.finished(one.run, one.request, one.image)

    def _start_next(self) -> None:
        """Begin with the most urgent wish, unless a job is under way; that one is cancelled where it is no wish."""
        if self._engine.state != "ready":
            return
        job = self._jobs.running
        if job is not None and job.steps_done:
            self._loaded(*(guide.clip for guide in job.request.guides if isinstance(guide, ClipGuide)))
        wish = next(self._wishes(), None)
        if self._task is not None:
            if wish is not None and wish.target != self._task[1].target:
                self._task[0].cancel()
        elif wish is not None:
            task = self._engine.do(self._job(wish), urgent=wish.urgent)
            self._task = task, wish
            task.told.connect(self._on_told)
            task.ended.connect(self._on_ended)
            self.changed.emit()

    def _job(self, wish: ScoreWish) -> Job:
        clip, aims = wish.target.clip, wish.target.aims
        if wish.path is None:
            return LoadClip(clip)
        pictures = self._steering.pictures.of_aims(aims)
        return Score(path=wish.path, clip=clip, aims=aims, pictures=pictures, start=wish.first, stop=wish.stop)

    def _wishes(self) -> Iterator[ScoreWish]:
        """What is missing, the most urgent first."""
        idle, run = self._jobs.running is None, self._shown.run
        target = self.target(run.request if run else None)
        if run is not None and target is not None and target not in self._failed:
            missing = self._missing(run, target)
            if missing and idle:
                yield _stretch(target, missing)
            elif missing and self._seconds.get(target.clip, math.inf) <= self._patience:
                path, index = missing[0]
                yield ScoreWish(target, path, index, index + 1, urgent=True)
        if idle:
            yield from self._of_candidates()
            clip = self._wanted_soon()
            if clip and clip not in self._seconds and (soon := Target(clip, ())) not in self._failed:
                yield ScoreWish(soon, None)

    @property
    def _patience(self) -> float:
        """Seconds that a score may take between two steps of the run that goes on."""
        job = self._jobs.running
        return (
            max(QUICK_SECONDS, QUICK_SHARE * job.seconds / job.steps_done) if job and job.steps_done else QUICK_SECONDS
        )

    def _missing(self, run: Lineage, target: Target) -> list[Key]:
        """Steps of the shown run that have no score yet, the newest first."""
        known = self._scores.get(target, {})
        return [key for k in reversed(range(len(run.steps))) if (key := run.place(k)) not in known]

    def _of_candidates(self) -> Iterator[ScoreWish]:
        """The finished pictures for the artwork that have no score yet."""
        candidates = self._candidates
        for tile in range(1, len(candidates) + 1):
            one = candidates[tile]
            target, last = self.target(one.request), self._last(one.run)
            if target is None or target in self._failed or last < 0:
                continue
            if (one.run, last) not in self._scores.get(target, {}):
                yield ScoreWish(target, one.run, last, last + 1)

    def _last(self, run: Path) -> int:
        """The last step of a finished run, read once."""
        if run not in self._lasts:
            try:
                self._lasts[run] = len(RunReader(run).steps) - 1
            except (StoreError, OSError):
                self._lasts[run] = -1
        return self._lasts[run]

    def _wanted_soon(self) -> str:
        """The CLIP that the next run needs, so that it is loaded while the person goes on choosing."""
        steering = self._steering
        wanted = steering.scored or steering.clip_chosen or steering.clip_guide is not None
        return steering.clip if wanted else ""

    def _loaded(self, *clips: str) -> None:
        for clip in clips:
            if clip not in self._seconds:
                self._seconds[clip] = 0.0
                self.changed.emit()

    def _on_told(self, events: Sequence[Event]) -> None:
        assert self._task is not None, "one at a time"
        wish = self._task[1]
        known = self._scores.setdefault(wish.target, {})
        for one in events:
            if isinstance(one, StepScores) and wish.path is not None:
                known.update(
                    {(wish.path, one.k + n): pair for n, pair in enumerate(zip(one.guided, one.raw, strict=True))}
                )
                self._seconds[wish.target.clip] = one.seconds / len(one.guided)
        self._stale = True
        self._order()
        self.changed.emit()

    def _on_ended(self, end: End) -> None:
        assert self._task is not None, "one at a time"
        target, self._task = self._task[1].target, None
        if end.how == "failed":
            self._failed.add(target)
            self.notice_raised.emit(Notice("error", end.sentence))
        elif end.how == "finished":
            self._loaded(target.clip)
        self._refresh()


def _stretch(target: Target, missing: list[Key]) -> ScoreWish:
    """The newest missing step and those right before it in the same file."""
    (path, last), there = missing[0], set(missing)
    first = last
    while (path, first - 1) in there:
        first -= 1
    return ScoreWish(target, path, first, last + 1)
