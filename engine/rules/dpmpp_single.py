"""DPM-Solver++ with a second model call inside each step: 2S ancestral, and SDE (Lu et al. 2022b; k-diffusion)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.precision import wide
from engine.rules.ddim import ancestral, descend, noised_move
from engine.types import Move, Option, Rule, remember

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Denoiser, History, NoiseSource


def dpmpp_2s(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource, *, eta: float = 1.0) -> Move:
    """Step down to σ↓ by the x̂₀ at √(σσ↓) (Algorithm 1 of the paper, r = ½), then add η times DDPM's noise."""
    x0 = d(x, s)
    down, up = ancestral(s, s2, eta)
    ahead = x0
    if down > 0:
        middle = (s * down) ** 0.5
        ahead = d(descend(x0, x, s, middle).to(x.dtype), middle)
    return noised_move(x0, x, s, down, up, past, z, ahead)


def dpmpp_sde(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource, *, eta: float = 1.0) -> Move:
    """Step to √(σσ') with noise, then from σ to σ' by the x̂₀ found there (k-diffusion's `sample_dpmpp_sde`, r = ½).

    Both noises are increments of one Brownian motion over σ: the second holds the first, with the weights of the
    lengths of their intervals.
    """
    x0 = d(x, s)
    if s2 == 0:
        return noised_move(x0, x, s, 0.0, 0.0, past, z)
    middle = (s * s2) ** 0.5
    down, up = ancestral(s, middle, eta)
    probe = descend(x0, x, s, down)
    first = wide(z.normal(x)) if up > 0 else None
    if first is not None:
        probe = probe + up * first
    ahead = d(probe.to(x.dtype), middle)
    down, up = ancestral(s, s2, eta)
    state = descend(ahead, x, s, down)
    if first is not None:
        share = (s - middle) / (s - s2)
        state = state + up * (share**0.5 * first + (1 - share) ** 0.5 * wide(z.normal(x, 1)))
    state = state.to(x.dtype)
    return Move(state, x0, x, s, state, 0.0, remember(past, s, x, x0))


DPMPP_2S_A = Rule(
    dpmpp_2s,
    "DPM-Solver++ 2S a",
    "Second order with two model calls a step and fresh noise: clean detail in 10 to 20 steps.",
    evals=2,
    stochastic=True,
    aliases=("dpmpp-2s-ancestral",),
    options=(Option("eta", 1.0, 0.0, 1.0, "Fresh noise at each step: 0 is DPM-Solver++ 2S", noise=True),),
)
DPMPP_SDE = Rule(
    dpmpp_sde,
    "DPM-Solver++ SDE",
    "The reverse SDE with two model calls a step: rich detail in 8 to 15 steps.",
    evals=2,
    stochastic=True,
    options=(Option("eta", 1.0, 0.0, 1.0, "Fresh noise at each step: 0 adds none", noise=True),),
)
