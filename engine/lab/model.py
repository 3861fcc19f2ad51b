"""The laws of the lab as denoisers in closed form."""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from torch import Tensor

from engine.oracle import Empirical, Gaussian, Mixture
from engine.spec.lab_data import Data
from engine.types import Cond, Sigma


class Smoothed:
    """Points with the same Gaussian around each, Σᵢ wᵢ N(pᵢ, b²I): the Empirical law of the pᵢ at √(σ² + b²).

    A Mixture with those covariances is the same law; this class is faster: its density on a grid is a product of two
    (n, k) matrices.
    """

    def __init__(self, points: Any, width: float, weights: Any = None) -> None:
        """points (k, d), width b > 0 in the same units."""
        self.empirical, self.width = Empirical(points, weights), float(width)
        if not self.width > 0:
            raise ValueError(f"The width cannot be {self.width:g}: choose one above 0.")

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        """Compute D(x, σ), with the shape of x (B, d): from the mean point towards x by the share b²/(σ² + b²)."""
        mean = self.empirical(x.double(), self._level(sigma))
        share = torch.as_tensor(self.width**2 / self._level(sigma) ** 2, dtype=torch.float64, device=x.device)
        return (mean + share.reshape(-1, *[1] * (x.ndim - 1)) * (x.double() - mean)).to(x.dtype)

    def score(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Compute ∇ log p of x = x0 + σ·ε, with the shape of x."""
        return self.empirical.score(x, self._level(sigma))

    def logp(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Compute log p of x = x0 + σ·ε, in nats, (B,) float64."""
        return self.empirical.logp(x, self._level(sigma))

    def class_posterior(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Compute p(point | x), (B, k) float64."""
        return self.empirical.class_posterior(x, self._level(sigma))

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw n samples of x0, (n, d) float64 on the CPU."""
        points = self.empirical.sample(n, generator)
        return points + self.width * torch.randn(points.shape, dtype=torch.float64, generator=generator)

    def grid_density(self, sigma: float, axis: Tensor) -> Tensor:
        """Compute p at (axis[j], axis[i]), (n, n) float64, for points in the plane: 2·n·k calls of exp, not n²·k."""
        variance = self._level(sigma) ** 2
        points = self.empirical.points.double()
        bells = torch.exp(-((axis[:, None, None] - points) ** 2) / (2 * variance))  # (n, k, 2)
        flat = (bells[:, :, 1] * self.empirical.weights) @ bells[:, :, 0].T
        return flat / (2 * torch.pi * variance)

    def _level(self, sigma: Sigma) -> Any:
        return (sigma**2 + self.width**2) ** 0.5


Law: TypeAlias = Mixture | Smoothed  # a Gaussian is a Mixture


def model(data: Data) -> Law:
    """Build the denoiser of a data set. Raises LabError for data that cannot be used."""
    law = data.components
    if law.width is not None:
        return Smoothed(law.means, law.width, law.weights)
    if len(law.weights) == 1:
        return Gaussian(law.means[0], law.covs[0])
    return Mixture(law.weights, law.means, law.covs)
