"""Grids: the noise levels of a run, by spacing (karras, log, balanced, trailing …).

Sources: Karras et al. 2022 (the rho grid), Lin et al. 2024 (leading, linspace, trailing).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from engine.schedules.processes import SIGMA_OF_PURE_NOISE, Array, Discrete, Schedule

SHORTEST_HOP = 1e-3  # the shortest useful hop, as a share of its noise level
DEFAULT: str = "balanced"  # chosen together with rules.DEFAULT by measurement: docs/samplers.md

SPACINGS: dict[str, str] = {
    "karras": "Most levels at low noise: fine detail in few steps",
    "log": "Even in log σ: each level is the same factor below the one before",
    "balanced": "Between even in log σ and even in a flow's time: most levels where the picture takes shape",
    "uniform-t": "Even in the model's time",
    "trailing": "Even in the model's time, from pure noise on",
    "leading": "As in the first DDIM: never visits the noisiest level",
    "linspace": "Evenly spaced training steps, both ends included",
}


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

    spacing    -- a key of SPACINGS; all but "karras", "log" and "balanced" need `schedule`, and on a Discrete one
                  "trailing", "leading" and "linspace" visit whole training steps only
    sigma_max  -- the first level (∞ means 1e5); "leading" starts below it, except for n = 1
    sigma_min  -- the last positive level; final_zero appends 0. "trailing" with final_zero goes to 0 without visiting
                  sigma_min

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
    if spacing == "karras":
        levels = np.linspace(top ** (1 / 7), bottom ** (1 / 7), k) ** 7
    elif spacing == "log":
        levels = np.geomspace(top, bottom, k)
    elif spacing == "balanced":
        levels = _balanced(top, bottom, k) if k > 1 else np.array([top])
    elif schedule is None:
        raise ValueError(
            f"The spacing {spacing!r} needs the model's schedule: choose karras, log or balanced without one."
        )
    elif not math.isclose(schedule.sigma(schedule.t(top)), top, rel_tol=1e-6):
        raise ValueError(f"This model knows no noise above {schedule.sigma_max:g}: choose a sigma_max up to that.")
    else:
        levels = schedule.sigma(_times(spacing, n, final_zero, schedule.t(top), schedule.t(bottom), schedule))
    if spacing != "leading" or k == 1:
        levels[0] = top
    if k > 1 and not (spacing == "trailing" and final_zero):
        levels[-1] = bottom
    if not np.all(np.diff(levels) < 0):
        raise ValueError(f"The model has too few noise levels for {n} steps: choose fewer steps or another spacing.")
    return np.append(levels, 0.0) if final_zero else levels


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
    """Return n descending times, n+1 without final_zero; on a Discrete schedule whole ones, except "uniform-t"."""
    k = n if final_zero else n + 1
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
    if spacing == "leading":
        return low + np.arange(k, dtype=np.float64)[::-1] * (count // k)
    return np.round(np.linspace(high, low, k))
