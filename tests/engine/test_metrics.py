"""Metrics of picture sets against closed forms, in float64."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from engine import metrics
from engine.metrics import (
    fid,
    frechet,
    inception_score,
    interval,
    kid,
    moments,
    nearest,
    overlap,
    precision_recall,
)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def covariance(d: int, seed: int) -> Tensor:
    a = normal(d, d, seed=seed)
    return a @ a.T / d + 0.1 * torch.eye(d, dtype=torch.float64)


def test_frechet_of_commuting_gaussians_is_the_distance_of_their_deviations() -> None:
    """Σ₁ = Q diag(a²) Qᵀ, Σ₂ = Q diag(b²) Qᵀ: ‖μ₁ − μ₂‖² + ‖a − b‖²."""
    q, _ = torch.linalg.qr(normal(5, 5))
    a, b, mu1, mu2 = normal(5, seed=1).abs(), normal(5, seed=2).abs(), normal(5, seed=3), normal(5, seed=4)
    expected = ((mu1 - mu2) ** 2).sum() + ((a - b) ** 2).sum()
    got = frechet(mu1, q @ torch.diag(a**2) @ q.T, mu2, q @ torch.diag(b**2) @ q.T)
    assert got == pytest.approx(float(expected), abs=1e-10)


def test_frechet_is_the_cost_of_the_optimal_map_between_any_two_gaussians() -> None:
    """T = Σ₁^(−½)(Σ₁^½ Σ₂ Σ₁^½)^½ Σ₁^(−½) carries N(0, Σ₁) to N(0, Σ₂) at cost tr((T − I)Σ₁(T − I))."""
    cov1, t = covariance(4, 1), covariance(4, 2)  # any positive T is the optimal map to TΣ₁T
    cost = torch.trace((t - torch.eye(4)) @ cov1 @ (t - torch.eye(4)))
    zero = torch.zeros(4, dtype=torch.float64)
    assert frechet(zero, cov1, zero, t @ cov1 @ t) == pytest.approx(float(cost), abs=1e-10)


def test_frechet_accepts_singular_covariances_and_is_symmetric() -> None:
    flat = torch.diag(torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64))
    zero, cov = torch.zeros(3, dtype=torch.float64), covariance(3, 5)
    assert frechet(zero, flat, zero, flat) == pytest.approx(0, abs=1e-12)
    assert frechet(zero, flat, zero, cov) == pytest.approx(frechet(zero, cov, zero, flat), abs=1e-10)
    # against a line along v, whatever its direction: the cross term is the deviation along it, √(vᵀΣv)
    v = normal(3, seed=6)
    line = torch.outer(v, v)
    expected = float(v @ v + cov.trace() - 2 * (v @ cov @ v).sqrt())
    assert frechet(zero, line, zero, cov) == pytest.approx(expected, abs=1e-12)
    assert frechet(zero, cov, zero, line) == pytest.approx(expected, abs=1e-12)
    assert frechet(zero, line, zero, line) == pytest.approx(0, abs=1e-12)
    # against a point mass: the whole variance
    assert frechet(zero, 0 * cov, zero, cov) == pytest.approx(float(cov.trace()), abs=1e-10)
    with pytest.raises(ValueError, match="two covariances"):
        frechet(zero, torch.eye(2), zero, cov)


def test_fid_of_shifted_features_is_the_shift_and_small_sets_are_biased_upwards() -> None:
    x = normal(400, 6)
    assert fid(x, x + 2.0) == pytest.approx(6 * 4.0, abs=1e-9)
    same_law = [fid(normal(n, 6, seed=1), normal(4000, 6, seed=2)) for n in (12, 100, 4000)]
    assert same_law[0] > 3 * same_law[1] > 9 * same_law[2] > 0
    mean, cov = moments(x)
    torch.testing.assert_close(cov, (x - mean).T @ (x - mean) / 399)


def test_kid_is_unbiased_where_fid_is_not() -> None:
    """Over many small draws of one law its mean is zero, within three standard errors."""
    draws = torch.tensor([kid(normal(10, 3, seed=2 * k), normal(10, 3, seed=2 * k + 1)) for k in range(300)])
    assert abs(draws.mean()) < 3 * draws.std() / math.sqrt(300)
    assert kid(normal(50, 3), normal(50, 3, seed=1) + 2) > 10 * draws.std()


def test_kid_matches_the_sum_over_all_pairs() -> None:
    a, b = normal(4, 3), normal(5, 3, seed=1)

    def kernel(x: Tensor, y: Tensor) -> float:
        return float((x @ y / 3 + 1) ** 3)

    aa = [kernel(a[i], a[j]) for i in range(4) for j in range(4) if i != j]
    bb = [kernel(b[i], b[j]) for i in range(5) for j in range(5) if i != j]
    ab = [kernel(x, y) for x in a for y in b]
    expected = sum(aa) / len(aa) + sum(bb) / len(bb) - 2 * sum(ab) / len(ab)
    assert kid(a, b) == pytest.approx(expected, abs=1e-12)


def test_inception_score_runs_from_one_to_the_number_of_classes() -> None:
    assert inception_score(torch.full((7, 5), 0.2)) == pytest.approx(1)
    assert inception_score(torch.eye(5).repeat(3, 1)) == pytest.approx(5)
    assert inception_score(torch.eye(5)[[0, 0, 0]]) == pytest.approx(1)  # sure, but always of one
    # sure of half the classes each: log 2 nats are known of log 4
    halves = torch.tensor([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
    assert inception_score(halves) == pytest.approx(2)


def test_precision_and_recall_on_a_line_by_hand() -> None:
    """k = 1 on whole numbers: every real ball reaches 1 to either side."""
    real = torch.arange(10.0, dtype=torch.float64)[:, None]
    made = torch.tensor([0.5, 1.0, 11.0, 11.5], dtype=torch.float64)[:, None]
    got = precision_recall(real, made, k=1)
    assert got.precision == 0.5  # 11 and 11.5 lie beyond 9 + 1
    assert got.recall == 0.2  # balls of ½ around 0.5 and 1 hold 1, and 0 at their border
    assert precision_recall(real, real, k=3) == (1, 1)
    assert precision_recall(real, real + 100, k=3) == (0, 0)
    with pytest.raises(ValueError, match="more than 3"):
        precision_recall(real[:3], made)


def test_one_mode_of_two_is_precise_and_recalls_half() -> None:
    two = torch.cat([normal(200, 2), normal(200, 2, seed=1) + 50])
    got = precision_recall(two, two[:200] + 1e-6)
    assert got.precision == 1
    assert got.recall == 0.5


def test_nearest_is_exact_for_every_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    among = normal(300, 8).float()
    points = torch.cat([normal(40, 8, seed=1).float(), among[[7, 250]]])
    every = (points[:, None] - among).double().pow(2).sum(2).sqrt().min(1)
    for at_once in (1, 1000, 1 << 24):
        monkeypatch.setattr(metrics, "AT_ONCE", at_once)
        distance, which = nearest(points, among)
        assert torch.equal(which, every.indices)
        torch.testing.assert_close(distance.double(), every.values)
        assert distance[-2:].tolist() == [0, 0]  # exactly, where a matrix product would leave rounding


def test_the_interval_solves_wilsons_equation() -> None:
    """At its ends the observed rate is z standard deviations away: (p̂ − p)² = z² p(1 − p)/n."""
    for hits, n in ((90, 100), (1, 7), (195, 200)):
        for p in interval(hits, n):
            assert (hits / n - p) ** 2 == pytest.approx(1.96**2 * p * (1 - p) / n)
    assert interval(0, 10)[0] == 0
    assert interval(10, 10)[1] == 1
    with pytest.raises(ValueError, match="0 to n hits"):
        interval(3, 2)


def test_overlap_is_intersection_over_union_of_each_pair() -> None:
    a = torch.tensor([[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=torch.bool).view(3, 1, 2, 2)
    b = torch.tensor([[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=torch.bool).view(3, 1, 2, 2)
    torch.testing.assert_close(overlap(a, b), torch.tensor([1 / 3, 1, 1], dtype=torch.float64))
