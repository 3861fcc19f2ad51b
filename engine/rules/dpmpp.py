"""DPM-Solver++ multistep (Lu et al. 2022b) in λ = −log σ: exponential integrators on x̂₀."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.precision import wide
from engine.rules.ddim import noised_move
from engine.rules.exponential import integrate
from engine.types import Move, Option, Past, Rule, remember

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Denoiser, History, NoiseSource


def dpmpp_2m(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource, *, eta: float = 0.0) -> Move:
    """Extrapolate x̂₀ linearly in λ to the middle of the step (Algorithm 2 of the paper).

    η > 0 does the same on the reverse SDE with η times DDPM's noise: σ↓ = σ'e^(−ηh).
    """
    x0 = d(x, s)
    if s2 == 0:
        return noised_move(x0, x, s, 0.0, 0.0, past, z)
    h, ahead = math.log(s / s2), wide(x0)
    if past:
        last = past[-1]
        r = math.log(last.s / s) / h
        ahead = ahead.add(ahead - last.x0, alpha=1 / (2 * r))
    std = s2 * (-math.expm1(-2 * eta * h)) ** 0.5 if eta > 0 else 0.0
    return noised_move(x0, x, s, s2 * math.exp(-eta * h), std, past, z, ahead)


def dpmpp_2m_sde(
    d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource, *, eta: float = 1.0
) -> Move:
    return dpmpp_2m(d, x, s, s2, past, z, eta=eta)


def dpmpp_2m_sde_heun(
    d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource, *, eta: float = 1.0
) -> Move:
    """Integrate the line through the last two x̂₀ exactly, where 2M SDE uses its value at the middle of the step."""
    return _multistep_sde(d, x, s, s2, past[-1:], z, eta, past)


def dpmpp_3m_sde(
    d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource, *, eta: float = 1.0
) -> Move:
    """Integrate a parabola through the last three x̂₀ on the reverse SDE (k-diffusion's `sample_dpmpp_3m_sde`).

    As published, with half of the parabola's quadratic term: η = 0 is the 3M of diffusers, of order 2; dpmpp_3m has
    the whole term.
    """
    return _multistep_sde(d, x, s, s2, past[-2:], z, eta, past)


def _multistep_sde(
    d: Denoiser,
    x: Tensor,
    s: float,
    s2: float,
    older: History,
    z: NoiseSource,
    eta: float,
    past: History,
) -> Move:
    """Step the reverse SDE in λ with up to two `older` evaluations; σ↓ = σ'e^(−ηh), τ² = σ'²(1 − e^(−2ηh))."""
    x0 = d(x, s)
    if s2 == 0:
        return noised_move(x0, x, s, 0.0, 0.0, past, z)
    h, ahead = math.log(s / s2), wide(x0)
    k = h * (1 + eta)
    share = -math.expm1(-k)  # of x̂₀ in the mean
    if older:
        phi2 = 1 - share / k
        last = older[-1]
        r0 = math.log(last.s / s) / h
        first = (ahead - last.x0) / r0  # the divided difference per step
        if len(older) > 1:
            before = older[-2]
            r1 = math.log(before.s / last.s) / h
            second = (first - (wide(last.x0) - before.x0) / r1) / (r0 + r1)
            first = first + r0 * second
            ahead = ahead - (phi2 / k - 0.5) / share * second
        ahead = ahead + phi2 / share * first
    std = s2 * (-math.expm1(-2 * eta * h)) ** 0.5 if eta > 0 else 0.0
    return noised_move(x0, x, s, s2 * math.exp(-eta * h), std, past, z, ahead)


def dpmpp_3m(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource) -> Move:
    """Integrate the parabola through the last three x̂₀ exactly: the exponential Adams–Bashforth method of order 3.

    Published code uses half of the parabola's quadratic term, which gives order 2 only.
    """
    x0 = d(x, s)
    older = [(p.s, p.x0) for p in past[-2:]]
    state = (integrate(Past(s, x, x0), s2, older) if s2 > 0 else wide(x0)).to(x.dtype)
    return Move(state, x0, x, s, state, 0.0, remember(past, s, x, x0))


DPMPP_2M = Rule(
    dpmpp_2m,
    "DPM-Solver++ 2M",
    "Second order with one call a step, from the last two x̂₀: sharp in 10 to 25 steps.",
)
DPMPP_3M = Rule(
    dpmpp_3m,
    "DPM-Solver++ 3M",
    "Third order with one call a step: for grids even in log σ, from about 20 steps on.",
)
DPMPP_2M_SDE = Rule(
    dpmpp_2m_sde,
    "DPM-Solver++ 2M SDE",
    "2M with fresh noise at every step, which corrects errors: rich detail in 20 to 40 steps.",
    stochastic=True,
    options=(Option("eta", 1.0, 0.0, 2.0, "Fresh noise at each step: 0 is DPM-Solver++ 2M", noise=True),),
)
DPMPP_2M_SDE_HEUN = Rule(
    dpmpp_2m_sde_heun,
    "DPM-Solver++ 2M SDE Heun",
    "2M SDE that weighs the last two x̂₀ as Heun does: a little smoother in few steps.",
    stochastic=True,
    options=(Option("eta", 1.0, 0.0, 2.0, "Fresh noise at each step: 0 adds none", noise=True),),
)
DPMPP_3M_SDE = Rule(
    dpmpp_3m_sde,
    "DPM-Solver++ 3M SDE",
    "From the last three x̂₀, with fresh noise: smooth detail in 30 steps or more.",
    stochastic=True,
    options=(Option("eta", 1.0, 0.0, 2.0, "Fresh noise at each step: 0 adds none", noise=True),),
)
