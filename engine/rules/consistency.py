"""Steps for distilled models whose x̂₀ is a finished picture at every noise level: LCM and TCD."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from engine.rules.ddim import noised_move
from engine.schedules import Discrete
from engine.types import Move, Option, Rule

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Denoiser, History, NoiseSource

WHOLE = 1e-6  # a training step this little below a whole one counts as that one


def lcm(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource) -> Move:
    """Go to x̂₀ and add fresh noise of σ' (Luo et al. 2023, Algorithm 3; Song et al. 2023, Algorithm 1).

    Without their boundary factors c_skip and c_out, which are 0 and 1 to within 3e-3 at σ > .03.
    """
    return noised_move(d(x, s), x, s, 0.0, s2, past, z)


def tcd(
    d: Denoiser,
    x: Tensor,
    s: float,
    s2: float,
    past: History,
    z: NoiseSource,
    *,
    schedule: Discrete,
    gamma: float = 0.3,
) -> Move:
    """Step down to the training step (1 − γ)t', rounded down, then add noise up to t' (Zheng et al. 2024, Algorithm 4).

    γ = 0 is DDIM on whole training steps. γ = 1 goes to the first training step, so nearly to x̂₀: LCM.
    """
    down = min(s2, schedule.sigma(float(math.floor((1 - gamma) * schedule.t(s2) + WHOLE)))) if s2 > 0 else 0.0
    return noised_move(d(x, s), x, s, down, (s2**2 - down**2) ** 0.5, past, z)


LCM = Rule(
    lcm,
    "LCM",
    "For distilled models (LCM, DMD): 2 to 8 steps, guidance 1 to 2. Others come out blurred.",
    stochastic=True,
)
TCD = Rule(
    partial(tcd, schedule=Discrete.scaled_linear()),
    "TCD",
    "For distilled models (TCD, Hyper): 2 to 8 steps; γ sets how much noise is fresh.",
    stochastic=True,
    options=(Option("gamma", 0.3, 0.0, 1.0, "Share of fresh noise: 0 is DDIM, 1 nearly LCM", noise=True),),
)
