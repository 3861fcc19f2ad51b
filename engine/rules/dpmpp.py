"""DPM-Solver++ multistep (Lu et al. 2022b) in λ = −log σ: exponential integrators on x̂₀."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.precision import wide
from engine.rules.family import descend
from engine.types import Move, Rule, remember

if TYPE_CHECKING:
    from torch import Tensor

    from engine.noise import Noise
    from engine.types import Denoiser, History


def dpmpp_2m(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: Noise) -> Move:
    """Algorithm 2 of the paper: x̂₀ is extrapolated linearly in λ to the middle of the step."""
    x0 = d(x, s)
    ahead = wide(x0)
    if past and s2 > 0:
        last = past[-1]
        r = math.log(last.s / s) / math.log(s / s2)
        ahead = ahead + (ahead - wide(last.x0)) / (2 * r)
    state = descend(ahead, x, s, s2).to(x.dtype)
    return Move(state, x0, x, s, state, 0.0, remember(past, s, x, x0))


DPMPP_2M = Rule(
    dpmpp_2m,
    "DPM-Solver++ 2M",
    "Second order from one call a step, by remembering the last x̂₀: sharp in 10 to 25 steps.",
)
