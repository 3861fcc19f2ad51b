"""The first-order samplers DDIM, DDPM and μ: x' = D + (σ↓/σ)(x − D) + τz with σ↓² + τ² = σ'².

τ = 0 is DDIM (Song et al. 2021a; in σ-form Euler on Karras et al. 2022, eq. 3); τ² = σ'²(σ² − σ'²)/σ² is DDPM's
posterior variance β̃ (Ho et al. 2020, eq. 7), which is also Euler-ancestral at η = 1, Song et al.'s ancestral sampling
of the VE process, and Permenter & Yuan's sampler at μ = ½.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from engine.precision import wide
from engine.types import Move, Option, Rule, remember

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Denoiser, History, NoiseSource


def descend(x0: Tensor, x: Tensor, s: float, s_down: float) -> Tensor:
    """Compute x̂₀ + (σ↓/σ)(x − x̂₀) in float64.

    Unlike x + (σ↓ − σ)ε̂ it does not cancel at large σ, and σ↓ = 0 gives x̂₀ exactly.
    """
    x0 = wide(x0)
    return x0.add(x - x0, alpha=s_down / s)


def ancestral(s: float, s2: float, eta: float) -> tuple[float, float]:
    """Split σ' into σ↓ and η times DDPM's noise τ, with σ↓² + τ² = σ'²; η in 0 … 1."""
    std = eta * s2 * (1 - (s2 / s) ** 2) ** 0.5 if eta > 0 else 0.0
    return (s2**2 - std**2) ** 0.5, std


def noised_move(
    x0: Tensor,
    x: Tensor,
    s: float,
    s_down: float,
    std: float,
    past: History,
    z: NoiseSource,
    ahead: Tensor | None = None,
) -> Move:
    """Move towards `ahead` (by default x̂₀) down to s_down, then add noise of deviation `std`."""
    exact = descend(x0 if ahead is None else ahead, x, s, s_down)
    mean = exact.to(x.dtype)
    state = (exact + std * wide(z.normal(x))).to(x.dtype) if std > 0 else mean
    return Move(state, x0, x, s, mean, std, remember(past, s, x, x0))


def ddim(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource, *, eta: float = 0.0) -> Move:
    """Take one DDIM step (Song et al. 2021a, eqs. 12 and 16): τ = η·τ_β̃; η = 0 is deterministic, η = 1 DDPM."""
    down, std = ancestral(s, s2, eta)
    return noised_move(d(x, s), x, s, down, std, past, z)


def mu(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource, *, mu: float = 0.5) -> Move:
    """Step down to σ_t', where σ' = σ^μ·σ_t'^(1−μ), then add noise up to σ' (Permenter & Yuan 2024).

    μ = 0 is DDIM, μ = ½ DDPM.
    """
    s_down = s2 * (s2 / s) ** (mu / (1 - mu))
    return noised_move(d(x, s), x, s, s_down, (s2**2 - s_down**2) ** 0.5, past, z)


DDIM = Rule(
    ddim,
    "DDIM",
    "First order and deterministic: the simplest sampler.",
    aliases=("euler",),
    options=(Option("eta", 0.0, 0.0, 1.0, "Fresh noise at each step: 0 adds none, 1 is DDPM", noise=True),),
)
DDPM = Rule(
    partial(ddim, eta=1.0),
    "Ancestral (DDPM)",
    "Fresh noise at every step corrects errors and varies pictures: use 30 steps or more.",
    stochastic=True,
    aliases=("euler-a", "ancestral"),
)
MU = Rule(
    mu,
    "Randomised (μ)",
    "Steps below the next noise level and adds fresh noise back up: μ = 0 is DDIM, ½ DDPM, above that more random.",
    stochastic=True,
    options=(Option("mu", 0.5, 0.0, 0.9, "How far below the next level: 0 is DDIM, ½ DDPM", noise=True),),
)
