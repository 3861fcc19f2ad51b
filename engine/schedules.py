"""Noise schedules: σ(t), its inverse, the native scale and SDE; and the grids of noise levels a sampler visits.

Every model's state is x = x0 + σ·ε here. A model's own state is s·x; a schedule knows t ↔ σ, s(σ), and the SDE
dx = f(t)·x dt + g(t) dw of that native state, so that d log s/dt = f and dσ²/dt = g²/s². NumPy only, computed in
float64: the window imports this before torch. A tensor comes back as a tensor of its own dtype and device, detached.

Sources: Song et al. 2021 (VE, VP, sub-VP), Ho et al. 2020 (linear), Nichol & Dhariwal 2021 (cosine), Rombach et al.
2022 (scaled linear), Karras et al. 2022 (σ-form, rho grid), Lin et al. 2024 (leading, linspace, trailing, zero SNR).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
V = TypeVar("V")  # a float, an array or a tensor: what goes in comes out

SIGMA_OF_PURE_NOISE = 1e5  # stands for σ = ∞: there the native input is pure noise to 1e-5, and σ² is exact enough


class Schedule:
    """What all schedules share: elementwise σ(t), t(σ), s(σ), f(t), g(t) on floats, arrays and tensors.

    sigma_min, sigma_max -- the range of σ the model was trained on, both positive and finite
    """

    sigma_min: float
    sigma_max: float

    def sigma(self, t: V) -> V:
        """σ at time t; ∞ where the native state holds no signal at all."""
        return _elementwise(self._sigma, t)

    def t(self, sigma: V) -> V:
        """The time at which the noise level is σ ≥ 0."""
        return _elementwise(self._t, sigma)

    def scale(self, sigma: V) -> V:
        """s, in (0, 1]: the model's native state is s·x."""
        return _elementwise(self._scale, sigma)

    def start_std(self, sigma: float | None = None) -> float:
        """The std of x that a run starts from at σ (default sigma_max): the native prior N(0, 1), over s."""
        return 1 / self.scale(self.sigma_max if sigma is None else float(sigma))

    def sde(self, t: V) -> tuple[V, V]:
        """(f, g) of the native SDE dx = f·x dt + g dw at time t."""
        return _elementwise(self._drift, t), _elementwise(self._diffusion, t)

    def _sigma(self, t: Array) -> Array:
        raise NotImplementedError

    def _t(self, sigma: Array) -> Array:
        raise NotImplementedError

    def _scale(self, sigma: Array) -> Array:
        raise NotImplementedError

    def _drift(self, t: Array) -> Array:
        raise NotImplementedError

    def _diffusion(self, t: Array) -> Array:
        raise NotImplementedError


class VE(Schedule):
    """σ = σ_min(σ_max/σ_min)^t, s = 1; t in [0, 1]."""

    def __init__(self, sigma_min: float = 0.01, sigma_max: float = 50.0) -> None:
        if not 0 < sigma_min < sigma_max < math.inf:
            raise ValueError("A VE schedule needs 0 < sigma_min < sigma_max.")
        self.sigma_min, self.sigma_max = float(sigma_min), float(sigma_max)
        self._log_ratio = math.log(sigma_max / sigma_min)

    def start_std(self, sigma: float | None = None) -> float:
        return self.sigma_max if sigma is None else float(sigma)

    def _sigma(self, t: Array) -> Array:
        return self.sigma_min * np.exp(self._log_ratio * t)

    def _t(self, sigma: Array) -> Array:
        return np.log(np.maximum(sigma, 1e-300) / self.sigma_min) / self._log_ratio  # σ = 0 has no t: keep it finite

    def _scale(self, sigma: Array) -> Array:
        return np.ones_like(sigma)

    def _drift(self, t: Array) -> Array:
        return np.zeros_like(t)

    def _diffusion(self, t: Array) -> Array:
        return self._sigma(t) * math.sqrt(2 * self._log_ratio)


