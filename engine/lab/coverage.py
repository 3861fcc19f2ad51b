"""Why one adds noise at many scales: where training data are, a score can be learned; elsewhere it cannot.

A score is fitted by E‖s(y) + ε/σ‖² over noised samples y = x0 + σε (denoising score matching): where there are none,
the fit says nothing about it (Song & Ermon 2019, section 3.2). Clean data lie on a thin part of the plane; much noise
fills all of it, but is far from the data. Hence many levels, walked down from the noisiest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.jobs.lab import Coverage, Outcome
from engine.lab.field import plane
from engine.lab.model import Law, model
from engine.lab.trial import scattered
from engine.meter import Meter
from engine.noise import Noise
from engine.rules import RULES
from engine.run import run
from engine.spec.lab_data import HALF, Data
from engine.types import Cond, Denoiser, Hop, Sigma

SAMPLES = 1000  # training data
REACH = 0.15  # how far from a clean sample a score is still known, in data units
CELLS = 48  # a side, that the share of the frame is counted on
LARGE, SMALL, LEVELS = 3.0, 0.1, 12  # the noise levels of annealed chains; SMALL that of the others
STEPS = 20  # Langevin steps at each of them
PARTS = 6  # that the data are divided into, at most, to see whether each gets its share


@dataclass(frozen=True, slots=True)
class Seen:
    """The best that training can know: the exact D where one of the samples, noised to σ, is near; elsewhere nothing,
    which is D = x, a score of 0.

    Near is within √(REACH² + σ²): p_σ has no detail finer than σ.
    """

    law: Denoiser
    samples: Tensor  # (N, 2) clean
    noise: Tensor  # (N, 2) standard normal, the same at every level

    @classmethod
    def of(cls, law: Law, n: int = SAMPLES, seed: int = 0) -> Seen:
        generator = torch.Generator().manual_seed(seed)
        samples = law.sample(n, generator)
        return cls(law, samples, torch.randn(samples.shape, dtype=torch.float64, generator=generator))

    def noised(self, sigma: float) -> Tensor:
        return self.samples + sigma * self.noise

    def near(self, x: Tensor, sigma: float) -> Tensor:
        """Whether a noised sample is near each of x (B, 2), (B,) bool."""
        return torch.cdist(x, self.noised(sigma)).amin(1) <= float(np.hypot(REACH, sigma))

    def share(self, sigma: float, half: float = HALF) -> float:
        """Of the frame −half … half that some noised sample is near to."""
        return float(self.near(plane(half, CELLS), sigma).double().mean())

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        return torch.where(self.near(x, float(sigma))[:, None], self.law(x, sigma), x)


def coverage(data: Data, particles: int, seed: int = 0, cancelled: Callable[[], bool] = lambda: False) -> Coverage:
    """Shares of the plane at each level, and three ways to lead the same chains, evenly spread at first, to the data:
    at one small σ with the exact score, the same with a score known only near training data, and annealed with that.
    Each makes LEVELS·STEPS model calls. Raises LabError for unusable data and Cancelled.
    """
    law = model(data)
    seen = Seen.of(law, seed=seed)
    levels = tuple(float(s) for s in np.geomspace(LARGE, SMALL, LEVELS))
    small = (SMALL,) * LEVELS
    ways: tuple[tuple[str, Denoiser, tuple[float, ...]], ...] = (
        ("One small σ, exact score", law, small),
        ("One small σ, learned score", seen, small),
        ("Many σ, learned score", seen, levels),
    )
    outcomes = []
    for name, d, path in ways:
        ends = led(d, path, particles, seed, cancelled)
        landed = float(seen.near(ends, SMALL).double().mean())
        outcomes.append(Outcome(name, ends.numpy().astype(np.float32), landed, parts(law, ends)))
    shares = tuple(seen.share(s) for s in levels)
    return Coverage(data, levels, shares, _grouped(data.components.weights), tuple(outcomes))


def led(
    d: Denoiser, levels: tuple[float, ...], particles: int, seed: int, cancelled: Callable[[], bool] = lambda: False
) -> Tensor:
    """Where Langevin chains end that take STEPS steps at each level in turn, (particles, 2)."""
    x = scattered(particles, seed, HALF)
    rule = RULES["langevin"].with_options(steps=STEPS)
    path = tuple(Hop(s, s) for s in levels)
    for step in run(Meter(d, particles, cancelled=cancelled), path, rule, x, Noise([seed], particles)):
        x = step.move.x
    return x


def parts(law: Law, x: Tensor) -> tuple[float, ...]:
    """The share of x (B, 2) that each part of the data explains best, on average."""
    return _grouped(law.class_posterior(x, SMALL).mean(0).numpy())


def _grouped(weights: np.ndarray) -> tuple[float, ...]:
    """Summed over at most PARTS runs of neighbouring components."""
    return tuple(float(part.sum()) for part in np.array_split(weights, min(PARTS, len(weights))))
