"""DPM-2: the midpoint rule, with its middle at the geometric mean of both levels (Karras et al. 2022, appendix C.1).

Its name is that of k-diffusion; with noise it is "DPM2 a". It is no DPM-Solver: it integrates ε̂ over σ.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from engine.precision import wide
from engine.rules.ddim import ancestral, descend
from engine.types import Move, Option, Rule, remember

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Denoiser, History, NoiseSource


def dpm_2(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource, *, eta: float = 0.0) -> Move:
    """Step by the slope at √(σσ↓), where Euler's step leads; then add η times DDPM's noise. σ' = 0 gives D."""
    x0 = d(x, s)
    down, up = ancestral(s, s2, eta)
    ahead = descend(x0, x, s, down)
    if down > 0:
        middle = (s * down) ** 0.5
        probe = descend(x0, x, s, middle).to(x.dtype)
        slope = (wide(x) - wide(x0)) / s
        ahead = ahead + (down - s) * ((wide(probe) - wide(d(probe, middle))) / middle - slope)
    mean = ahead.to(x.dtype)
    state = (ahead + up * wide(z.normal(x))).to(x.dtype) if up > 0 else mean
    return Move(state, x0, x, s, mean, up, remember(past, s, x, x0))


DPM_2 = Rule(
    dpm_2,
    "DPM2",
    "Second order by the midpoint, two model calls a step: use 20 steps or more.",
    evals=2,
    options=(Option("eta", 0.0, 0.0, 1.0, "Fresh noise at each step: 0 adds none, 1 is DPM2 a", noise=True),),
)
DPM_2_A = Rule(
    partial(dpm_2, eta=1.0),
    "DPM2 a",
    "DPM2 with fresh noise at every step: varied pictures, in 20 steps or more.",
    evals=2,
    stochastic=True,
    aliases=("dpm-2-ancestral",),
)
