"""Linear multistep on ε̂ over σ: Adams–Bashforth with the coefficients of the grid's own, unequal steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.precision import wide
from engine.rules.ddim import descend
from engine.types import Move, Rule, remember

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Denoiser, History, NoiseSource


def coefficients(s: float, s2: float, older: Sequence[float]) -> list[float]:
    """Compute w so that Σ wₖ(eₖ − e₀) integrates the polynomial through e₀ at σ and eₖ at older[k], from σ to σ'."""
    n, h = len(older), s2 - s  # in units of the step, so that the powers do not overflow
    powers = [[((o - s) / h) ** i for o in older] for i in range(1, n + 1)]
    moments = [h / (i + 1) for i in range(1, n + 1)]
    return [float(w) for w in np.linalg.solve(np.array(powers), np.array(moments))] if n else []


def lms(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource) -> Move:
    """Integrate the cubic through the last four ε̂ exactly (k-diffusion's `sample_lms`; ρAB of Zhang & Chen 2023).

    As published, the last hop also extrapolates: σ' = 0 gives D only without a history.
    """
    x0 = d(x, s)
    slope = (wide(x) - wide(x0)) / s
    state = descend(x0, x, s, s2)
    for w, e in zip(coefficients(s, s2, [p.s for p in past[::-1]]), past[::-1], strict=True):
        state = state + w * ((wide(e.x) - wide(e.x0)) / e.s - slope)
    state = state.to(x.dtype)
    return Move(state, x0, x, s, state, 0.0, remember(past, s, x, x0))


LMS = Rule(
    lms,
    "LMS",
    "Uses the last four slopes, weighted for unequal steps: 10 steps or more.",
    aliases=("rho-ab",),
)
