"""Samplers of the reverse-time SDE (Song et al. 2021b): Euler–Maruyama, reverse diffusion, ancestral (DDPM β).

All three discretise the SDE of a schedule's native state s·x, so VE, VP and sub-VP give different samplers: each is a
factory that takes a schedule. For x every one is x' = a·D + b(x − D) + τz.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from engine.precision import wide
from engine.schedules import VE, VP, SubVP
from engine.types import Move, Rule, remember

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Denoiser, History, NoiseSource
    from engine.types import Schedule as AnySchedule

Coefficients = Callable[[float, float], tuple[float, float, float]]  # (σ, σ') → (a, b, τ)


def linear_move(
    d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource, *, form: Coefficients
) -> Move:
    """Compute x' = a·D + b(x − D) + τz with (a, b, τ) = form(σ, σ'); σ' = 0 gives D."""
    x0 = d(x, s)
    a, b, std = form(s, s2) if s2 > 0 else (1.0, 0.0, 0.0)
    mean = a * wide(x0) + b * (wide(x) - wide(x0))
    state = mean + std * wide(z.normal(x)) if std > 0 else mean
    return Move(state.to(x.dtype), x0, x, s, mean.to(x.dtype), std, remember(past, s, x, x0))


def euler_maruyama(schedule: AnySchedule) -> Rule:
    """Step dx = (f·x − g²·score)dt + g dw backwards in the schedule's time t, with f and g at the start of the step."""

    def form(s: float, s2: float) -> tuple[float, float, float]:
        dt = schedule.t(s) - schedule.t(s2)
        f, g = schedule.sde(schedule.t(s))
        scale, scale2 = schedule.scale(s), schedule.scale(s2)
        a = scale / scale2 * (1 - f * dt)
        b = a - g**2 * dt / (scale * scale2 * s**2)
        return a, b, g * dt**0.5 / scale2

    return Rule(
        partial(linear_move, form=form),
        "Reverse SDE",
        "Euler–Maruyama on the reverse-time SDE, as first published: use hundreds of steps.",
        stochastic=True,
        aliases=("euler-maruyama",),
        keeps_law=False,
    )


def reverse_diffusion(schedule: AnySchedule) -> Rule:
    """Reverse the step of the forward chain (Song et al. 2021b, appendix E).

    Forward from σ' to σ the native state is x̃ = αx̃' + s√(σ² − σ'²)z, α = s/s', exactly for every schedule; so
    x̃' = (2 − α)x̃ + s²(σ² − σ'²)·score + s√(σ² − σ'²)z.
    """

    def form(s: float, s2: float) -> tuple[float, float, float]:
        scale, scale2 = schedule.scale(s), schedule.scale(s2)
        alpha = scale / scale2
        a = alpha * (2 - alpha)
        return a, a - alpha * (1 - (s2 / s) ** 2), alpha * (s**2 - s2**2) ** 0.5

    return Rule(
        partial(linear_move, form=form),
        "Reverse diffusion",
        "The steps of the forward process reversed: use hundreds of steps.",
        stochastic=True,
        keeps_law=False,
    )


def ancestral(schedule: AnySchedule) -> Rule:
    """Use DDPM's mean and the variance of the forward step in the native state: for VP, σ² = β of Ho et al. 2020.

    Song et al. publish it for VP (their eq. 4), where it depends on s = 1/√(1+σ²) alone; sub-VP is the same
    construction. Their ancestral sampling for VE is DDPM with β̃, RULES["ddpm"].
    """

    def form(s: float, s2: float) -> tuple[float, float, float]:
        return 1.0, (s2 / s) ** 2, schedule.scale(s) / schedule.scale(s2) * (s**2 - s2**2) ** 0.5

    return Rule(
        partial(linear_move, form=form),
        "DDPM (β)",
        "Ancestral with the larger of DDPM's two variances: use hundreds of steps.",
        stochastic=True,
        aliases=("ancestral-vp",),
        keeps_law=False,
    )


def _for_process(rule: Rule, process: str) -> Rule:
    """Name the rule after the process of its native state."""
    about = f"{rule.title} in the scaling of the {process} process: use hundreds of steps."
    return replace(rule, title=f"{rule.title}, {process}", about=about, aliases=())


REVERSE_SDE = euler_maruyama(VE())
REVERSE_SDE_VP = _for_process(euler_maruyama(VP()), "VP")
REVERSE_SDE_SUBVP = _for_process(euler_maruyama(SubVP()), "sub-VP")
REVERSE_DIFFUSION = reverse_diffusion(VE())
REVERSE_DIFFUSION_VP = _for_process(reverse_diffusion(VP()), "VP")
REVERSE_DIFFUSION_SUBVP = _for_process(reverse_diffusion(SubVP()), "sub-VP")
DDPM_BETA = ancestral(VP())
ANCESTRAL_SUBVP = _for_process(ancestral(SubVP()), "sub-VP")
