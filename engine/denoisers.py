"""Adapters from a net's output (eps, x0, v, score, flow) to the denoiser D(x, σ) = E[x0 | x].

A net receives its native state s·x, where s is the schedule's scale, and its time t. With ε the unit noise of
x = x0 + σ·ε, it predicts

    eps     ε                                       D = x − σ·ε̂
    x0      x0                                      D = x̂0
    v       (ε − σ·x0)/√(1+σ²)                      D = x/(1+σ²) − σ·v̂/√(1+σ²)     (α·ε − σ_native·x0 for VP)
    score   the score of the native state, −ε/(sσ)  D = x + s·σ²·ŝ
    flow    ε − x0                                  D = (x − σ·û)/(1+σ)            (x_native − t·û for Flow)

(Ho et al. 2020; Salimans & Ho 2022; Song et al. 2021; Liu et al. 2023.) Each is D = a·x + b·output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.precision import wide
from engine.schedules import Schedule
from engine.types import Cond, Sigma

Net = Callable[..., Tensor]  # net(x_native (B, …), t (B,), cond) → (B, …)

_WEIGHTS: dict[str, Callable[[Any, Any], tuple[Any, Any]]] = {  # (σ, s) → (a, b)
    "eps": lambda sigma, s: (np.ones_like(sigma), -sigma),
    "x0": lambda sigma, s: (np.zeros_like(sigma), np.ones_like(sigma)),
    "v": lambda sigma, s: (1 / (1 + sigma**2), -sigma / np.sqrt(1 + sigma**2)),
    "score": lambda sigma, s: (np.ones_like(sigma), s * sigma**2),
    "flow": lambda sigma, s: (1 / (1 + sigma), -sigma / (1 + sigma)),
}
PREDICTS: tuple[str, ...] = tuple(_WEIGHTS)


@dataclass(frozen=True, slots=True)
class NetDenoiser:
    """D(x, σ, cond) of a net; differentiable in x and cond, not in σ.

    The native input and D are computed in float64 and rounded once: the input to the compute dtype, D to x's dtype.
    t has float32 at least, since half precision cannot tell t = .9995 from 1.

    dtype -- the compute dtype; None: that of the net's weights, which is wrong where they are only stored in it (fp8)
    """

    net: Net
    schedule: Schedule
    predicts: str
    dtype: torch.dtype | None = None

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        """Denoise x (B, …) at σ ≥ 0, a float or (B,): → (B, …) in x's dtype; cond has a leading 1 or B."""
        state, dtype = wide(x), self.dtype or _dtype(self.net) or x.dtype
        level = _levels(sigma, len(x))
        if isinstance(level, float):
            s, t = _native(self.schedule, level)
        else:
            s, t = self.schedule.scale(level), self.schedule.t(level)

        def factor(v: Any) -> float | Tensor:
            """Return v in a form that multiplies the state: a float, which is cheaper, or a tensor."""
            if isinstance(v, float):
                return float(v)
            return torch.from_numpy(v.copy()).to(state.dtype).to(x.device).reshape(-1, *[1] * (x.ndim - 1))

        fine = dtype if dtype.itemsize >= 4 else torch.float32
        if isinstance(t, float):
            times = torch.full((len(x),), t, dtype=fine, device=x.device)
        else:
            times = torch.from_numpy(t).to(fine).to(x.device)
        if isinstance(cond, Cond):
            cond = cond.expand(len(x)).real_in(dtype)
        out = self.net((state * factor(s)).to(dtype), times, cond)
        if self.predicts == "x0":  # a = 0, b = 1: D is the net's output
            return out if out.dtype == x.dtype else out.to(x.dtype)
        a, b = _WEIGHTS[self.predicts](level, s)
        return (factor(a) * state + factor(b) * wide(out)).to(x.dtype)


@lru_cache(maxsize=1024)
def _native(schedule: Schedule, level: float) -> tuple[float, float]:
    """Return (s, t) at one level; cached, since each part of a batch, each corrector and the next run need it again."""
    return schedule.scale(level), schedule.t(level)


def _levels(sigma: Sigma, batch: int) -> Any:
    """Return one level as np.float64, or one for each image of the batch, (B,)."""
    if isinstance(sigma, float | int):
        return np.float64(sigma)
    level = sigma.detach().cpu().double().numpy()
    if level.ndim > 1 or level.size not in (1, batch):
        raise ValueError(f"sigma has {level.size} levels for {batch} images: give one level, or one for each image.")
    return np.broadcast_to(level, (batch,))


def adapt(net: Net, schedule: Schedule, predicts: str, dtype: torch.dtype | None = None) -> NetDenoiser:
    """Return the denoiser of a net trained under `schedule` to predict "eps", "x0", "v", "score" or "flow".

    dtype -- the dtype to compute in; None: that of the net's weights
    """
    if predicts not in PREDICTS:
        raise ValueError(f"There is no prediction {predicts!r}: choose one of {', '.join(PREDICTS)}.")
    return NetDenoiser(net, schedule, predicts, dtype)


def _dtype(net: Any) -> torch.dtype | None:
    """Return the dtype of a module's weights; None for a plain function."""
    parameters: Iterator[Tensor] = net.parameters() if isinstance(net, torch.nn.Module) else iter(())
    return next((p.dtype for p in parameters if p.is_floating_point()), None)
