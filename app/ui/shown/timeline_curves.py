"""The timeline's curves as heights in [0, 1]: σ by its logarithm, how far x̂₀ moved, the model calls so far, a score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

Points = list[tuple[int, float]]  # (step, height)


class Changing(Protocol):
    """A step of a run, as far as its curve goes."""

    @property
    def change(self) -> float: ...


def noise_curve(levels: Sequence[float]) -> Points:
    """Noise levels σ; those that are 0 or ∞ are left out."""
    logs = [(k, math.log(s)) for k, s in enumerate(levels) if 0 < s < math.inf]
    return _normalise(logs)


def change_curve(steps: Sequence[Changing]) -> Points:
    """‖Δx̂₀‖, from 0; the first step has none."""
    changes = [(k, step.change) for k, step in enumerate(steps) if math.isfinite(step.change)]
    top = change_top(steps)
    return [(k, change / top if top > 0 else 0.0) for k, change in changes]


def change_top(steps: Sequence[Changing]) -> float:
    """The largest finite ‖Δx̂₀‖, 0 where there is none."""
    return max((step.change for step in steps if math.isfinite(step.change)), default=0.0)


def calls_curve(done: Sequence[int], planned: Sequence[int]) -> Points:
    """Model calls up to and with each step, as shares of all: `done` so far, `planned` each for the steps to come."""
    before = done[-1] if done else 0
    sums = [*done, *(before + ahead for ahead in accumulate(planned))]
    return [(k, calls / sums[-1]) for k, calls in enumerate(sums)]


def score_curves(guided: Points, raw: Points) -> tuple[Points, Points]:
    """Scores of the guided and of the raw x̂₀ on one scale, from the lowest to the highest of both."""
    heights = _normalise([*guided, *raw])
    return heights[: len(guided)], heights[len(guided) :]


def _normalise(values: Points) -> Points:
    low, high = (pick((v for _, v in values), default=0.0) for pick in (min, max))
    return [(k, (v - low) / (high - low) if high > low else 1.0) for k, v in values]
