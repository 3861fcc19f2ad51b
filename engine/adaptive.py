"""An adaptive ODE solver: an embedded Runge–Kutta pair with its own step size for each row of the batch.

Bogacki and Shampine's pair of orders 3 and 2 ("A 3(2) pair of Runge–Kutta formulas", 1989): four stages, of which the
last is the first of the next step, so three evaluations a step. Nets are not smooth enough for higher orders to pay:
after equally many evaluations on Fashion, Dormand and Prince's pair of orders 5 and 4 was three to seven times as far
from the exact flow (docs/flow.md). With one step size for the whole batch, as in torchdiffeq, the hardest picture would
set the steps of all, and a picture would differ between alone and in a batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.errors import EngineError

Field = Callable[[np.ndarray, Tensor, np.ndarray], Tensor]  # (t (B,), y (B, n), which rows (B,) int) → dy/dt (B, n)

ORDER = 3
SAFETY, SHRINK, GROW = 0.9, 0.2, 5.0  # factors on the step size that the error allows (Hairer et al. 1993, II.4)
FIRST = 1 / 50  # of the whole way: the first step; its error sets the size of the next
SHORTEST = 1e-9  # of the whole way: a shorter step is lost in rounding


class FlowError(EngineError, ValueError):
    """The flow cannot be followed; the message says in one sentence what to do."""

    kind = "flow"


@dataclass(frozen=True, slots=True)
class Stretch:
    """One accepted step of one row: from (t, y) with slope f to (t2, y2) with slope f2; y and f (n,)."""

    t: float
    y: Tensor
    f: Tensor
    t2: float
    y2: Tensor
    f2: Tensor

    def at(self, t: float) -> tuple[Tensor, Tensor]:
        """Interpolate (y, dy/dt) at t within the step by the cubic through both ends, exact to third order."""
        if t == self.t2:
            return self.y2, self.f2
        h = self.t2 - self.t
        p = (t - self.t) / h
        across = self.y2 - self.y
        y = self.y + p * across + p * (p - 1) * ((1 - 2 * p) * across + (p - 1) * h * self.f + p * h * self.f2)
        bend = 6 * p * (1 - p) * across / h + (p - 1) * (3 * p - 1) * self.f + p * (3 * p - 2) * self.f2
        return y, bend


@dataclass(slots=True)
class Integration:
    """Solves dy/dt = field(t, y) from t0 to t1 for all rows of y (B, n), float64; in either direction.

    error  -- (error of a step, y before, y after), each (B, n) → (B,), the error over the tolerance: ≤ 1 is accepted
    limit  -- most evaluations of any row
    whole  -- whether the field must receive every row at each evaluation, finished rows too
    calls  -- evaluations so far
    """

    field: Field
    y: Tensor
    t0: float
    t1: float
    error: Callable[[Tensor, Tensor, Tensor], Tensor]
    limit: int
    whole: bool = True
    calls: int = 0

    def __iter__(self) -> Iterator[list[tuple[int, Stretch]]]:
        """Let every unfinished row try one step, round after round; yield the accepted steps of each round.

        Raises StepLimit at the limit, FlowError where no step is short enough.
        """
        rows = np.arange(len(self.y))
        t = np.full(len(rows), self.t0)
        way = self.t1 - self.t0
        size = np.full(len(rows), abs(way) * FIRST)
        y, f = self.y, self._slope(t, self.y, rows)
        while True:
            left = np.abs(self.t1 - t)
            going = left > 0
            if not going.any():
                return
            self._check(size, t, going, abs(way))
            at = rows if self.whole else rows[going]
            pick = torch.from_numpy(at).to(y.device)
            # a step that would leave almost nothing of the way goes to the end
            h = np.where(going, np.where(size < left * (1 - 1e-3), size, left), 0.0)[at] * math.copysign(1, way)
            new, slope, wrong = self._attempt(t[at], y[pick], f[pick], h, at)
            wrong[~np.isfinite(wrong)] = np.inf
            taken = (wrong <= 1) & going[at]
            done: list[tuple[int, Stretch]] = []
            y, f = y.clone(), f.clone()
            for k in np.flatnonzero(taken):
                row = int(at[k])
                t2 = self.t1 if abs(h[k]) == left[row] else float(t[row] + h[k])
                done.append((row, Stretch(float(t[row]), y[row].clone(), f[row].clone(), t2, new[k], slope[k])))
                y[row], f[row], t[row] = new[k], slope[k], t2
            factor = SAFETY * np.maximum(wrong, 1e-12) ** (-1 / ORDER)
            grown = np.abs(h) * factor.clip(SHRINK, GROW)
            size[at] = np.where(going[at], np.where(taken, grown, np.minimum(grown, np.abs(h) * SAFETY)), size[at])
            yield done

    def _attempt(
        self, t: np.ndarray, y: Tensor, f: Tensor, h: np.ndarray, at: np.ndarray
    ) -> tuple[Tensor, Tensor, np.ndarray]:
        step = torch.from_numpy(h).to(y)[:, None]
        low, high = min(self.t0, self.t1), max(self.t0, self.t1)
        k2 = self._slope((t + h / 2).clip(low, high), y + step / 2 * f, at)
        k3 = self._slope((t + 3 * h / 4).clip(low, high), y + 3 * step / 4 * k2, at)
        new = y + step * (2 / 9 * f + k2 / 3 + 4 / 9 * k3)
        k4 = self._slope((t + h).clip(low, high), new, at)
        wrong = step * (-5 / 72 * f + k2 / 12 + k3 / 9 - k4 / 8)
        return new, k4, self.error(wrong, y, new).cpu().double().numpy().copy()

    def _slope(self, t: np.ndarray, y: Tensor, at: np.ndarray) -> Tensor:
        self.calls += 1
        return self.field(t, y, at)

    def _check(self, size: np.ndarray, t: np.ndarray, going: np.ndarray, way: float) -> None:
        if self.calls + ORDER > self.limit:
            done = float(np.abs(t - self.t0)[going].min() / way)
            raise StepLimit(self.calls, done)
        if (size[going] < way * SHORTEST).any():
            raise FlowError(
                "The flow cannot be followed at this tolerance: its steps became shorter than rounding allows. "
                "Choose a larger tolerance, or a model that returns finite pictures at these noise levels."
            )


class StepLimit(FlowError):
    """The flow needs more evaluations than its limit."""

    def __init__(self, calls: int, done: float) -> None:
        self.calls, self.done = calls, done
        super().__init__(
            f"The flow stopped at {done:.0%} of its way, at the limit of {calls} model calls: "
            "choose a larger tolerance, or allow more calls."
        )
