"""DEIS: Adams–Bashforth on ε̂ with a polynomial in log σ (Zhang & Chen 2023, the variant log ρ)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.precision import wide
from engine.rules.ddim import descend
from engine.rules.exponential import weights
from engine.types import Move, Option, Rule, remember

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Denoiser, History, NoiseSource


def deis(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource, *, order: int = 3) -> Move:
    """Integrate the polynomial in log σ through the last `order` ε̂ exactly over σ; σ' = 0 gives D.

    Over the step σ(u) = σe^(−hu), so ∫ε̂ dσ = −hσ∫ε̂e^(−hu) du: the weights of exponential.py at −h, times σ'.
    """
    x0 = d(x, s)
    state = descend(x0, x, s, s2)
    older = past[::-1][: order - 1]
    if s2 > 0 and older:
        h = math.log(s / s2)
        slope = (wide(x) - wide(x0)) / s
        for w, e in zip(weights(-h, [math.log(s / e.s) / h for e in older]), older, strict=True):
            state = state + s2 * w * ((wide(e.x) - wide(e.x0)) / e.s - slope)
    state = state.to(x.dtype)
    return Move(state, x0, x, s, state, 0.0, remember(past, s, x, x0))


DEIS = Rule(
    deis,
    "DEIS",
    "Uses the last three slopes, with a polynomial in log σ: 10 to 25 steps.",
    options=(Option("order", 3, 1, 4, "How many slopes count: 1 is DDIM"),),
)