class VP(Schedule):
    """β(t) = β_min + (β_max − β_min)t, σ² = exp(∫β) − 1, s = 1/√(1+σ²); t in [0, 1], sampled down to t_min."""

    def __init__(self, beta_min: float = 0.1, beta_max: float = 20.0, t_min: float = 1e-3) -> None:
        if not (0 < beta_min <= beta_max < math.inf and 0 < t_min < 1):
            raise ValueError("A VP schedule needs 0 < beta_min <= beta_max and t_min between 0 and 1.")
        self.beta_min, self.beta_max = float(beta_min), float(beta_max)
        self.sigma_min, self.sigma_max = self.sigma(t_min), self.sigma(1.0)

    def _beta(self, t: Array) -> Array:
        return self.beta_min + (self.beta_max - self.beta_min) * t

    def _integral(self, t: Array) -> Array:
        """∫β from 0 to t."""
        return t * (self.beta_min + 0.5 * (self.beta_max - self.beta_min) * t)

    def _time(self, integral: Array) -> Array:
        """The inverse of _integral; the root is written so that nothing cancels at small t."""
        slope = self.beta_max - self.beta_min
        return 2 * integral / (self.beta_min + np.sqrt(self.beta_min**2 + 2 * slope * integral))

    def _sigma(self, t: Array) -> Array:
        return np.sqrt(np.expm1(self._integral(t)))

    def _t(self, sigma: Array) -> Array:
        return self._time(np.log1p(sigma**2))

    def _scale(self, sigma: Array) -> Array:
        return 1 / np.sqrt(1 + sigma**2)

    def _drift(self, t: Array) -> Array:
        return -0.5 * self._beta(t)

    def _diffusion(self, t: Array) -> Array:
        return np.sqrt(self._beta(t))


class SubVP(VP):
    """β(t) as for VP; s = a = exp(−½∫β), native std 1 − a², so σ = (1 − a²)/a = 2·sinh(½∫β)."""

    def _sigma(self, t: Array) -> Array:
        return 2 * np.sinh(0.5 * self._integral(t))

    def _t(self, sigma: Array) -> Array:
        return self._time(2 * np.arcsinh(0.5 * sigma))

    def _scale(self, sigma: Array) -> Array:
        return np.exp(-np.arcsinh(0.5 * sigma))

    def _diffusion(self, t: Array) -> Array:
        return np.sqrt(self._beta(t) * -np.expm1(-2 * self._integral(t)))


