"""The one sampling loop, a generator of Step. Every method plugs into it; none needs to change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from engine.noise import START
from engine.types import History, Hop, Move, Step

if TYPE_CHECKING:
    from torch import Tensor

    from engine.noise import Noise
    from engine.types import Cond, Constraint, Denoiser, Path, Rule, Sigma


class Cancelled(Exception):
    """The run was asked to stop; raised between two calls of the net."""


def run(
    d: Denoiser,
    path: Path,
    rule: Rule,
    x: Tensor,
    noise: Noise,
    constraint: Constraint | None = None,
    past: History = (),
    start: int = 0,
) -> Iterator[Step]:
    """Walk path[start:] from the state x (B, …), yielding every hop done, numbered from `start`.

    A fresh run (start = 0, no past) gives x_T and has the constraint applied to it; a resumed one passes Step.x and
    Step.past of the step it goes on from, where the constraint already acted. Gradients are off inside each hop, on
    again at each yield.
    """
    if constraint is not None and start == 0 and not past:
        x = constraint(x, path[0].s, noise.at(START))
    for i in range(start, len(path)):
        hop, z = path[i], noise.at(i)
        counted = _Counted(d)
        with torch.no_grad():
            move = _renoise(x, hop, past, z) if hop.kind == "renoise" else rule(counted, x, hop.s, hop.s2, past, z)
            if constraint is not None:
                move = replace(move, x=constraint(move.x, hop.s2, z))
        yield Step(i, hop, counted.calls, x, past, move, move.x0)
        x, past = move.x, move.past


def _renoise(x: Tensor, hop: Hop, past: History, z: Noise) -> Move:
    """From level s up to s2 > s: variances add. The history ends here: the state is no longer on its trajectory."""
    std = (hop.s2**2 - hop.s**2) ** 0.5
    x0 = past[-1].x0 if past else x  # nothing new is estimated: the last x̂₀ stands
    return Move(
        x=(x.double() + std * z.normal(x).double()).to(x.dtype),
        x0=x0,
        x_eval=past[-1].x if past else x,
        s_eval=past[-1].s if past else hop.s,
        mean=x,
        std=std,
        past=(),
    )


class _Counted:
    """Counts the evaluations of one hop."""

    __slots__ = ("calls", "d")

    def __init__(self, d: Denoiser) -> None:
        self.d, self.calls = d, 0

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        self.calls += 1
        return self.d(x, sigma, cond)
