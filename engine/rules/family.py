"""The first-order family: x' = D + (σ↓/σ)(x − D) + τz with σ↓² + τ² = σ'².

τ = 0 is DDIM (Song et al. 2021a; in σ-form Euler on Karras et al. 2022, eq. 3); τ² = σ'²(σ² − σ'²)/σ² is DDPM's
posterior variance β̃ (Ho et al. 2020, eq. 7), which is also Euler-ancestral at η = 1 and Permenter & Yuan's sampler
at μ = ½.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.precision import wide
from engine.types import Move, Rule, remember

if TYPE_CHECKING:
    from torch import Tensor

    from engine.noise import Noise
    from engine.types import Denoiser, History


def descend(x0: Tensor, x: Tensor, s: float, s_down: float) -> Tensor:
    """x̂₀ + (σ↓/σ)(x − x̂₀) in float64: unlike x + (σ↓ − σ)ε̂ it does not cancel at large σ, and σ↓ = 0 gives x̂₀."""
    x0 = wide(x0)
    return x0 + (s_down / s) * (wide(x) - x0)


def family_move(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: Noise, eta: float) -> Move:
    """One step of the family with τ = η·τ_β̃; η = 0 is deterministic."""
    x0 = d(x, s)
    std = eta * s2 * (1 - (s2 / s) ** 2) ** 0.5
    mean = descend(x0, x, s, (s2**2 - std**2) ** 0.5)
    state = mean + std * wide(z.normal(x)) if std > 0 else mean
    return Move(state.to(x.dtype), x0, x, s, mean.to(x.dtype), std, remember(past, s, x, x0))


def ddim(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: Noise) -> Move:
    return family_move(d, x, s, s2, past, z, eta=0.0)


def ddpm(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: Noise) -> Move:
    return family_move(d, x, s, s2, past, z, eta=1.0)


DDIM = Rule(ddim, "DDIM", "First order and deterministic: the plainest path from noise to picture.", aliases=("euler",))
DDPM = Rule(
    ddpm,
    "Ancestral (DDPM)",
    "Fresh noise at every step: forgiving, varied, wants 30 steps or more.",
    stochastic=True,
    aliases=("euler-a", "ancestral"),
)
