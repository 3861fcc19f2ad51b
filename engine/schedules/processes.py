"""Noise schedules VE, VP, sub-VP, Discrete, Flow, OU: σ(t), its inverse, the native scale s, the native SDE.

The engine's state is x = x0 + σ·ε; a model's native state is s·x. A schedule gives t ↔ σ, s(σ), and the SDE
dx = f(t)·x dt + g(t) dw of the native state, where d log s/dt = f and dσ²/dt = g²/s². A tensor argument gives a
detached tensor of the same dtype and device.

Sources: Song et al. 2021 (VE, VP, sub-VP), Ho et al. 2020 (linear), Nichol & Dhariwal 2021 (cosine), Rombach et al.
2022 (scaled linear), Lin et al. 2024 (zero SNR).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
V = TypeVar("V")  # a float, an array or a tensor; the result has the type of the argument

SIGMA_OF_PURE_NOISE = 1e5  # stands for σ = ∞: the native input is pure noise up to 1e-5, and σ² is exact enough


class Schedule:
    """The base of all schedules: elementwise σ(t), t(σ), s(σ), f(t), g(t) on floats, arrays and tensors.

    sigma_min, sigma_max -- the range of σ that the model was trained on, both positive and finite
    """

    sigma_min: float
    sigma_max: float

    def sigma(self, t: V) -> V:
        """Return σ at time t; ∞ where the native state holds no signal."""
        return _elementwise(self._sigma, t)

    def t(self, sigma: V) -> V:
        """Return the time at which the noise level is σ ≥ 0."""
        return _elementwise(self._t, sigma)

    def scale(self, sigma: V) -> V:
        """Return s in (0, 1]: the model's native state is s·x."""
        return _elementwise(self._scale, sigma)

    def start_std(self, sigma: float | None = None) -> float:
        """Return the std of x_T at σ (default sigma_max): that of the native prior N(0, 1) over s."""
        return 1 / self.scale(self.sigma_max if sigma is None else float(sigma))

    def sde(self, t: V) -> tuple[V, V]:
        """Return (f, g) of the native SDE dx = f·x dt + g dw at time t."""
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
        return np.log(np.maximum(sigma, 1e-300) / self.sigma_min) / self._log_ratio  # finite at σ = 0, which has no t

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
        """Compute ∫β from 0 to t."""
        return t * (self.beta_min + 0.5 * (self.beta_max - self.beta_min) * t)

    def _time(self, integral: Array) -> Array:
        """Invert _integral; this form of the root does not cancel at small t."""
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

    t may be any float in that range: log σ is linear between two indices; t and σ outside the table are clipped to it.
    A last ᾱ of 0 (zero terminal SNR) is stored as σ = 1e5.

    steps_offset -- how many training steps later the grid "leading" visits; 1 for Stable Diffusion
    """

    def __init__(self, alphas_cumprod: ArrayLike, steps_offset: int = 0) -> None:
        """alphas_cumprod (T,), T ≥ 2, strictly descending in [0, 1); only the last may be 0."""
        self.steps_offset = steps_offset
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
        """Return the schedule of DDPM: β linear in t."""
        return cls.from_betas(np.linspace(beta_start, beta_end, steps))

    @classmethod
    def scaled_linear(cls, steps: int = 1000, beta_start: float = 0.00085, beta_end: float = 0.012) -> Discrete:
        """Return the schedule of Stable Diffusion: √β linear in t."""
        return cls.from_betas(np.linspace(math.sqrt(beta_start), math.sqrt(beta_end), steps) ** 2)

    @classmethod
    def cosine(cls, steps: int = 1000, offset: float = 0.008, beta_max: float = 0.999) -> Discrete:
        """Return the schedule of improved DDPM: ᾱ = cos²((t + offset)/(1 + offset)·π/2), normalised, β ≤ beta_max."""
        abar = np.cos((np.linspace(0, 1, steps + 1) + offset) / (1 + offset) * math.pi / 2) ** 2
        return cls.from_betas(np.minimum(1 - abar[1:] / abar[:-1], beta_max))

    def __len__(self) -> int:
        """T, the number of training steps."""
        return len(self._index)

    def zero_terminal_snr(self) -> Discrete:
        """Shift and stretch √ᾱ so that its last entry is 0 (Lin et al. 2024, Algorithm 1)."""
        root = 1 / np.sqrt(1 + np.exp(2 * self._log_sigma))
        return Discrete(((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2, self.steps_offset)

    def _sigma(self, t: Array) -> Array:
        return np.exp(np.interp(t, self._index, self._log_sigma))

    def _t(self, sigma: Array) -> Array:
        return np.interp(np.log(np.maximum(sigma, 1e-300)), self._log_sigma, self._index)

    def _scale(self, sigma: Array) -> Array:
        return 1 / np.sqrt(1 + sigma**2)

    def _beta(self, t: Array) -> Array:
        """Return the rate of the VP SDE of the interpolated table, per index; at an index, the rate just above it."""
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
            return 1 / (1 + 1 / sigma)  # exact also at σ = 0 and ∞

    def _scale(self, sigma: Array) -> Array:
        return 1 / (1 + sigma)

    def _drift(self, t: Array) -> Array:
        with np.errstate(divide="ignore"):
            return -1 / (1 - t)

    def _diffusion(self, t: Array) -> Array:
        return np.sqrt(2 * self._sigma(t))


class OU(Schedule):
    """The chain x ← (1−γ)x + √(2γ)z, k times: s = (1−γ)^k, σ² = c((1−γ)^(−2k) − 1), c = 2/(2−γ); t = k, any float ≥ 0.

    This is the sum of the recursion σ²ₖ₊₁ = σ²ₖ + 2γ/(1−γ)^(2(k+1)); between whole k it is an Ornstein–Uhlenbeck
    process with the same law. It converges to N(0, c), the prior.
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
    """Build the schedule of a model's config.json: {"type": a key of SCHEDULES, and its arguments by name}.

    A discrete one may also have "steps_offset" (see Discrete), and "zero_snr", which applies zero_terminal_snr().

    Raises ValueError for an unknown type and for arguments that do not fit.
    """
    arguments = dict(config)
    kind = arguments.pop("type", None)
    zero_snr, offset = bool(arguments.pop("zero_snr", False)), int(arguments.pop("steps_offset", 0))
    if not isinstance(kind, str) or kind not in SCHEDULES:
        raise ValueError(f"There is no schedule {kind!r}: choose one of {', '.join(SCHEDULES)}.")
    try:
        schedule = SCHEDULES[kind](**arguments)
    except TypeError as error:
        raise ValueError(
            f"The settings of the schedule {kind!r} do not fit ({error}): correct them in the model's config.json."
        ) from error
    if not isinstance(schedule, Discrete):
        if zero_snr or offset:
            raise ValueError(f"The schedule {kind!r} has no training steps: leave out zero_snr and steps_offset.")
        return schedule
    if not 0 <= offset < len(schedule):
        raise ValueError(f"A steps_offset of {offset} is not possible: choose one below {len(schedule)}.")
    schedule.steps_offset = offset
    return schedule.zero_terminal_snr() if zero_snr else schedule


def _elementwise(f: Callable[[Array], Array], value: V) -> V:
    """Apply f in float64 to a float, an array or a tensor; a tensor is recognised by its new_tensor, without torch."""
    x: Any = value
    if isinstance(x, int | float):
        return float(f(np.float64(x)))  # type: ignore[arg-type,return-value]
    if hasattr(x, "new_tensor"):
        wide = x.detach().cpu().double()
        out = wide.new_tensor(f(wide.numpy()))
        return (out.to(x.dtype) if x.is_floating_point() else out).to(x.device)
    return f(np.asarray(x, np.float64))  # type: ignore[return-value]
