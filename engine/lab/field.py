"""The density and the score of a law at one noise level, on a grid over the frame."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.lab.model import Law, Smoothed


def axis(half: float, n: int) -> Tensor:
    """Return the centres of n equal cells over −half … half, (n,) float64."""
    edge = half * (n - 1) / n
    return torch.linspace(-edge, edge, n, dtype=torch.float64)


def plane(half: float, n: int) -> Tensor:
    """Return the centres of n × n cells, (n·n, 2) float64: x runs fastest, both ascend."""
    at = axis(half, n)
    y, x = torch.meshgrid(at, at, indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2)


def density(law: Law, sigma: float, half: float, n: int) -> Tensor:
    """Compute p_σ at the cells of `plane`, (n, n) float64: rows are y, columns x, both ascending."""
    if isinstance(law, Smoothed):
        return law.grid_density(sigma, axis(half, n))
    return law.logp(plane(half, n), sigma).exp().reshape(n, n)


def score(law: Law, sigma: float, half: float, n: int) -> Tensor:
    """Compute ∇ log p_σ at the cells of `plane`, (n, n, 2) float64."""
    return law.score(plane(half, n), sigma).reshape(n, n, 2)
