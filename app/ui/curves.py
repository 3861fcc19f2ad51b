"""The timeline's curves as heights in [0, 1]: σ by its logarithm, and how far x̂₀ moved at each step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol


class Changing(Protocol):
    """A step of a run, as far as its curve goes."""

    @property
    def change(self) -> float: ...


def noise_curve(levels: Sequence[float]) -> list[tuple[int, float]]:
    """(step, height) for noise levels σ; those that are 0 or ∞ are left out."""
    logs = [(k, math.log(s)) for k, s in enumerate(levels) if 0 < s < math.inf]
    return _spread(logs)


def change_curve(steps: Sequence[Changing]) -> list[tuple[int, float]]:
    """(step, height) of ‖Δx̂₀‖, from 0; the first step has none."""
    changes = [(k, step.change) for k, step in enumerate(steps) if math.isfinite(step.change)]
    top = change_top(steps)
    return [(k, change / top if top > 0 else 0.0) for k, change in changes]


def change_top(steps: Sequence[Changing]) -> float:
    """The largest finite ‖Δx̂₀‖, 0 where there is none."""
    return max((step.change for step in steps if math.isfinite(step.change)), default=0.0)


def _spread(values: list[tuple[int, float]]) -> list[tuple[int, float]]:
    low, high = (pick((v for _, v in values), default=0.0) for pick in (min, max))
    return [(k, (v - low) / (high - low) if high > low else 1.0) for k, v in values]