class Discrete(Schedule):
    """A table of ᾱ at t = 0 … T−1: σ² = 1/ᾱ − 1, s = √ᾱ = 1/√(1+σ²).

    t may be any float in that range: log σ is linear between two indices, and t, σ outside the table are clipped to
    it. A last ᾱ of 0 (zero terminal SNR) stands in the table as σ = 1e5.
    """

    def __init__(self, alphas_cumprod: ArrayLike) -> None:
        """alphas_cumprod (T,), T ≥ 2, strictly descending in [0, 1); only the last may be 0."""
        abar = np.asarray(alphas_cumprod, np.float64)
        if abar.ndim != 1 or len(abar) < 2 or not (abar[-1] >= 0 and abar[0] < 1 and np.all(np.diff(abar) < 0)):
            raise ValueError("A discrete schedule needs two or more alphas_cumprod, descending, between 0 and 1.")
        floor = 1 / (1 + SIGMA_OF_PURE_NOISE**2)
        abar = np.append(abar[:-1], max(abar[-1], floor))
        if abar[-2] <= abar[-1]:
            raise ValueError("Only the last of the alphas_cumprod may be 0.")
        self._log_sigma: Array = 0.5 * (np.log1p(-abar) - np.log(abar))
        self._index: Array = np.arange(len(abar), dtype=np.float64)
        self._slope: Array = np.diff(self._log_sigma)
        self.sigma_min, self.sigma_max = (float(np.exp(self._log_sigma[i])) for i in (0, -1))

    @classmethod
    def from_betas(cls, betas: ArrayLike) -> Discrete:
        return cls(np.cumprod(1 - np.asarray(betas, np.float64)))

    @classmethod
    def linear(cls, steps: int = 1000, beta_start: float = 1e-4, beta_end: float = 0.02) -> Discrete:
        """DDPM: β linear in t."""
        return cls.from_betas(np.linspace(beta_start, beta_end, steps))

    @classmethod
    def scaled_linear(cls, steps: int = 1000, beta_start: float = 0.00085, beta_end: float = 0.012) -> Discrete:
        """Stable Diffusion: √β linear in t."""
        return cls.from_betas(np.linspace(math.sqrt(beta_start), math.sqrt(beta_end), steps) ** 2)

    @classmethod
    def cosine(cls, steps: int = 1000, offset: float = 0.008, beta_max: float = 0.999) -> Discrete:
        """Improved DDPM: ᾱ = cos²((t + offset)/(1 + offset)·π/2), normalised, β at most beta_max."""
        abar = np.cos((np.linspace(0, 1, steps + 1) + offset) / (1 + offset) * math.pi / 2) ** 2
        return cls.from_betas(np.minimum(1 - abar[1:] / abar[:-1], beta_max))

    def __len__(self) -> int:
        """T, the number of training steps."""
        return len(self._index)

    def zero_terminal_snr(self) -> Discrete:
        """The same table with √ᾱ shifted and stretched so that its last entry is 0 (Lin et al. 2024, Algorithm 1)."""
        root = 1 / np.sqrt(1 + np.exp(2 * self._log_sigma))
        return Discrete(((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2)

    def _sigma(self, t: Array) -> Array:
        return np.exp(np.interp(t, self._index, self._log_sigma))

    def _t(self, sigma: Array) -> Array:
        return np.interp(np.log(np.maximum(sigma, 1e-300)), self._log_sigma, self._index)

    def _scale(self, sigma: Array) -> Array:
        return 1 / np.sqrt(1 + sigma**2)

    def _beta(self, t: Array) -> Array:
        """The rate of the VP SDE through the interpolated table, per index; at an index, that of the piece above."""
        piece = np.clip(np.floor(t), 0, len(self._slope) - 1).astype(np.intp)
        return 2 * self._slope[piece] / (1 + self._sigma(t) ** -2)

    def _drift(self, t: Array) -> Array:
        return -0.5 * self._beta(t)

    def _diffusion(self, t: Array) -> Array:
        return np.sqrt(self._beta(t))


class Flow(Schedule):
    """Rectified flow, x_native = (1−t)·x0 + t·ε: s = 1−t, σ = t/(1−t); t in [0, 1], σ(1) = ∞."""

    def __init__(self, sigma_min: float = 1e-3, sigma_max: float = SIGMA_OF_PURE_NOISE) -> None:
        if not 0 < sigma_min < sigma_max < math.inf:
            raise ValueError("A flow schedule needs 0 < sigma_min < sigma_max.")
        self.sigma_min, self.sigma_max = float(sigma_min), float(sigma_max)

    def _sigma(self, t: Array) -> Array:
        with np.errstate(divide="ignore"):
            return t / (1 - t)

    def _t(self, sigma: Array) -> Array:
        with np.errstate(divide="ignore"):
            return 1 / (1 + 1 / sigma)  # right at both ends: 0 and ∞

    def _scale(self, sigma: Array) -> Array:
        return 1 / (1 + sigma)

    def _drift(self, t: Array) -> Array:
        with np.errstate(divide="ignore"):
            return -1 / (1 - t)

    def _diffusion(self, t: Array) -> Array:
        return np.sqrt(2 * self._sigma(t))


class OU(Schedule):
    """The chain x ← (1−γ)x + √(2γ)z, k times: s = (1−γ)^k, σ² = c((1−γ)^(−2k) − 1), c = 2/(2−γ); t = k, any float ≥ 0.

    The recursion σ²ₖ₊₁ = σ²ₖ + 2γ/(1−γ)^(2(k+1)) summed; between whole k it is an Ornstein–Uhlenbeck process with
    the same law. It settles at N(0, c), which is the prior.
    """

    def __init__(self, gamma: float = 0.01, steps: int = 500) -> None:
        if not (0 < gamma < 1 and steps >= 2):
            raise ValueError("An OU schedule needs gamma between 0 and 1 and two or more steps.")
        self._rate = -math.log1p(-gamma)
        self._variance = 2 / (2 - gamma)
        self.sigma_min, self.sigma_max = self.sigma(1.0), self.sigma(float(steps))

    def start_std(self, sigma: float | None = None) -> float:
        return math.sqrt(self._variance) * super().start_std(sigma)

    def _sigma(self, t: Array) -> Array:
        return np.sqrt(self._variance * np.expm1(2 * self._rate * t))

    def _t(self, sigma: Array) -> Array:
        return np.log1p(sigma**2 / self._variance) / (2 * self._rate)

    def _scale(self, sigma: Array) -> Array:
        return 1 / np.sqrt(1 + sigma**2 / self._variance)

    def _drift(self, t: Array) -> Array:
        return np.full_like(t, -self._rate)

    def _diffusion(self, t: Array) -> Array:
        return np.full_like(t, math.sqrt(2 * self._variance * self._rate))


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "ve": VE,
    "vp": VP,
    "sub-vp": SubVP,
    "flow": Flow,
    "ou": OU,
    "discrete": Discrete,
    "linear": Discrete.linear,
    "scaled_linear": Discrete.scaled_linear,
    "cosine": Discrete.cosine,
}


def from_config(config: Mapping[str, Any]) -> Schedule:
    """The schedule of a model's config.json: {"type": a key of SCHEDULES, and its arguments by name}."""
    arguments = dict(config)
    kind = arguments.pop("type", None)
    if not isinstance(kind, str) or kind not in SCHEDULES:
        raise ValueError(f"There is no schedule {kind!r}: choose one of {', '.join(SCHEDULES)}.")
    try:
        return SCHEDULES[kind](**arguments)
    except TypeError as error:
        raise ValueError(f"The schedule {kind!r} cannot be made from these settings ({error}).") from error


DEFAULT: str = "balanced"  # with rules.DEFAULT: measured, docs/samplers.md

SPACINGS: dict[str, str] = {
    "karras": "Dense at low noise, for fine detail in few steps",
    "log": "Each level the same factor below the last",
    "balanced": "Half even in log σ, half in a flow's time: most steps where a picture takes shape",
    "uniform-t": "Even in the model's own time",
    "trailing": "Even in the model's own time, starting from pure noise",
    "leading": "As the first DDIM: never visits the noisiest level",
    "linspace": "Evenly spaced training steps, both ends included",
}


def grid(
    spacing: str,
    n: int,
    sigma_max: float,
    sigma_min: float,
    final_zero: bool = True,
    schedule: Schedule | None = None,
) -> Array:
    """The n+1 noise levels of n steps, strictly descending, float64.

    spacing    -- a key of SPACINGS; all but "karras", "log" and "balanced" need `schedule`, and on a Discrete one
                  "trailing", "leading" and "linspace" visit whole training steps only
    sigma_max  -- the first level (∞ means 1e5); "leading" starts below it, but for n = 1
    sigma_min  -- the last positive level: followed by 0 if final_zero, else itself the end. With final_zero "trailing"
                  spends its last step on the way to 0 instead, and does not visit it
    Raises ValueError, in one sentence for a person, for levels that cannot be.
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
        raise ValueError(f"Noise from {sigma_max:g} to {sigma_min:g} cannot be: choose 0 < sigma_min < sigma_max.")
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
    """k levels even in ½u + ½t, each scaled to 0 … 1 over the range: u = log σ, and t = σ/(½ + σ).

    t is a rectified flow's time for data of the standard deviation ½ (the σ_data of Karras et al. 2022). Even steps in
    log σ alone spend half of few steps above σ = 1, where x̂₀ hardly changes; even ones in t leave almost none below
    σ = .1, where detail is decided. dt/du is the logistic density: the levels are densest around σ = ½.
    """

    def place(u: Array) -> Array:
        t = 1 / (1 + 0.5 * np.exp(-u))
        return 0.5 * (u - u[-1]) / (u[0] - u[-1]) + 0.5 * (t - t[-1]) / (t[0] - t[-1])

    u = np.linspace(math.log(top), math.log(bottom), 8193)
    return np.exp(np.interp(np.linspace(1, 0, k), place(u)[::-1], u[::-1]))


def _times(spacing: str, n: int, final_zero: bool, high: float, low: float, schedule: Schedule) -> Array:
    """Descending times, n of them, or n+1 without final_zero; on a Discrete schedule whole but for "uniform-t"."""
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
        return np.round(high + 1 - np.arange(n) * (count / n)) - 1.0  # rounded before the −1: halves go to even
    if spacing == "leading":
        return low + np.arange(k, dtype=np.float64)[::-1] * (count // k)
    return np.round(np.linspace(high, low, k))


def _elementwise(f: Callable[[Array], Array], value: V) -> V:
    """f in float64 on whatever `value` is; a tensor is recognised without torch by its new_tensor."""
    x: Any = value
    if isinstance(x, int | float):
        return float(f(np.float64(x)))  # type: ignore[arg-type,return-value]
    if hasattr(x, "new_tensor"):
        wide = x.detach().cpu().double()
        out = wide.new_tensor(f(wide.numpy()))
        return (out.to(x.dtype) if x.is_floating_point() else out).to(x.device)
    return f(np.asarray(x, np.float64))  # type: ignore[return-value]
