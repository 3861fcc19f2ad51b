"""Grids: the noise levels of a run, by spacing (karras, log, balanced, trailing …).

Sources: Karras et al. 2022 (the rho grid), Lin et al. 2024 (leading, linspace, trailing), named_grids.py for the
others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from engine.schedules.named_grids import (
    AYS_SD,
    AYS_XL,
    align_your_steps,
    beta_quantile,
    kl_optimal,
    linear_quadratic,
)
from engine.schedules.processes import SIGMA_OF_PURE_NOISE, Array, Discrete, Flow, Schedule

SHORTEST_HOP = 1e-3  # the shortest useful hop, as a share of its noise level
SIMPLE = 1000  # training steps of a flow, for the spacing "simple"
DEFAULT: str = "balanced"  # chosen together with rules.DEFAULT by measurement: docs/samplers.md

SPACINGS: dict[str, str] = {
    "karras": "Most levels at low noise: fine detail in few steps",
    "log": "Even in log σ: each level is the same factor below the one before",
    "balanced": "Between even in log σ and even in a flow's time: most levels where the picture takes shape",
    "uniform-t": "Even in the model's time",
    "trailing": "Even in the model's time, from pure noise on",
    "leading": "As in the first DDIM: never visits the noisiest level",
    "linspace": "Evenly spaced training steps, both ends included",
    "sgm-uniform": "Even in the model's time, without its last level: for Turbo, Lightning, LCM",
    "simple": "Every so many training steps from pure noise on",
    "beta": "Most levels at both ends of the model's time: structure and detail in few steps",
    "beta-sigma": "Most levels at both ends of the noise range",
    "ays": "Align Your Steps, learned for Stable Diffusion 1.5: 10 steps",
    "ays-xl": "Align Your Steps, learned for SDXL: 10 steps",
    "kl-optimal": "Even in arctan σ: from the theory of Align Your Steps",
    "linear-quadratic": "Short steps in the first half: for video and flow models",
}
WITHOUT_SCHEDULE = frozenset(
    ("karras", "log", "balanced", "beta-sigma", "ays", "ays-xl", "kl-optimal", "linear-quadratic")
)
TO_ZERO = frozenset(("trailing", "sgm-uniform", "simple", "beta", "ays", "ays-xl", "linear-quadratic"))


def levels_below(sigmas: Iterable[float], sigma: float) -> list[float]:
    """Return the descending levels below σ, which a run at σ still visits.

    A level less than SHORTEST_HOP below σ counts as σ, unless σ is one of the levels: after a first hop of almost no
    length the slope of a multistep sampler would be almost undefined.
    """
    levels = list(sigmas)
    limit = sigma if sigma in levels else sigma * (1 - SHORTEST_HOP)
    return [s for s in levels if s < limit]


def grid(
    spacing: str,
    n: int,
    sigma_max: float,
    sigma_min: float,
    final_zero: bool = True,
    schedule: Schedule | None = None,
) -> Array:
    """Return the n+1 noise levels of n steps, strictly descending, float64.

    spacing    -- a key of SPACINGS; all but WITHOUT_SCHEDULE need `schedule`, and on a Discrete one "trailing",
                  "leading", "linspace", "simple" and "beta" visit whole training steps only; its steps_offset shifts
                  "leading", which then ends above sigma_min; "linear-quadratic" is in time where the schedule is a
                  Flow, else in σ
    sigma_max  -- the first level (∞ means 1e5); "leading" starts below it, except for n = 1
    sigma_min  -- the last positive level; final_zero appends 0. Spacings of TO_ZERO with final_zero go to 0 without
                  visiting sigma_min

    Raises ValueError, with a sentence for the user, for levels that do not exist.
    """
    if spacing not in SPACINGS:
        raise ValueError(f"There is no spacing {spacing!r}: choose one of {', '.join(SPACINGS)}.")
    if n != int(n) or n < 1:
        raise ValueError(f"{n} steps are not possible: choose 1 or more.")
    top = SIGMA_OF_PURE_NOISE if sigma_max == math.inf else float(sigma_max)
    bottom = float(sigma_min)
    n = int(n)
    k = n if final_zero else n + 1  # positive levels
    if not (0 < bottom < top < math.inf or (k == 1 and 0 < bottom == top)):
        raise ValueError(
            f"Noise levels from {sigma_max:g} to {sigma_min:g} are not possible: choose 0 < sigma_min < sigma_max."
        )
    if spacing in WITHOUT_SCHEDULE:
        levels = _levels(spacing, n, k, top, bottom, schedule)
    elif schedule is None:
        have = "karras, log or balanced"
        raise ValueError(f"The spacing {spacing!r} needs the model's schedule: choose {have} without one.")
    elif not math.isclose(schedule.sigma(schedule.t(top)), top, rel_tol=1e-6):
        raise ValueError(f"This model knows no noise above {schedule.sigma_max:g}: choose a sigma_max up to that.")
    else:
        levels = schedule.sigma(_times(spacing, n, final_zero, schedule.t(top), schedule.t(bottom), schedule))
    shifted = spacing == "leading" and k > 1 and isinstance(schedule, Discrete) and schedule.steps_offset > 0
    if spacing != "leading" or k == 1:
        levels[0] = top
    if k > 1 and not (spacing in TO_ZERO and final_zero) and not shifted:
        levels[-1] = bottom
    if not np.all(np.diff(levels) < 0):
        raise ValueError(f"The model has too few noise levels for {n} steps: choose fewer steps or another spacing.")
    return np.append(levels, 0.0) if final_zero else levels


def _levels(spacing: str, n: int, k: int, top: float, bottom: float, schedule: Schedule | None) -> Array:
    """Return k levels of n steps, for a spacing that needs no schedule; k is n where 0 follows, else n + 1."""
    if spacing == "karras":
        return np.linspace(top ** (1 / 7), bottom ** (1 / 7), k) ** 7
    if spacing == "log":
        return np.geomspace(top, bottom, k)
    if spacing == "balanced":
        return _balanced(top, bottom, k) if k > 1 else np.array([top])
    if spacing == "beta-sigma":  # diffusers' use_beta_sigmas
        return bottom + (top - bottom) * beta_quantile(np.linspace(1, 0, k))
    if spacing == "kl-optimal":
        return kl_optimal(top, bottom, k)
    if spacing == "linear-quadratic":
        share = linear_quadratic(n)[:k]
        if isinstance(schedule, Flow):
            low = schedule.t(bottom) if k > n else 0.0
            return schedule.sigma(low + (schedule.t(top) - low) * share)
        low = bottom if k > n else 0.0
        return low + (top - low) * share
    return align_your_steps(AYS_XL if spacing == "ays-xl" else AYS_SD, top, bottom, n)[:k]


def _balanced(top: float, bottom: float, k: int) -> Array:
    """Return k levels even in .55u + .45t, each scaled to 0 … 1 over the range: u = log σ, t = σ/(½ + σ).

    t is the time of a rectified flow for data of standard deviation ½ (the σ_data of Karras et al. 2022). Even steps in
    log σ alone spend half of few steps above σ = 1, where x̂₀ hardly changes; even steps in t leave almost none below
    σ = .1, where the detail forms. dt/du is the logistic density: the levels are densest around σ = ½. The weights were
    chosen by the errors on the mixture and on both embedded models (docs/samplers.md).
    """

    def place(u: Array) -> Array:
        t = 1 / (1 + 0.5 * np.exp(-u))
        return 0.55 * (u - u[-1]) / (u[0] - u[-1]) + 0.45 * (t - t[-1]) / (t[0] - t[-1])

    u = np.linspace(math.log(top), math.log(bottom), 8193)
    return np.exp(np.interp(np.linspace(1, 0, k), place(u)[::-1], u[::-1]))


def _times(spacing: str, n: int, final_zero: bool, high: float, low: float, schedule: Schedule) -> Array:
    """Return n descending times, n+1 without final_zero; on a Discrete schedule whole ones, except "uniform-t" and
    "sgm-uniform".

    "simple" counts in steps of a table; a schedule without one counts as a table of SIMPLE times down from `high`.
    """
    k = n if final_zero else n + 1
    if spacing == "sgm-uniform":
        return np.linspace(high, low, n + 1)[:k]
    if spacing == "beta":
        return _beta(n, k, high, low, isinstance(schedule, Discrete))
    if spacing == "simple" and not isinstance(schedule, Discrete):
        if final_zero:
            return high - (high - min(low, 0.0)) * (np.arange(n) * SIMPLE // n / SIMPLE)
        return np.linspace(high, low, k)
    if not isinstance(schedule, Discrete) or spacing == "uniform-t":
        if spacing == "trailing" and final_zero:
            return np.linspace(high, min(low, 0.0), n + 1)[:-1]
        if spacing == "leading":
            return np.linspace(high, low, k + 1)[1:]
        return np.linspace(high, low, k)
    high, low = round(high), round(low)
    count = high - low + 1
    if spacing == "trailing" and final_zero:
        return np.round(high + 1 - np.arange(n) * (count / n)) - 1.0  # round before the −1: halves go to even
    if spacing == "simple":
        return high - np.floor(np.arange(k) * ((count if final_zero else count - 1) / n))
    if spacing == "leading":
        return np.minimum(low + schedule.steps_offset + np.arange(k, dtype=np.float64)[::-1] * (count // k), high)
    return np.round(np.linspace(high, low, k))


def _beta(n: int, k: int, high: float, low: float, whole: bool) -> Array:
    """Return k times at the quantiles 1, 1 − 1/n … of a beta law (Lee et al. 2024); `whole` ones where all differ."""
    share = beta_quantile(1 - np.arange(k) / n)
    times = low + (high - low) * share
    if whole:
        rounded = round(low) + np.rint((round(high) - round(low)) * share)
        return rounded if np.all(np.diff(rounded) < 0) else times
    return times
