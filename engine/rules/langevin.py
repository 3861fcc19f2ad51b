"""Samplers that walk with the score: annealed Langevin dynamics, and predictor–corrector with Langevin or HMC.

Score = (D − x)/σ². Step lengths are in units of σ, so that one number fits every level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.precision import wide
from engine.rules.reverse import REVERSE_DIFFUSION
from engine.types import Move, Option, Rule, remember

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Denoiser, History, NoiseSource


def langevin(
    d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource, *, steps: int = 5, delta: float = 0.1
) -> Move:
    """Apply x ← x + δ·score + √(2δ)z `steps` times at σ', with δ = delta·σ'²; at σ' = 0 denoise once.

    Over descending levels this is annealed Langevin dynamics (Song & Ermon 2019, Algorithm 1): its step size
    αᵢ = ε(σᵢ/σ_L)² is 2δ here, and its published ε = 2e-5 at σ_L = .01 is delta = .1. On a path that stays at one
    level it is plain Langevin dynamics: on N(m, c) at σ it settles at the variance v/(1 − δ/2v), v = c + σ².
    """
    if s2 == 0:
        x0 = d(x, s)
        return Move(x0, x0, x, s, x0, 0.0, remember(past, s, x, x0))
    std, state, first = s2 * (2 * delta) ** 0.5, x, None
    for k in range(steps):
        x0 = d(state, s2)
        first = x0 if first is None else first
        mean = wide(x0) + (1 - delta) * (wide(state) - wide(x0))
        state = (mean + std * wide(z.normal(x, k))).to(x.dtype)
    assert first is not None
    return Move(state, first, x, s2, mean.to(x.dtype), std, remember(past, s, x, first))


def pc(
    d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource, *, steps: int = 1, snr: float = 0.16
) -> Move:
    """Step by reverse diffusion, then correct by Langevin steps (Song et al. 2021b, Algorithms 2 and 4).

    Each image has its own step size ε = 2(snr·‖z‖/‖score‖)²: with norms over the batch images would affect each other.
    """
    move = REVERSE_DIFFUSION(d, x, s, s2, past, z)
    state = move.x
    for k in range(steps if s2 > 0 else 0):
        noise = wide(z.normal(x, k + 1))
        pull = wide(d(state, s2)) - wide(state)  # σ'²·score
        size = (2 * (snr * s2 * _norm(noise) / _norm(pull)) ** 2).nan_to_num(0, 0, 0)  # ε/σ'²; 0 where the score is 0
        state = (wide(state) + size * pull + s2 * (2 * size) ** 0.5 * noise).to(x.dtype)
    return Move(state, move.x0, x, s, state, 0.0, move.past)


def pc_hmc(
    d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource, *, leaps: int = 3, leap: float = 0.3
) -> Move:
    """Step by reverse diffusion, then correct by `leaps` leapfrog steps of length leap·σ' (Hamiltonian Monte Carlo).

    The momentum is drawn anew in each hop. No step is rejected, since only the score is known (Neal 2011; Song et al.
    2021b name such correctors). With one leap it is a Langevin step of δ = (leap·σ')²/2.
    """
    move = REVERSE_DIFFUSION(d, x, s, s2, past, z)
    if s2 == 0:
        return move
    state, velocity = move.x, leap * s2 * wide(z.normal(x, 1))
    for k in range(leaps):
        kick = leap**2 * (wide(d(state, s2)) - wide(state))
        velocity = velocity + (0.5 * kick if k == 0 else kick)
        state = (wide(state) + velocity).to(x.dtype)
    return Move(state, move.x0, x, s, state, 0.0, move.past)


def _norm(x: Tensor) -> Tensor:
    """Compute ‖x‖ of each image, in a shape that multiplies x."""
    return x.flatten(1).norm(dim=1).reshape(-1, *[1] * (x.ndim - 1))


LANGEVIN = Rule(
    langevin,
    "Annealed Langevin",
    "The first score-based sampler, a random walk at each noise level: needs many calls, gives rough pictures.",
    evals=5,
    stochastic=True,
    aliases=("annealed-langevin", "ncsn"),
    options=(
        Option("steps", 5, 1, 100, "Langevin steps at each noise level", evals=1),
        Option("delta", 0.1, 0.001, 0.5, "Step size as a share of the level's variance"),
    ),
    keeps_law=False,
)
PC = Rule(
    pc,
    "Predictor–corrector",
    "Reverse diffusion, corrected by Langevin steps at each level: lively detail, needs many steps.",
    evals=2,
    stochastic=True,
    options=(
        Option("steps", 1, 0, 10, "Langevin steps at each noise level", evals=1),
        Option("snr", 0.16, 0.01, 0.5, "Size of the Langevin steps: signal to noise"),
    ),
    keeps_law=False,
)
PC_HMC = Rule(
    pc_hmc,
    "Predictor–corrector, HMC",
    "Reverse diffusion, corrected by a short Hamiltonian trajectory at each level.",
    evals=4,
    stochastic=True,
    options=(
        Option("leaps", 3, 1, 20, "Leapfrog steps at each noise level", evals=1),
        Option("leap", 0.3, 0.01, 1.0, "Length of a leapfrog step in units of the noise level"),
    ),
    keeps_law=False,
)
