"""Closed-form models (Gaussian, Mixture, Empirical): exact denoiser, score, density and flow, to test every method.

Each is a Denoiser, D(x, σ) = E[x0 | x] for x = x0 + σ·ε, on x of any shape (B, …) whose … holds d numbers. All is
computed in float64 on x's device; D and the score have x's shape and dtype, log densities float64. Differentiable in x,
and in σ where that is a tensor. `cond` is ignored.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from engine.types import Cond, Sigma

_SMALLEST_VARIANCE = 1e-30  # the variance of a point mass at σ = 0, so that nothing is 0/0
_RANK = 1e-13  # eigenvalues below this share of the largest count as 0: they are rounding


class Mixture:
    """A Gaussian mixture Σᵢ wᵢ N(mᵢ, Cᵢ). The Cᵢ may be singular, down to point masses."""

    def __init__(self, weights: Any, means: Any, covs: Any) -> None:
        """weights (k,) ≥ 0, normalised here; means (k, d); covs (k, d, d) symmetric, positive semidefinite."""
        self.weights, self.means, self.covs = _float64(weights), _float64(means), _float64(covs)
        k, d = self.means.shape
        if self.weights.shape != (k,) or self.covs.shape != (k, d, d):
            raise ValueError("A mixture needs weights (k,), means (k, d) and covs (k, d, d).")
        self.weights = _normalise(self.weights)
        values, self._axes = torch.linalg.eigh(self.covs)
        largest = values.abs().amax(1, keepdim=True)
        if (self.covs - self.covs.mT).abs().amax() > 1e-8 * largest.amax() or (values < -1e-8 * largest).any():
            raise ValueError("A covariance must be symmetric and positive semidefinite.")
        self._variances = torch.where(values > _RANK * largest, values, 0.0)

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        """Compute D(x, σ), with the shape of x (B, …); σ ≥ 0, a float or (B,)."""
        z, spread = self._to_axes(x, sigma)
        shrunk = self._from_axes(z * self._variances.to(x.device) / spread) + self.means.to(x.device)
        return self._average(self._responsibilities(z, spread), shrunk, x)

    def score(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Compute ∇ log p of x = x0 + σ·ε, with the shape of x."""
        z, spread = self._to_axes(x, sigma)
        return self._average(self._responsibilities(z, spread), -self._from_axes(z / spread), x)

    def logp(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Compute log p of x = x0 + σ·ε, in nats, (B,) float64."""
        return torch.logsumexp(self._log_joint(*self._to_axes(x, sigma)), 1)

    def class_posterior(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Compute p(component | x), (B, k) float64."""
        return self._responsibilities(*self._to_axes(x, sigma))

    def component(self, i: int) -> Gaussian:
        """Return the law of component i: its D is the conditional denoiser."""
        return Gaussian(self.means[i], self.covs[i])

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw n samples of x0, (n, d) float64 on the CPU."""
        i = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        z = torch.randn(n, self.means.shape[1], dtype=torch.float64, generator=generator)
        return self.means[i] + torch.einsum("nde,ne->nd", self._axes[i], self._variances[i].sqrt() * z)

    def posterior(self, A: Any, y: Any, sigma_y: float) -> Mixture:
        """Compute the law of x0 given y = A·x0 + N(0, σ_y²); A (m, d), y of m numbers.

        σ_y = 0 is an exact observation; in a mixture every component must then have spread in all observed directions,
        else their densities cannot be compared. Raises ValueError otherwise, and for an exact y that cannot occur.
        """
        A = _float64(A)
        innovation = _float64(y).reshape(-1) - self.means @ A.T  # (k, m)
        seen, axes = torch.linalg.eigh(A @ self.covs @ A.T)
        seen = torch.where(seen > _RANK * seen.amax(1, keepdim=True), seen, 0.0) + sigma_y**2
        z = torch.einsum("kij,ki->kj", axes, innovation)
        if bool((seen == 0).any()):
            if len(self.weights) > 1:
                raise ValueError("A component has no spread in an observed direction: choose sigma_y > 0.")
            if bool((z[seen == 0].abs() > 1e-8 * (1 + innovation.abs().amax())).any()):
                raise ValueError("This y cannot occur without noise: choose sigma_y > 0.")
        inverse = torch.where(seen > 0, 1 / seen.clamp_min(1e-300), 0.0)
        evidence = -0.5 * (z**2 * inverse + torch.where(seen > 0, seen, 1.0).log()).sum(1)
        gain = self.covs @ A.T @ (axes * inverse[:, None, :]) @ axes.mT
        keep = torch.eye(A.shape[1], dtype=torch.float64) - gain @ A
        covs = keep @ self.covs @ keep.mT + sigma_y**2 * gain @ gain.mT  # Joseph's form: semidefinite by construction
        values, vectors = torch.linalg.eigh(covs)
        values = torch.where(values > _RANK * self._variances.amax(1, keepdim=True), values, 0.0)
        return Mixture(
            torch.softmax(self.weights.log() + evidence, 0),
            self.means + torch.einsum("kdm,km->kd", gain, innovation),
            (vectors * values[:, None, :]) @ vectors.mT,
        )

    def _to_axes(self, x: Tensor, sigma: Sigma) -> tuple[Tensor, Tensor]:
        """Return x − mᵢ along the axes of Cᵢ, (B, k, d), and its variances at σ, (1 or B, k, d)."""
        flat, level = _flatten(x, sigma, self.means.shape[1])
        z = torch.einsum("bkd,kde->bke", flat[:, None] - self.means.to(x.device), self._axes.to(x.device))
        spread = self._variances.to(x.device) + level[:, :, None] ** 2
        return z, spread.clamp_min(_SMALLEST_VARIANCE)

    def _from_axes(self, z: Tensor) -> Tensor:
        return torch.einsum("bke,kde->bkd", z, self._axes.to(z.device))

    def _log_joint(self, z: Tensor, spread: Tensor) -> Tensor:
        """Compute log wᵢ + log N(x; mᵢ, Cᵢ + σ²I), (B, k)."""
        return self.weights.log().to(z.device) - 0.5 * (z**2 / spread + (2 * math.pi * spread).log()).sum(2)

    def _responsibilities(self, z: Tensor, spread: Tensor) -> Tensor:
        return torch.softmax(self._log_joint(z, spread), 1)

    def _average(self, responsibilities: Tensor, values: Tensor, like: Tensor) -> Tensor:
        return torch.einsum("bk,bkd->bd", responsibilities, values).reshape(like.shape).to(like.dtype)


class Gaussian(Mixture):
    """N(m, C): a mixture with one component, with its exact flow. C may be singular."""

    def __init__(self, mean: Any, cov: Any) -> None:
        """mean (d,), cov (d, d) symmetric, positive semidefinite."""
        super().__init__([1.0], _float64(mean)[None], _float64(cov)[None])

    @property
    def mean(self) -> Tensor:
        return self.means[0]

    @property
    def cov(self) -> Tensor:
        return self.covs[0]

    def flow(self, x: Tensor, sigma_from: Sigma, sigma_to: Sigma) -> Tensor:
        """Follow the probability flow dx/dσ = (x − D)/σ exactly from one level to another; the shape of x.

        Along an eigenvector of C with eigenvalue c, x' = m + (x − m)√((c + σ'²)/(c + σ²)).
        """
        z, _ = self._to_axes(x, sigma_from)
        start, end = (
            self._variances.to(x.device) + _flatten(x, s, x.shape[1:].numel())[1] ** 2 for s in (sigma_from, sigma_to)
        )
        ratio = torch.where(start > 0, end / start.clamp_min(1e-300), 0.0)  # no spread: x stays at the mean
        moved = self._from_axes(z * ratio.sqrt()[:, None]) + self.means.to(x.device)
        return moved.reshape(x.shape).to(x.dtype)

    def posterior(self, A: Any, y: Any, sigma_y: float) -> Gaussian:
        """Compute the law of x0 given y = A·x0 + N(0, σ_y²), σ_y ≥ 0; A (m, d), y of m numbers."""
        return super().posterior(A, y, sigma_y).component(0)


class Empirical:
    """Weighted points: the law of a model that has memorised its training set."""

    def __init__(self, points: Any, weights: Any = None) -> None:
        """points (n, …), kept in their own dtype; weights (n,) ≥ 0, normalised here, equal by default."""
        self.points = torch.as_tensor(points).detach().cpu()
        if not self.points.is_floating_point():
            self.points = self.points.double()
        n = len(self.points)
        self.weights = _normalise(torch.ones(n, dtype=torch.float64) if weights is None else _float64(weights))
        if self.weights.shape != (n,):
            raise ValueError(f"{n} points need {n} weights.")

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        """Compute D(x, σ), with the shape of x (B, …): the points' mean under p(point | x); nearest at σ = 0."""
        return self._mean(x, sigma).reshape(x.shape).to(x.dtype)

    def score(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Compute ∇ log p of x = x0 + σ·ε, with the shape of x."""
        flat, level = _flatten(x, sigma, self.points.shape[1:].numel())
        score = (self._mean(x, sigma) - flat) / (level**2).clamp_min(_SMALLEST_VARIANCE)
        return score.reshape(x.shape).to(x.dtype)

    def logp(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Compute log p of x = x0 + σ·ε, in nats, (B,) float64."""
        flat, level = _flatten(x, sigma, self.points.shape[1:].numel())
        variance = (level**2).clamp_min(_SMALLEST_VARIANCE)
        norm = 0.5 * flat.shape[1] * (2 * math.pi * variance[:, 0]).log()
        return torch.logsumexp(self._log_joint(flat, level), 1) - norm

    def class_posterior(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Compute p(point | x), (B, n) float64."""
        return torch.softmax(self._log_joint(*_flatten(x, sigma, self.points.shape[1:].numel())), 1)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw n samples of x0, (n, …) float64 on the CPU."""
        return self.points[torch.multinomial(self.weights, n, replacement=True, generator=generator)].double()

    def posterior(self, A: Any, y: Any, sigma_y: float) -> Empirical:
        """Compute the law of x0 given y = A·x0 + N(0, σ_y²), σ_y > 0: the same points with other weights.

        A (m, d), or a function from points (n, …) to observations (n, …); y of m numbers.
        """
        if sigma_y <= 0:
            raise ValueError("Points can only be weighted by an observation with noise: choose sigma_y > 0.")
        points = self.points.double()
        observed = A(points) if callable(A) else points.flatten(1) @ _float64(A).T
        distance = (observed.flatten(1) - _float64(y).reshape(1, -1)).square().sum(1)
        return Empirical(self.points, torch.softmax(self.weights.log() - 0.5 * distance / sigma_y**2, 0))

    def _mean(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Compute E[x0 | x], (B, d) float64."""
        weights = self.class_posterior(x, sigma)
        parts = self._chunks(x, lambda chunk, at: weights[:, at] @ chunk)
        return torch.stack(parts).sum(0)

    def _log_joint(self, flat: Tensor, level: Tensor) -> Tensor:
        """Compute log wᵢ − ‖x − pᵢ‖²/2σ², (B, n); by differences, since the expanded square loses digits at small σ."""
        parts = self._chunks(flat, lambda chunk, at: (flat[:, None] - chunk).square().sum(2))
        variance = (level**2).clamp_min(_SMALLEST_VARIANCE)
        return self.weights.log().to(flat.device) - 0.5 * torch.cat(parts, 1) / variance

    def _chunks(self, x: Tensor, f: Callable[[Tensor, slice], Tensor]) -> list[Tensor]:
        """Call f(points (c, d) in float64, their slice) on parts of the points, so that x × part fits in 64 MB."""
        size = max(1, 2**23 // max(1, x.numel()))
        places = (slice(i, i + size) for i in range(0, len(self.points), size))
        return [f(self.points[at].flatten(1).to(x.device, torch.float64), at) for at in places]


def _float64(values: Any) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float64, device="cpu").detach()


def _normalise(weights: Tensor) -> Tensor:
    if not (weights >= 0).all() or not weights.sum() > 0:
        raise ValueError("Weights must not be negative, and at least one must be above 0.")
    return weights / weights.sum()


def _flatten(x: Tensor, sigma: Sigma, d: int) -> tuple[Tensor, Tensor]:
    """Return x as (B, d) and σ as (1 or B, 1), in float64."""
    if x.shape[1:].numel() != d:
        raise ValueError(f"This model is for {d} numbers in each state, not {x.shape[1:].numel()}.")
    level = torch.as_tensor(sigma, dtype=torch.float64, device=x.device).reshape(-1, 1)
    return x.reshape(len(x), d).double(), level
