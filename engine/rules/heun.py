"""Heun's second-order step on the probability-flow ODE (Karras et al. 2022, Algorithm 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.precision import wide
from engine.rules.family import descend
from engine.types import Move, Rule, remember

if TYPE_CHECKING:
    from torch import Tensor

    from engine.noise import Noise
    from engine.types import Denoiser, History


def heun(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: Noise) -> Move:
    x0 = d(x, s)
    ahead = descend(x0, x, s, s2)
    if s2 > 0:
        probe = ahead.to(x.dtype)
        slope = (wide(x) - wide(x0)) / s
        slope2 = (wide(probe) - wide(d(probe, s2))) / s2
        ahead = ahead + 0.5 * (s2 - s) * (slope2 - slope)
    state = ahead.to(x.dtype)
    return Move(state, x0, x, s, state, 0.0, remember(past, s, x, x0))


HEUN = Rule(
    heun, "Heun", "Second order, two model calls a step: exact and steady, the reference at many steps.", evals=2
)
