"""Exponential integrators on x̂₀ in λ = −log σ: one step with a polynomial through several x̂₀.

x' = (σ'/σ)x + ∫ e^(−h(1−u))·x̂₀(u)·h du over the step, u from 0 to 1, h = λ' − λ (Lu et al. 2022b, eq. 9, α = 1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.precision import wide
from engine.rules.ddim import descend

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Past


def moments(h: float, n: int) -> list[float]:
    """Compute gᵢ = ∫ h·e^(−h(1−u))·uⁱ du over 0 … 1, for i = 1 … n."""
    if abs(h) < 1:  # the recursion would cancel
        terms = [h**j / math.factorial(j) for j in range(24)]
        return [h * math.exp(-h) * sum(t / (i + j + 1) for j, t in enumerate(terms)) for i in range(1, n + 1)]
    g, out = -math.expm1(-h), []
    for i in range(1, n + 1):
        g = 1 - i / h * g
        out.append(g)
    return out


def weights(h: float, offsets: Sequence[float], halved: bool = False) -> list[float]:
    """Compute w so that Σ wₖ(mₖ − m₀) integrates the polynomial through m₀ at u = 0 and mₖ at u = offsets[k].

    `halved`: with a single point, use (1 − e^(−h))/2 instead of g₁, as DPM-Solver++ 2M and UniPC's B₂(h) do.
    """
    if halved and len(offsets) == 1:
        return [-0.5 * math.expm1(-h) / offsets[0]]
    powers = [[r**i for r in offsets] for i in range(1, len(offsets) + 1)]
    return [float(w) for w in np.linalg.solve(np.array(powers), np.array(moments(h, len(offsets))))]


def integrate(base: Past, s2: float, others: Sequence[tuple[float, Tensor]], halved: bool = False) -> Tensor:
    """Step from `base` to s2 > 0 with the polynomial through base.x0 and `others`, (σ, x̂₀); in wide precision."""
    x0 = wide(base.x0)
    state = descend(x0, base.x, base.s, s2)
    if others:
        h = math.log(base.s / s2)
        offsets = [math.log(base.s / s) / h for s, _ in others]
        for w, (_, other) in zip(weights(h, offsets, halved), others, strict=True):
            state = state + w * (wide(other) - x0)
    return state
