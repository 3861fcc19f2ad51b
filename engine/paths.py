"""Paths, the lists of hops that run() walks: descending, ascending, RePaint, Restart. Torch-free."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

from engine.rules import RULES
from engine.rules.restart import RESTART, Interval, intervals
from engine.schedules import grid
from engine.types import Hop, Path

if TYPE_CHECKING:
    from engine.spec.request import Request


def path_of(request: Request) -> Path:
    """Return the hops of a request's run: down its noise levels; with RePaint or Restart also up again."""
    edit = request.edit
    if edit is not None and edit.resample > 1:
        return repaint(request.sigmas, edit.jump, edit.resample)
    return path_for(request.sampler, request.options, request.sigmas)


def path_for(sampler: str, options: Iterable[tuple[str, float]], sigmas: Iterable[float]) -> Path:
    """Return the hops of a sampler, by its key of RULES, down the noise levels: descending for all but Restart."""
    if goes_back(sampler):
        return restart(sigmas, intervals(options))
    return descending(sigmas)


def goes_back(sampler: str) -> bool:
    """Whether the sampler's path goes up again."""
    return RULES.get(sampler) is RESTART


def descending(sigmas: Iterable[float]) -> Path:
    """Return the n hops of plain denoising, σ₀ > σ₁ > … > σₙ ≥ 0. Raises ValueError for levels that do not descend."""
    levels = [float(s) for s in sigmas]
    if any(a <= b for a, b in pairwise(levels)):
        raise ValueError("A descending path needs strictly descending noise levels.")
    return tuple(Hop(s, s2) for s, s2 in pairwise(levels))


def ascending(sigmas: Iterable[float]) -> Path:
    """Return the hops from a picture to its noise, 0 < σ₀ < … < σₙ: the probability flow backwards.

    Only for samplers that draw no noise: noise cannot be taken out of a state. Raises ValueError for levels that do not
    ascend and for σ₀ = 0.
    """
    levels = [float(s) for s in sigmas]
    if not all(0 < a < b for a, b in pairwise(levels)):
        raise ValueError("An ascending path needs strictly ascending noise levels above 0.")
    return tuple(Hop(s, s2) for s, s2 in pairwise(levels))


def repaint(sigmas: Iterable[float], jump: int = 10, resample: int = 10) -> Path:
    """Return the path of RePaint (Lugmayr et al. 2022, section 4.2), for a run with pinned pixels.

    It goes down one level at a time. At the levels 0, jump, 2·jump, … counted from the clean end, but for the noisiest
    `jump` levels, it adds noise again, up by `jump` levels, one level a hop, `resample` − 1 times. resample = 1 is
    descending(sigmas). Raises ValueError for levels that do not descend and for numbers below 1.
    """
    down = descending(sigmas)
    if jump < 1 or resample < 1:
        raise ValueError("RePaint needs a jump and a number of resamplings of 1 or more.")
    n, t = len(down), len(down)
    left = dict.fromkeys(range(0, n - jump, jump), resample - 1)
    hops: list[Hop] = []
    while t > 0:
        hops.append(down[n - t])
        t -= 1
        if left.get(t, 0) > 0:
            left[t] -= 1
            hops.extend(Hop(down[n - u].s2, down[n - u].s, "renoise") for u in range(t + 1, t + 1 + jump))
            t += jump
    return tuple(hops)


def restart(sigmas: Iterable[float], restarts: Iterable[Interval]) -> Path:
    """Return the path of Restart (Xu et al. 2023, Algorithm 1).

    Where it has come down to the level nearest to an interval's `low`, it adds noise up to the level nearest to `high`
    in one hop, goes down again over `levels` levels spaced as Karras et al. 2022 space them, and does so `times` times.
    An interval that holds no step of the grid is left out. Raises ValueError for levels that do not descend.
    """
    down = descending(sigmas)
    tops = [hop.s for hop in down]
    ends = [hop.s2 for hop in down if hop.s2 > 0]
    loops: dict[float, list[Hop]] = {}
    for one in restarts:
        bottom = min(ends, key=lambda s: abs(s - one.low), default=0.0)
        top = min(tops, key=lambda s: abs(s - one.high))
        if not 0 < bottom < top or bottom in loops:
            continue
        levels = grid("karras", one.levels - 1, top, bottom, final_zero=False)
        loops[bottom] = [Hop(bottom, top, "renoise"), *descending(levels)] * one.times
    return tuple(hop for step in down for hop in (step, *loops.get(step.s2, ())))
