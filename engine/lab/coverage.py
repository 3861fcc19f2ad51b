"""Why one adds noise at many scales: a score can be learned only near training data.

Denoising score matching fits the score by E‖s(y) + ε/σ‖² over noisy samples y = x0 + σε: where there are no samples the
score stays unknown (Song & Ermon 2019, section 3.2). Clean data cover a thin part of the plane. Much noise covers the
whole plane, but is far from the data. Hence many levels, from the noisiest down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.jobs.lab import ChainEnds, Coverage
from engine.lab.field import plane
from engine.lab.model import Law, model
from engine.lab.trial import scatter
from engine.meter import Meter
from engine.noise import Noise
from engine.rules import RULES
from engine.run import run
from engine.spec.lab_data import HALF, Data
from engine.types import Cond, Denoiser, Hop, Sigma

SAMPLES = 1000  # training data
REACH = 0.15  # distance from a clean sample up to which the score is known, in data units
CELLS = 48  # cells on a side of the grid that measures the covered share of the frame
LARGE, SMALL, LEVELS = 3.0, 0.1, 12  # the noise levels of annealed chains; the other chains use SMALL
STEPS = 20  # Langevin steps at each level
PARTS = 6  # the most parts of the data whose shares are compared with the truth


@dataclass(frozen=True, slots=True)
class ScoreNearSamples:
    """The law's denoiser within √(REACH² + σ²) of a noisy sample, else D = x (score 0). A stand-in for a trained net.

    p_σ has no detail finer than σ, hence the σ² in that distance.
    """

    law: Denoiser
    samples: Tensor  # (N, 2) clean
    noise: Tensor  # (N, 2) standard normal, the same at every level

    @classmethod
    def of(cls, law: Law, n: int = SAMPLES, seed: int = 0) -> ScoreNearSamples:
        """Draw n training samples of the law."""
        generator = torch.Generator().manual_seed(seed)
        samples = law.sample(n, generator)
        return cls(law, samples, torch.randn(samples.shape, dtype=torch.float64, generator=generator))

    def noisy_samples(self, sigma: float) -> Tensor:
        return self.samples + sigma * self.noise

    def covers(self, x: Tensor, sigma: float) -> Tensor:
        """Return whether a noisy sample is near each of x (B, 2): (B,) bool."""
        return torch.cdist(x, self.noisy_samples(sigma)).amin(1) <= float(np.hypot(REACH, sigma))

    def covered_share(self, sigma: float, half: float = HALF) -> float:
        """Return the share of the frame −half … half that is near a noisy sample, 0 … 1."""
        return float(self.covers(plane(half, CELLS), sigma).double().mean())

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        return torch.where(self.covers(x, float(sigma))[:, None], self.law(x, sigma), x)


def coverage(data: Data, particles: int, seed: int = 0, cancelled: Callable[[], bool] = lambda: False) -> Coverage:
    """Measure the covered share of the plane at each level, and run the same Langevin chains in three ways.

    The ways are: at one small σ with the exact score; the same with the partial score; annealed with the partial score.
    The chains start evenly spread, and each way makes LEVELS·STEPS model calls. Raises LabError for unusable data, and
    Cancelled.
    """
    law = model(data)
    partial = ScoreNearSamples.of(law, seed=seed)
    levels = tuple(float(s) for s in np.geomspace(LARGE, SMALL, LEVELS))
    small = (SMALL,) * LEVELS
    ways: tuple[tuple[str, Denoiser, tuple[float, ...]], ...] = (
        ("One small σ, exact score", law, small),
        ("One small σ, score near samples", partial, small),
        ("Many σ, score near samples", partial, levels),
    )
    outcomes = []
    for name, d, path in ways:
        ends = run_chains(d, path, particles, seed, cancelled)
        landed = float(partial.covers(ends, SMALL).double().mean())
        outcomes.append(ChainEnds(name, ends.numpy().astype(np.float32), landed, part_shares(law, ends)))
    shares = tuple(partial.covered_share(s) for s in levels)
    return Coverage(data, levels, shares, _sum_groups(data.components.weights), tuple(outcomes))


def run_chains(
    d: Denoiser, levels: tuple[float, ...], particles: int, seed: int, cancelled: Callable[[], bool] = lambda: False
) -> Tensor:
    """Run Langevin chains with STEPS steps at each level in turn; return their ends, (particles, 2)."""
    x = scatter(particles, seed, HALF)
    rule = RULES["langevin"].with_options(steps=STEPS)
    path = tuple(Hop(s, s) for s in levels)
    for step in run(Meter(d, particles, cancelled=cancelled), path, rule, x, Noise([seed], particles)):
        x = step.move.x
    return x


def part_shares(law: Law, x: Tensor) -> tuple[float, ...]:
    """Return the share of x (B, 2) in each part of the data: the mean class posterior, summed by part."""
    return _sum_groups(law.class_posterior(x, SMALL).mean(0).numpy())


def _sum_groups(weights: np.ndarray) -> tuple[float, ...]:
    """Sum the weights of neighbouring components in at most PARTS groups."""
    return tuple(float(part.sum()) for part in np.array_split(weights, min(PARTS, len(weights))))
