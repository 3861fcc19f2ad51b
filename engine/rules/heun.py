"""Heun's second-order step, with churn (Karras et al. 2022, Algorithms 1 and 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.precision import wide
from engine.rules.ddim import descend
from engine.types import Move, Option, Rule, remember

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Denoiser, History, NoiseSource


def heun(
    d: Denoiser,
    x: Tensor,
    s: float,
    s2: float,
    past: History,
    z: NoiseSource,
    *,
    s_churn: float = 0.0,
    s_tmin: float = 0.0,
    s_tmax: float = 1e5,
    s_noise: float = 1.0,
) -> Move:
    """Add noise up to σ̂ = (1 + s_churn)σ, then step down to σ'.

    `s_churn` is the paper's γᵢ, which is its S_churn over the number of steps.
    """
    high, at = s, x
    if s_churn > 0 and s_tmin <= s <= s_tmax:
        high = s * (1 + s_churn)
        at = (wide(x) + s_noise * (high**2 - s**2) ** 0.5 * wide(z.normal(x))).to(x.dtype)
    x0 = d(at, high)
    ahead = descend(x0, at, high, s2)
    if s2 > 0:
        probe = ahead.to(x.dtype)
        slope = (wide(at) - wide(x0)) / high
        slope2 = (wide(probe) - wide(d(probe, s2))) / s2
        ahead = ahead + 0.5 * (s2 - high) * (slope2 - slope)
    state = ahead.to(x.dtype)
    return Move(state, x0, at, high, state, 0.0, remember(past, s, x, x0))


HEUN = Rule(
    heun,
    "Heun",
    "Second order with two model calls a step: exact and stable, the reference at many steps.",
    evals=2,
    aliases=("edm",),
    options=(
        Option("s_churn", 0.0, 0.0, 2**0.5 - 1, "Noise added before each step, as a share of its level", noise=True),
        Option("s_tmin", 0.0, 0.0, 1e5, "Add no noise below this noise level"),
        Option("s_tmax", 1e5, 0.0, 1e5, "Add no noise above this noise level"),
        Option("s_noise", 1.0, 0.9, 1.1, "Strength of the added noise: above 1 brings back lost detail"),
    ),
)
