"""run(): the sampling loop, a generator of Step. A new method never changes this file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from engine.errors import Cancelled as Cancelled
from engine.errors import NotFiniteError
from engine.noise import PIN
from engine.precision import wide
from engine.types import History, Hop, Move, Step

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Cond, Constraint, Denoiser, NoiseSource, Path, Rule, Sigma


def run(
    d: Denoiser,
    path: Path,
    rule: Rule,
    x: Tensor,
    noise: NoiseSource,
    constraint: Constraint | None = None,
    past: History = (),
    start: int = 0,
) -> Iterator[Step]:
    """Walk the hops path[start:] from the state x (B, …); yield one Step a hop, numbered from `start`.

    A fresh run starts from x_T; a resumed run from Step.x and Step.past of one of its steps. The constraint is applied
    to each state after its move, and to x_T inside the first hop: Step 0 stores x_T before it is pinned, so that a
    resume from Step 0 pins it once, not twice. Gradients are off inside each hop and on again at each yield.

    Raises NotFiniteError in place of a step whose values are not all finite.
    """
    no_grad = torch.no_grad()
    for i in range(start, len(path)):
        hop, z = path[i], noise.at(i)
        counted = _CallCounter(d)
        with no_grad:
            at = x if i > 0 or constraint is None else constraint(x, hop.s, noise.of(PIN))
            if hop.kind == "renoise":
                move = _renoise(at, hop, past, z)
            else:  # a history from before renoising belongs to another trajectory
                usable = () if i > 0 and path[i - 1].kind == "renoise" else past
                move = rule(counted, at, hop.s, hop.s2, usable, z)
            if constraint is not None:
                move = move._replace(x=constraint(move.x, hop.s2, z.of(PIN)))
            _check_finite(at, move, i, len(path), hop.s)
        yield Step(i, hop, counted.calls, x, past, move, move.x0)
        x, past = move.x, move.past


def _check_finite(at: Tensor, move: Move, i: int, count: int, sigma: float) -> None:
    """Raises NotFiniteError, with the first of state, estimate and move that holds a value that is no number."""
    if math.isfinite((move.x.sum() + move.x0.sum()).item()):  # a sum is finite only if every value is
        return
    for cause, values in (("start", at), ("estimate", move.x0)):
        if not values.isfinite().all():
            raise NotFiniteError(i + 1, count, sigma, cause)
    if not move.x.isfinite().all():  # else the values are finite and only their sum is not
        raise NotFiniteError(i + 1, count, sigma, "move")


def _renoise(x: Tensor, hop: Hop, past: History, z: NoiseSource) -> Move:
    """Add noise from level s up to s2 > s (variances add). D is not called: the move repeats the last evaluation."""
    std = (hop.s2**2 - hop.s**2) ** 0.5
    return Move(
        x=(wide(x) + std * wide(z.normal(x))).to(x.dtype),
        x0=past[-1].x0 if past else x,
        x_eval=past[-1].x if past else x,
        s_eval=past[-1].s if past else hop.s,
        mean=x,
        std=std,
        past=past[-1:],
    )


class _CallCounter:
    """A denoiser that counts its calls in one hop."""

    __slots__ = ("calls", "d")

    def __init__(self, d: Denoiser) -> None:
        self.d, self.calls = d, 0

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        self.calls += 1
        return self.d(x, sigma, cond)
