"""Learn a grid for one model, sampler and number of steps: the noise levels that come closest to the exact flow."""

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
    """Compute the root mean square difference of two tensors of one shape."""
    return float((wide(a) - wide(b)).pow(2).mean().sqrt())


def rms_error(d: Denoiser, rule: Rule, sigmas: Array, x: Tensor, target: Tensor) -> float:
    """Run the sampler from x (B, …) along the levels; return the root mean square distance of its end to `target`."""
    for step in run(d, descending(sigmas), rule, x, Noise(range(len(x)))):
        x = step.move.x
    return rms(x, target)


def learn_grid(d: Denoiser, rule: Rule, sigmas: Array, x: Tensor, target: Tensor, runs: int = 400) -> Array:
    """Find the levels whose runs from x come closest to `target`; as many as `sigmas`, with the same ends.

    x (B, …) are states at sigmas[0]; target (B, …) are their ends by the exact flow of an oracle or by many steps of
    the same model. The search changes the logarithm of one gap in log σ at a time, wider or narrower. It makes at most
    `runs` runs of the sampler, and its result is never worse than `sigmas`. Raises ValueError for a sampler that draws
    noise, since its ends are random.
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
