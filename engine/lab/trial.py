"""Trials of the lab: runs of any sampler, the exact flow, and Langevin chains at one noise level.

All use the sampling loop engine.run.run, on float64 states (B, 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor

from engine.jobs.lab import LabWalk
from engine.lab.model import Law
from engine.meter import Meter
from engine.noise import Noise, truncate
from engine.oracle import Gaussian
from engine.paths import descending
from engine.rules import RULES
from engine.run import run
from engine.spec.request import Request
from engine.spec.sampler import rule_of
from engine.types import Denoiser, Hop, Step

FINE = 8  # steps of the fine solve in each hop: RMS 2e-6 on the mixture at 20 hops
LAST = 1e-3  # times the least positive level: the last level of the fine solve before 0
LEAST_LEVEL = 0.02  # chains cannot walk at σ = 0, where the step size is 0


def start(request: Request, particles: int) -> tuple[Tensor, Noise]:
    """Draw x_T ~ N(0, (temperature·σ_T)²), (particles, 2) float64; return it and the noise of the run.

    Both use the first seed. Particle k does not depend on the number of particles.
    """
    noise = Noise(request.seeds[:1], particles)
    x = noise.normal(torch.empty(particles, 2, dtype=torch.float64))
    return truncate(x, request.truncation) * request.temperature * request.sigmas[0], noise


def trial(
    law: Denoiser, request: Request, particles: int, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Step]:
    """Run the request on the law. Raises Cancelled between two calls of the model."""
    x, noise = start(request, particles)
    rule = rule_of(request.sampler, request.options)
    yield from run(Meter(law, particles, cancelled=cancelled), descending(request.sigmas), rule, x, noise)


def exact_flow(
    law: Law, x: Tensor, sigmas: Sequence[float], cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Tensor]:
    """Yield the probability flow of x (B, 2) at each of the descending levels, first x itself.

    It is closed form for a Gaussian, else FINE steps of UniPC 3 in each hop, even in log σ; the last hop goes down to
    LAST times the least level before its step to σ = 0.
    """
    yield x
    if isinstance(law, Gaussian):
        yield from (law.flow(x, sigmas[0], s) for s in sigmas[1:])
        return
    levels: list[float] = []
    for s, s2 in pairwise(sigmas):
        n = FINE if s2 > 0 else 4 * FINE
        levels += np.geomspace(s, s2 or s * LAST, n + 1)[:-1].tolist()
    levels += [sigmas[-1] or sigmas[-2] * LAST] + ([0.0] if sigmas[-1] == 0 else [])
    at = set(sigmas[1:])
    d = Meter(law, len(x), cancelled=cancelled)
    for step in run(d, descending(levels), RULES["unipc-3"], x, Noise([0], len(x))):
        if step.hop.s2 in at:
            yield step.move.x


class EndlessPath(Sequence[Hop]):
    """A path without an end; each hop stays at the noise level that `level()` returns when it begins."""

    def __init__(self, level: Callable[[], float]) -> None:
        self._level = level

    def __len__(self) -> int:
        return 2**62

    @overload
    def __getitem__(self, i: int) -> Hop: ...
    @overload
    def __getitem__(self, i: slice) -> Sequence[Hop]: ...
    def __getitem__(self, i: Any) -> Any:
        s = max(self._level(), LEAST_LEVEL)
        return Hop(s, s)


def walk(law: Denoiser, how: LabWalk, level: Callable[[], float], cancelled: Callable[[], bool]) -> Iterator[Tensor]:
    """Run Langevin chains until Cancelled; yield their states (particles, 2), first the start, then after each hop."""
    noise = Noise([how.seed], how.particles)
    x = scatter(how.particles, how.seed, how.half)
    rule = RULES["langevin"].with_options(steps=how.steps, delta=how.delta)
    yield x
    for step in run(Meter(law, how.particles, cancelled=cancelled), EndlessPath(level), rule, x, noise):
        yield step.move.x


def scatter(n: int, seed: int, half: float) -> Tensor:
    """Draw n uniform points in the frame −half … half, (n, 2) float64."""
    return torch.from_numpy(np.random.default_rng(seed).uniform(-half, half, (n, 2)))
