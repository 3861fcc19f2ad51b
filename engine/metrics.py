"""Figures for sets of pictures: closed forms and exact counts on feature vectors, wherever those are from.

Features are (N, d), in any space. The studio uses the pooled features of its own classifier
(engine.evaluate.classifier), so these figures do not compare with those of papers, which use Inception's. All is
computed in float64.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

AT_ONCE = 1 << 24  # distances held at a time: 64 MiB of them
CANDIDATES = 8  # rounding may reorder the very nearest: so many are measured again


def frechet(mu1: Tensor, cov1: Tensor, mu2: Tensor, cov2: Tensor) -> float:
    """The squared Fréchet distance of two Gaussians (Dowson & Landau 1982), means (d,), covariances (d, d):

        ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2(Σ₁^½ Σ₂ Σ₁^½)^½)

    The trace of the last term is the sum of the singular values of Σ₁^½ Σ₂^½: its eigenvalues are never rounded before
    a square root is taken of them, so singular covariances (fewer pictures than features) are no special case. Of the
    Gaussians fitted to features it is the FID (Heusel et al. 2017). Raises ValueError for shapes that do not fit.
    """
    mu1, cov1, mu2, cov2 = (torch.as_tensor(v).double() for v in (mu1, cov1, mu2, cov2))
    d = len(mu1)
    if mu1.shape != (d,) or mu2.shape != (d,) or cov1.shape != (d, d) or cov2.shape != (d, d):
        raise ValueError("The Fréchet distance needs two means (d,) and two covariances (d, d).")
    cross = torch.linalg.svdvals(_root(cov1) @ _root(cov2)).sum()
    return float(((mu1 - mu2) ** 2).sum() + cov1.trace() + cov2.trace() - 2 * cross)


def _root(cov: Tensor) -> Tensor:
    """The symmetric square root. Eigenvalues within rounding of zero count as zero: √ of 1e-17 would be 3e-9."""
    values, vectors = torch.linalg.eigh((cov + cov.T) / 2)
    rounding = len(values) * torch.finfo(values.dtype).eps * values[-1]
    return (vectors * torch.where(values > rounding, values, 0).sqrt()) @ vectors.T


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and unbiased covariance (d, d) of features (N, d). Raises ValueError for fewer than two."""
    if len(features) < 2:
        raise ValueError("A covariance needs two pictures or more.")
    return features.double().mean(0), torch.cov(features.double().T).reshape(features.shape[1], -1)


def fid(a: Tensor, b: Tensor) -> float:
    """The Fréchet distance of features (N, d) and (M, d). Too large at small N: say N, and what real pictures get."""
    return frechet(*moments(a), *moments(b))


def kid(a: Tensor, b: Tensor) -> float:
    """The squared maximum mean discrepancy under the kernel (x·y/d + 1)³ (Bińkowski et al. 2018).

    Unbiased at every N, so it may fall below zero. Raises ValueError for fewer than two on either side.
    """
    a, b = a.double(), b.double()
    n, m, d = len(a), len(b), a.shape[1]
    if min(n, m) < 2:
        raise ValueError("The kernel distance needs two pictures or more on either side.")
    aa, bb, ab = ((x @ y.T / d + 1) ** 3 for x, y in ((a, a), (b, b), (a, b)))
    within = (aa.sum() - aa.trace()) / (n * (n - 1)) + (bb.sum() - bb.trace()) / (m * (m - 1))
    return float(within - 2 * ab.mean())


def inception_score(probabilities: Tensor) -> float:
    """exp of the mean KL(p(y|x) ‖ p(y)), from (N, classes) (Salimans et al. 2016): 1 … classes, and never above N."""
    p = probabilities.double()
    marginal = p.mean(0, keepdim=True)
    return math.exp(float((torch.xlogy(p, p) - torch.xlogy(p, marginal)).sum(1).mean()))


class Coverage(NamedTuple):
    """precision: the part of the made that lies where real ones do; recall: that of the real which the made reach."""

    precision: float
    recall: float


def precision_recall(real: Tensor, made: Tensor, k: int = 3) -> Coverage:
    """Of features (N, d) and (M, d) (Kynkäänniemi et al. 2019): a set's manifold is the union of balls around its
    points, each out to that point's k-th nearest other. Recall depends on N and M: compare at equal ones.

    Raises ValueError unless each side has more than k.
    """
    if min(len(real), len(made)) <= k:
        raise ValueError(f"Precision and recall need more than {k} pictures on either side.")
    real, made = real.double(), made.double()
    return Coverage(_inside(made, real, k), _inside(real, made, k))


def _inside(points: Tensor, manifold: Tensor, k: int) -> float:
    """The part of the points that lie in some ball of the manifold, its border included."""
    radius = distances(manifold, manifold).kthvalue(k + 1, dim=1).values  # itself is the nearest
    return float((distances(points, manifold) <= radius).any(1).double().mean())


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean (N, M), computed from differences: equal points are at exactly 0."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def rough_distances(points: Tensor, among: Tensor) -> Iterator[Tensor]:
    """Rows of the Euclidean (N, M) in turn, as many as memory should hold: by matrix products, fast but rounded."""
    for some in points.split(max(1, AT_ONCE // len(among))):
        yield torch.cdist(some, among, compute_mode="use_mm_for_euclid_dist")


def nearest(points: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """Distance to the nearest of `among` and which it is, (N,) each; equal points are at exactly 0."""
    few = [rows.topk(min(CANDIDATES, len(among)), largest=False).indices for rows in rough_distances(points, among)]
    which = torch.cat(few)
    low = distances(points[:, None], among[which])[:, 0].min(1, keepdim=True)
    return low.values[:, 0], which.gather(1, low.indices)[:, 0]


def psnr(a: NDArray[Any], b: NDArray[Any], peak: float = 2.0) -> float:
    """Peak signal to noise ratio of two pictures in dB: infinite where they are the same.

    peak -- the width of the range of values: 2 for [−1, 1], 255 for 8 bits
    """
    error = float(np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2))
    return float("inf") if error == 0 else 10 * float(np.log10(peak**2 / error))


def interval(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The Wilson (1927) score interval of a rate, 95 % by default: what another draw of n would plausibly give."""
    if not 0 <= hits <= n or n < 1:
        raise ValueError("A rate needs between 0 and n hits of at least one try.")
    rate, spread = hits / n, z * z / n
    middle = (rate + spread / 2) / (1 + spread)
    half = z * math.sqrt(rate * (1 - rate) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
