"""Metrics for sets of pictures: FID, KID, Inception score, precision and recall, nearest neighbours.

All are computed in float64 on feature vectors (N, d) of any kind. The studio uses the pooled features of its own
classifier (engine.evaluate.classifier), so the figures cannot be compared with papers, which use Inception's features.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

AT_ONCE = 1 << 24  # distances in memory at a time: 64 MiB
CANDIDATES = 8  # rough distances may order the nearest wrongly: so many are computed again exactly


def frechet(mu1: Tensor, cov1: Tensor, mu2: Tensor, cov2: Tensor) -> float:
    """Compute the squared Fréchet distance of two Gaussians (Dowson & Landau 1982), means (d,), covariances (d, d):

        ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2(Σ₁^½ Σ₂ Σ₁^½)^½)

    The trace of the last term is the sum of the singular values of Σ₁^½ Σ₂^½. So no eigenvalue is rounded before its
    square root is taken, and singular covariances (fewer pictures than features) are exact too. For Gaussians fitted to
    features it is the FID (Heusel et al. 2017). Raises ValueError for shapes that do not match.
    """
    mu1, cov1, mu2, cov2 = (torch.as_tensor(v).double() for v in (mu1, cov1, mu2, cov2))
    d = len(mu1)
    if mu1.shape != (d,) or mu2.shape != (d,) or cov1.shape != (d, d) or cov2.shape != (d, d):
        raise ValueError("The Fréchet distance needs two means (d,) and two covariances (d, d).")
    cross = torch.linalg.svdvals(_root(cov1) @ _root(cov2)).sum()
    return float(((mu1 - mu2) ** 2).sum() + cov1.trace() + cov2.trace() - 2 * cross)


def _root(cov: Tensor) -> Tensor:
    """Compute the symmetric square root. Eigenvalues within rounding of zero count as 0: √ of 1e-17 would be 3e-9."""
    values, vectors = torch.linalg.eigh((cov + cov.T) / 2)
    rounding = len(values) * torch.finfo(values.dtype).eps * values[-1]
    return (vectors * torch.where(values > rounding, values, 0).sqrt()) @ vectors.T


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the mean (d,) and unbiased covariance (d, d) of features (N, d). Raises ValueError for N < 2."""
    if len(features) < 2:
        raise ValueError("A covariance needs two pictures or more.")
    return features.double().mean(0), torch.cov(features.double().T).reshape(features.shape[1], -1)


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of the two masks of each pair, (N,); a, b (N, …) bool. Two empty masks agree: 1."""
    a, b = a.flatten(1), b.flatten(1)
    union = (a | b).sum(1)
    return torch.where(union > 0, (a & b).sum(1).double() / union.clamp(min=1), 1.0)


def fid(a: Tensor, b: Tensor) -> float:
    """Compute the FID of features (N, d) and (M, d). It is biased upwards at small N: state N beside it."""
    return frechet(*moments(a), *moments(b))


def kid(a: Tensor, b: Tensor) -> float:
    """Compute the KID, the squared maximum mean discrepancy under the kernel (x·y/d + 1)³ (Bińkowski et al. 2018).

    It is unbiased at every N, so it can be below zero. Raises ValueError for fewer than two pictures on either side.
    """
    a, b = a.double(), b.double()
    n, m, d = len(a), len(b), a.shape[1]
    if min(n, m) < 2:
        raise ValueError("The kernel distance needs two pictures or more on either side.")
    aa, bb, ab = ((x @ y.T / d + 1) ** 3 for x, y in ((a, a), (b, b), (a, b)))
    within = (aa.sum() - aa.trace()) / (n * (n - 1)) + (bb.sum() - bb.trace()) / (m * (m - 1))
    return float(within - 2 * ab.mean())


def inception_score(probabilities: Tensor) -> float:
    """Compute exp of the mean KL(p(y|x) ‖ p(y)) from (N, classes) (Salimans et al. 2016): 1 … classes, at most N."""
    p = probabilities.double()
    marginal = p.mean(0, keepdim=True)
    return math.exp(float((torch.xlogy(p, p) - torch.xlogy(p, marginal)).sum(1).mean()))


class PrecisionRecall(NamedTuple):
    """precision: the share of made pictures on the real manifold; recall: of real pictures on the made manifold."""

    precision: float
    recall: float


def precision_recall(real: Tensor, made: Tensor, k: int = 3) -> PrecisionRecall:
    """Compute precision and recall of features (N, d) and (M, d) (Kynkäänniemi et al. 2019).

    The manifold of a set is the union of balls around its points, each with the distance to the point's k-th nearest
    neighbour as radius. Recall depends on N and M: compare at equal N and M. Raises ValueError unless both exceed k.
    """
    if min(len(real), len(made)) <= k:
        raise ValueError(f"Precision and recall need more than {k} pictures on either side.")
    real, made = real.double(), made.double()
    return PrecisionRecall(_share_inside(made, real, k), _share_inside(real, made, k))


def _share_inside(points: Tensor, manifold: Tensor, k: int) -> float:
    """Return the share of the points that lie in some ball of the manifold, its border included."""
    radius = distances(manifold, manifold).kthvalue(k + 1, dim=1).values  # + 1: the nearest is the point itself
    return float((distances(points, manifold) <= radius).any(1).double().mean())


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Compute Euclidean distances (N, M) from differences: equal points are at exactly 0."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def rough_distances(points: Tensor, among: Tensor) -> Iterator[Tensor]:
    """Yield the Euclidean distances (N, M) in blocks of rows that fit in memory; by matrix products: fast, rounded."""
    for some in points.split(max(1, AT_ONCE // len(among))):
        yield torch.cdist(some, among, compute_mode="use_mm_for_euclid_dist")


def nearest(points: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distance to the nearest of `among` and its index, (N,) each; equal points are at exactly 0."""
    few = [rows.topk(min(CANDIDATES, len(among)), largest=False).indices for rows in rough_distances(points, among)]
    which = torch.cat(few)
    low = distances(points[:, None], among[which])[:, 0].min(1, keepdim=True)
    return low.values[:, 0], which.gather(1, low.indices)[:, 0]


def psnr(a: NDArray[Any], b: NDArray[Any], peak: float = 2.0) -> float:
    """Compute the peak signal-to-noise ratio of two pictures in dB; infinite for equal pictures.

    peak -- the width of the range of values: 2 for [−1, 1], 255 for 8 bits
    """
    error = float(np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2))
    return float("inf") if error == 0 else 10 * float(np.log10(peak**2 / error))


def interval(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Compute the Wilson (1927) score interval of a rate, 95 % by default."""
    if not 0 <= hits <= n or n < 1:
        raise ValueError("A rate needs n ≥ 1 tries and 0 to n hits.")
    rate, spread = hits / n, z * z / n
    middle = (rate + spread / 2) / (1 + spread)
    half = z * math.sqrt(rate * (1 - rate) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
