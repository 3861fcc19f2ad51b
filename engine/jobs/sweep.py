"""The job that sweeps a guidance scale: the same seeds at each value, with the gain and the cost. Needs no torch.

CLIP's score measures the gain. The cost is the look of the model's own pictures: `strain` measures how far the pictures
are from them, `diversity` how different the pictures are. The points that no other point beats are the front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from engine.jobs.job import Event, Job
from engine.jobs.score import Floats
from engine.pareto import Point, front
from engine.spec.edit import Inputs, Pixels
from engine.spec.guides import MAX_SCALE, Aim
from engine.spec.request import Request, RequestError

MAX_VALUES = 32


@dataclass(frozen=True, slots=True, eq=False)
class SweepStep(Event):
    """Progress of a sweep: `done` of `total` steps of all its runs."""

    done: int
    total: int


@dataclass(frozen=True, slots=True, eq=False)
class SweepPoint(Event):
    """One value of a sweep.

    request   -- the request of these pictures (with its second stage, which the sweep leaves out)
    rgb       -- the pictures, uint8 (B, H, W, 3)
    scores    -- CLIP's, (B,)
    diversity -- how different the pictures are: mean of 1 − cosine over pairs, by CLIP; NaN for one picture
    strain    -- how unlike the model's own pictures they are: root mean square of x0 − D(x0 + σ·ε) at σ = ½ with the
                 same noise at every value, without a condition. The model does not restore what it would not draw
                 itself
    seconds   -- the time of the runs
    """

    value: float
    request: Request
    rgb: Pixels
    scores: Floats
    diversity: float
    strain: float
    seconds: float

    @property
    def score(self) -> float:
        """The mean of the pictures' scores."""
        return float(self.scores.mean())


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Sweep(Job):
    """Run the same seeds at each of `values`: of γ (over "guidance") or of the scale of guide `guide` (over "scale").

    clip, aims -- the CLIP and the aims for the scores; the CLIP may differ from the guiding one

    Sends a SweepPoint for each value, in the given order, and SweepSteps between. Raises the errors of a run,
    ModelError and RequestError.
    """

    kind: ClassVar[str] = "sweep"

    request: Request
    over: str
    values: tuple[float, ...]
    clip: str
    aims: tuple[Aim, ...]
    guide: int = 0
    pictures: tuple[Pixels, ...] = ()
    inputs: Inputs | None = None

    def requests(self) -> tuple[Request, ...]:
        """Return the requests of the runs, one for each value. Raises RequestError for a sweep that is not possible."""
        if not 1 <= len(self.values) <= MAX_VALUES:
            raise RequestError(f"A sweep has 1 to {MAX_VALUES} values: choose fewer.")
        if self.over == "guidance":
            return tuple(replace(self.request, guidance=float(value)) for value in self.values)
        if self.over != "scale":
            raise RequestError(f"There is no sweep over “{self.over}”: choose guidance or scale.")
        guides = self.request.guides
        if not 0 <= self.guide < len(guides):
            raise RequestError("There is no such guide to sweep: add one.")
        before, after = guides[: self.guide], guides[self.guide + 1 :]
        swept = (replace(guides[self.guide], scale=float(value)) for value in self.values)
        return tuple(replace(self.request, guides=(*before, one, *after)) for one in swept)


def pareto_indices(points: Sequence[SweepPoint]) -> tuple[int, ...]:
    """Return the indices of the points that no other point beats in both score and strain, by rising strain."""
    named = [Point(str(k), point.strain, point.score) for k, point in enumerate(points)]
    return tuple(int(point.name) for point in front(named))


def spaced_values(low: float, high: float, count: int) -> tuple[float, ...]:
    """Return `count` values from low to high: even in the logarithm where both are above 0, else even."""
    if not (np.isfinite(low) and np.isfinite(high) and -MAX_SCALE <= low <= high <= MAX_SCALE):
        raise RequestError("A sweep goes from one number up to another: set both.")
    space = np.geomspace if low > 0 else np.linspace
    return tuple(float(f"{value:.3g}") for value in space(low, high, count))
