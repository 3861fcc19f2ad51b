"""UniPC (Zhao et al. 2023) on x̂₀ with B(h) = e^h − 1: each evaluation also corrects the state before the step."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from engine.precision import wide
from engine.rules.exponential import integrate
from engine.types import Move, Past, Rule, remember

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Denoiser, History, NoiseSource


def unipc(d: Denoiser, x: Tensor, s: float, s2: float, past: History, z: NoiseSource, *, order: int) -> Move:
    """Correct the state at σ with the new x̂₀, then predict the state at σ' (Algorithms 5 and 7 of the paper).

    D is not evaluated again at the corrected state: one evaluation a step. The history holds the corrected state, from
    which the next correction starts.
    """
    x0, corrected = d(x, s), x
    if past:
        older = [(p.s, p.x0) for p in past[:-1][::-1][: order - 1]]
        corrected = integrate(past[-1], s, [*older, (s, x0)], halved=True).to(x.dtype)
    older = [(p.s, p.x0) for p in past[::-1][: order - 1]]
    state = (integrate(Past(s, corrected, x0), s2, older, halved=True) if s2 > 0 else wide(x0)).to(x.dtype)
    return Move(state, x0, x, s, state, 0.0, remember(past, s, corrected, x0))


UNIPC_2 = Rule(
    partial(unipc, order=2),
    "UniPC 2",
    "Corrects each step with the model call of the next, at no extra cost: exact in 8 to 20 steps, also with guidance.",
)
UNIPC_3 = Rule(
    partial(unipc, order=3),
    "UniPC 3",
    "UniPC of third order: more exact than UniPC 2 from 20 steps on.",
)
