"""A grid learned for one model, sampler and number of steps: the levels that bring it closest to the exact flow."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from engine.noise import Noise
from engine.paths import descending
from engine.precision import wide
from engine.run import run
from engine.schedules import Array

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Denoiser, Rule


def rms(a: Tensor, b: Tensor) -> float:
    """Root mean square difference of two tensors of one shape."""
    return float((wide(a) - wide(b)).pow(2).mean().sqrt())


def rms_error(d: Denoiser, rule: Rule, sigmas: Array, x: Tensor, target: Tensor) -> float:
    """Root mean square distance to `target` (B, …) of where the sampler takes x (B, …) along the levels."""
    for step in run(d, descending(sigmas), rule, x, Noise(range(len(x)))):
        x = step.move.x
    return rms(x, target)


def learn_grid(d: Denoiser, rule: Rule, sigmas: Array, x: Tensor, target: Tensor, runs: int = 400) -> Array:
    """The levels, as many as `sigmas` and with its ends, whose runs from x come closest to `target`.

    x (B, …) are states at sigmas[0] and target (B, …) where they ought to end: by the exact flow of an oracle, or by a
    run of many steps of the same model. A search over the logarithms of the gaps in log σ, one gap at a time, wider or
    narrower; it takes `runs` runs of the sampler at most and never returns anything worse than it was given.
    Raises ValueError for a sampler that draws noise, whose end is no fixed point to come closer to.
    """
    if rule.stochastic:
        raise ValueError(f"A grid cannot be learned for {rule.title}, which draws noise: choose another sampler.")
    sigmas = np.asarray(sigmas, np.float64)
    positive, zero = sigmas[sigmas > 0], sigmas[sigmas == 0]

    def levels(shape: Array) -> Array:
        gaps = np.exp(shape - shape.max())
        down = np.append(0, np.cumsum(gaps) / gaps.sum())[:-1]
        inner = positive[0] * (positive[-1] / positive[0]) ** down
        return np.concatenate([inner, positive[-1:], zero])

    shape = np.log([np.log(s / s2) for s, s2 in pairwise(positive)])
    best, stride = rms_error(d, rule, sigmas, x, target), 0.5
    found, done = sigmas, 1
    while stride > 0.01 and len(shape) > 1:
        better = False
        for k in range(len(shape)):
            for sign in (1, -1):
                if done == runs:
                    return found
                trial = shape.copy()
                trial[k] += sign * stride
                error, done = rms_error(d, rule, levels(trial), x, target), done + 1
                if error < best:
                    best, shape, found, better = error, trial, levels(trial), True
                    break
        if not better:
            stride /= 2
    return found
