"""The laws of the lab as denoisers in closed form."""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from torch import Tensor

from engine.oracle import Empirical, Gaussian, Mixture
from engine.spec.lab_data import Data
from engine.types import Cond, Sigma


class Smoothed:
    """Points with Gaussian ink around each, Σᵢ wᵢ N(pᵢ, b²I): the Empirical law of the pᵢ seen at √(σ² + b²).

    A Mixture with those covariances is the same law; this one needs no axes of each component, and its density on a
    grid is a product of two (n, k) matrices.
    """

    def __init__(self, points: Any, width: float, weights: Any = None) -> None:
        """points (k, d), width b > 0 in the same units."""
        self.empirical, self.width = Empirical(points, weights), float(width)
        if not self.width > 0:
            raise ValueError("The ink needs a width above 0.")

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        """D(x, σ), shaped like x (B, d): the mean point, and towards x from it by the share b²/(σ² + b²)."""
        mean = self.empirical(x.double(), self._level(sigma))
        share = torch.as_tensor(self.width**2 / self._level(sigma) ** 2, dtype=torch.float64, device=x.device)
        return (mean + share.reshape(-1, *[1] * (x.ndim - 1)) * (x.double() - mean)).to(x.dtype)

    def score(self, x: Tensor, sigma: Sigma) -> Tensor:
        """∇ log p of x = x0 + σ·ε, shaped like x."""
        return self.empirical.score(x, self._level(sigma))

    def logp(self, x: Tensor, sigma: Sigma) -> Tensor:
        """log p of x = x0 + σ·ε, in nats, (B,) float64."""
        return self.empirical.logp(x, self._level(sigma))

    def class_posterior(self, x: Tensor, sigma: Sigma) -> Tensor:
        """p(point | x), (B, k) float64."""
        return self.empirical.class_posterior(x, self._level(sigma))

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n draws of x0, (n, d) float64 on the CPU."""
        points = self.empirical.sample(n, generator)
        return points + self.width * torch.randn(points.shape, dtype=torch.float64, generator=generator)

    def grid_density(self, sigma: float, axis: Tensor) -> Tensor:
        """p at (axis[j], axis[i]), (n, n) float64, for points in the plane: exp is taken 2·n·k times, not n²·k."""
        variance = self._level(sigma) ** 2
        points = self.empirical.points.double()
        bells = torch.exp(-((axis[:, None, None] - points) ** 2) / (2 * variance))  # (n, k, 2)
        flat = (bells[:, :, 1] * self.empirical.weights) @ bells[:, :, 0].T
        return flat / (2 * torch.pi * variance)

    def _level(self, sigma: Sigma) -> Any:
        return (sigma**2 + self.width**2) ** 0.5


Law: TypeAlias = Mixture | Smoothed  # a Gaussian is a Mixture


def model(data: Data) -> Law:
    """The denoiser of a data set. Raises LabError where the data cannot be used."""
    law = data.components
    if law.width is not None:
        return Smoothed(law.means, law.width, law.weights)
    if len(law.weights) == 1:
        return Gaussian(law.means[0], law.covs[0])
    return Mixture(law.weights, law.means, law.covs)
