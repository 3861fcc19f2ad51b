"""The closed-form models, checked by quadrature, autograd, finite differences and by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from engine.oracle import Empirical, Gaussian, Mixture

F64 = torch.float64
WEIGHTS = [0.5, 0.3, 0.2]
MEANS = [[0.0, 0.5], [1.5, -1.0], [-1.0, -0.5]]
COVS = [[[0.30, 0.10], [0.10, 0.20]], [[0.15, -0.05], [-0.05, 0.40]], [[0.25, 0.0], [0.0, 0.10]]]

GAUSSIAN = Gaussian([0.4, -0.3], [[1.0, 0.6], [0.6, 0.5]])
MIXTURE = Mixture(WEIGHTS, MEANS, COVS)
EMPIRICAL = Empirical(torch.tensor([[0.0, 1.0], [2.0, -0.5], [-1.0, 0.3], [0.4, 0.4]], dtype=F64), [1, 2, 3, 4])
LAWS = {"gaussian": GAUSSIAN, "mixture": MIXTURE, "empirical": EMPIRICAL}
Law = Mixture | Empirical

every_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
smooth = pytest.mark.parametrize("law", [GAUSSIAN, MIXTURE], ids=["gaussian", "mixture"])


def states(n: int = 5, scale: float = 1.5, d: int = 2) -> Tensor:
    return scale * torch.randn(n, d, dtype=F64, generator=torch.Generator().manual_seed(0))


def plane(half: float = 8.0, n: int = 801) -> tuple[Tensor, float]:
    """Return a lattice over the plane, (n², 2), and the area of its cell; sums over it converge exponentially."""
    axis = torch.linspace(-half, half, n, dtype=F64)
    return torch.cartesian_prod(axis, axis), float(axis[1] - axis[0]) ** 2


def density(law: Mixture, points: Tensor) -> Tensor:
    """The density of x0 from its textbook formula, (n,)."""
    normals = [torch.distributions.MultivariateNormal(m, c) for m, c in zip(law.means, law.covs, strict=True)]
    return torch.stack([w * n.log_prob(points).exp() for w, n in zip(law.weights, normals, strict=True)]).sum(0)


# --- D, score and density ---


@smooth
@pytest.mark.parametrize("sigma", [0.3, 1.0, 4.0])
def test_the_denoiser_and_the_density_match_numerical_integrals(law: Mixture, sigma: float) -> None:
    points, cell = plane()
    prior = density(law, points)
    for x in states(3):
        kernel = torch.exp(-(x - points).square().sum(1) / (2 * sigma**2)) / (2 * math.pi * sigma**2)
        joint = prior * kernel * cell
        assert_close(law(x[None], sigma)[0], (joint[:, None] * points).sum(0) / joint.sum(), rtol=0, atol=1e-10)
        assert_close(law.logp(x[None], sigma)[0], joint.sum().log(), rtol=0, atol=1e-10)


@every_law
@pytest.mark.parametrize("sigma", [0.05, 0.8, 30.0])
def test_the_score_is_the_gradient_of_logp_and_tweedie_holds(law: Law, sigma: float) -> None:
    x = states().requires_grad_()
    (gradient,) = torch.autograd.grad(law.logp(x, sigma).sum(), x)
    score = law.score(x, sigma)
    assert_close(score, gradient, rtol=1e-9, atol=1e-9)
    assert_close(law(x, sigma), x + sigma**2 * score, rtol=1e-10, atol=1e-10)


def test_the_gaussian_shrinks_towards_its_mean() -> None:
    x, sigma, eye = states(), 0.7, torch.eye(2, dtype=F64)
    gain = GAUSSIAN.cov @ torch.linalg.inv(GAUSSIAN.cov + sigma**2 * eye)
    assert_close(GAUSSIAN(x, sigma), GAUSSIAN.mean + (x - GAUSSIAN.mean) @ gain.T, rtol=0, atol=1e-12)


def test_the_empirical_denoiser_is_a_softmax_over_its_points() -> None:
    x, sigma = torch.tensor([[0.5, 0.1]], dtype=F64), 0.9
    terms = [
        weight * math.exp(-((0.5 - px) ** 2 + (0.1 - py) ** 2) / (2 * sigma**2))
        for (px, py), weight in zip(EMPIRICAL.points.tolist(), (0.1, 0.2, 0.3, 0.4), strict=True)
    ]
    by_hand = [
        sum(t * p[i] for t, p in zip(terms, EMPIRICAL.points.tolist(), strict=True)) / sum(terms) for i in (0, 1)
    ]
    assert_close(EMPIRICAL(x, sigma), torch.tensor([by_hand], dtype=F64), rtol=0, atol=1e-14)
    logp = math.log(sum(terms) / (2 * math.pi * sigma**2))
    assert EMPIRICAL.logp(x, sigma).item() == pytest.approx(logp, abs=1e-13)


def test_point_masses_are_a_mixture_without_spread() -> None:
    masses = Mixture([1, 2, 3, 4], EMPIRICAL.points, torch.zeros(4, 2, 2))
    for sigma in (1e-3, 0.2, 1.0, 1e3):
        x = states(scale=1 + sigma)
        assert_close(masses(x, sigma), EMPIRICAL(x, sigma), rtol=0, atol=1e-12)
        assert_close(masses.score(x, sigma), EMPIRICAL.score(x, sigma), rtol=1e-9, atol=1e-12)
        assert_close(masses.logp(x, sigma), EMPIRICAL.logp(x, sigma), rtol=1e-12, atol=1e-12)


# --- the flow ---


def test_the_flow_solves_its_equation() -> None:
    x, h = states(), 1e-5
    for sigma in (0.2, 1.0, 5.0):
        ahead, behind = (GAUSSIAN.flow(x, sigma, sigma + e) for e in (h, -h))
        assert_close((ahead - behind) / (2 * h), (x - GAUSSIAN(x, sigma)) / sigma, rtol=0, atol=1e-9)


def test_the_flow_carries_the_law_at_one_level_to_the_law_at_another() -> None:
    """It is affine: feed it the mean and the basis, and compare means and covariances without sampling."""
    eye = torch.eye(2, dtype=F64)
    mean = GAUSSIAN.mean[None]
    for start, end in ((80.0, 0.002), (0.0, 3.0), (2.0, 0.0)):
        moved = GAUSSIAN.flow(torch.cat([mean, mean + eye]), start, end)
        linear = (moved[1:] - moved[:1]).T
        assert_close(moved[:1], mean, rtol=0, atol=1e-12)
        before, after = (GAUSSIAN.cov + s**2 * eye for s in (start, end))
        assert_close(linear @ before @ linear.T, after, rtol=1e-10, atol=1e-10)


def test_the_flow_returns() -> None:
    x = states()
    assert_close(GAUSSIAN.flow(GAUSSIAN.flow(x, 0.01, 80.0), 80.0, 0.01), x, rtol=0, atol=1e-11)
    x32 = x.float().reshape(5, 1, 2)
    assert GAUSSIAN.flow(x32, 1.0, 2.0).shape == x32.shape
    assert GAUSSIAN.flow(x32, 1.0, 2.0).dtype == torch.float32


def test_a_singular_flow_stays_on_its_plane() -> None:
    flat = Gaussian([1.0, 2.0], [[1.0, 0.0], [0.0, 0.0]])
    x = torch.tensor([[3.0, 2.0]], dtype=F64)
    assert_close(flat.flow(x, 0.0, 1.0), torch.tensor([[1 + 2 * math.sqrt(2), 2.0]], dtype=F64))
    assert_close(flat.flow(x + 1, 1.0, 0.0)[:, 1], torch.tensor([2.0], dtype=F64))


# --- classes ---


def test_class_posteriors_are_bayes_rule() -> None:
    x, sigma = states(), 0.6
    posterior = MIXTURE.class_posterior(x, sigma)
    assert_close(posterior.sum(1), torch.ones(5, dtype=F64), rtol=0, atol=1e-14)
    joint = torch.stack([MIXTURE.weights[i] * MIXTURE.component(i).logp(x, sigma).exp() for i in range(3)], 1)
    assert_close(posterior, joint / joint.sum(1, keepdim=True), rtol=1e-12, atol=0)
    mixed = sum(posterior[:, i : i + 1] * MIXTURE.component(i)(x, sigma) for i in range(3))
    assert_close(MIXTURE(x, sigma), mixed, rtol=0, atol=1e-13)


def test_classifier_guidance_of_one_gives_the_conditional_denoiser() -> None:
    """D + σ²∇log p(class | x) = D of that class, exactly."""
    sigma = 0.6
    for i in range(3):
        x = states().requires_grad_()
        (gradient,) = torch.autograd.grad(MIXTURE.class_posterior(x, sigma)[:, i].log().sum(), x)
        assert_close(MIXTURE(x, sigma) + sigma**2 * gradient, MIXTURE.component(i)(x, sigma), rtol=0, atol=1e-12)


# --- posteriors ---


def test_a_gaussian_posterior_is_the_textbook_one() -> None:
    A, y, s = torch.tensor([[1.0, -0.5], [0.3, 2.0], [1.0, 1.0]], dtype=F64), [0.2, -1.0, 0.5], 0.4
    posterior = GAUSSIAN.posterior(A, y, s)
    precision = torch.linalg.inv(GAUSSIAN.cov) + A.T @ A / s**2
    cov = torch.linalg.inv(precision)
    observed = torch.tensor(y, dtype=F64)
    mean = cov @ (torch.linalg.solve(GAUSSIAN.cov, GAUSSIAN.mean) + A.T @ observed / s**2)
    assert isinstance(posterior, Gaussian)
    assert_close(posterior.mean, mean, rtol=0, atol=1e-12)
    assert_close(posterior.cov, cov, rtol=0, atol=1e-12)


def test_a_gaussian_may_be_observed_exactly() -> None:
    """A correlated pair: ρ = .9, unit variances, the first coordinate observed at 1.5."""
    pair = Gaussian([0.0, 0.0], [[1.0, 0.9], [0.9, 1.0]])
    posterior = pair.posterior([[1.0, 0.0]], [1.5], 0.0)
    assert_close(posterior.mean, torch.tensor([1.5, 1.35], dtype=F64), rtol=0, atol=1e-14)
    assert_close(posterior.cov, torch.tensor([[0.0, 0.0], [0.0, 0.19]], dtype=F64), rtol=0, atol=1e-14)
    twice = pair.posterior([[1.0, 0.0], [2.0, 0.0]], [1.5, 3.0], 0.0)  # the same fact told twice
    assert_close(twice.mean, posterior.mean, rtol=0, atol=1e-12)
    x = states()
    for sigma in (0.0, 1e-6, 1.0, 1e4):
        assert_close(posterior(x, sigma)[:, 0], torch.full((5,), 1.5, dtype=F64), rtol=0, atol=1e-12)
    known = pair.posterior(torch.eye(2), [0.3, 0.4], 0.0)
    assert_close(known(x, 0.5), torch.tensor([[0.3, 0.4]], dtype=F64).expand(5, 2), rtol=0, atol=1e-14)


def test_an_impossible_exact_observation_is_refused() -> None:
    pair = Gaussian([0.0, 0.0], [[1.0, 0.9], [0.9, 1.0]])
    with pytest.raises(ValueError, match="cannot occur"):
        pair.posterior([[1.0, 0.0], [2.0, 0.0]], [1.5, 2.0], 0.0)
    with pytest.raises(ValueError, match="sigma_y > 0"):
        Mixture([1, 1], [[0.0], [1.0]], [[[0.0]], [[1.0]]]).posterior([[1.0]], [1.0], 0.0)
    with pytest.raises(ValueError, match="sigma_y > 0"):
        EMPIRICAL.posterior([[1.0, 0.0]], [2.0], 0.0)


@pytest.mark.parametrize("sigma_y", [0.3, 0.02])
def test_a_mixture_posterior_matches_the_numerical_integral(sigma_y: float) -> None:
    A, y = torch.tensor([[0.8, -0.4]], dtype=F64), 0.35
    posterior = MIXTURE.posterior(A, [y], sigma_y)
    points, cell = plane(5.0, 1001)
    joint = density(MIXTURE, points) * torch.exp(-(((points @ A.T)[:, 0] - y) ** 2) / (2 * sigma_y**2)) * cell
    assert_close(density(posterior, points), joint / joint.sum() / cell, rtol=0, atol=1e-8 / sigma_y)
    assert_close(posterior.weights @ posterior.means, (joint[:, None] * points).sum(0) / joint.sum(), rtol=0, atol=1e-8)


def test_a_mixture_observed_exactly_is_the_limit_of_little_noise() -> None:
    A = torch.tensor([[0.8, -0.4]], dtype=F64)
    exact, almost = (MIXTURE.posterior(A, [0.35], s) for s in (0.0, 1e-6))
    assert_close(exact.weights, almost.weights, rtol=0, atol=1e-10)
    assert_close(exact.means, almost.means, rtol=0, atol=1e-10)
    assert_close(exact.means @ A.T, torch.full((3, 1), 0.35, dtype=F64), rtol=0, atol=1e-14)


def test_an_empirical_posterior_reweights_its_points() -> None:
    images = Empirical(torch.randn(6, 3, 4, 4, generator=torch.Generator().manual_seed(2)))
    y = images.points[2].mean(0) + 0.01

    def grey(points: Tensor) -> Tensor:
        return points.mean(1)

    posterior = images.posterior(grey, y, 0.5)
    evidence = torch.exp(-(grey(images.points.double()) - y).square().sum((1, 2)) / (2 * 0.25))
    assert_close(posterior.weights, evidence / evidence.sum(), rtol=1e-6, atol=0)
    matrix = torch.eye(16, dtype=F64).repeat(1, 3) / 3
    assert_close(images.posterior(matrix, y, 0.5).weights, posterior.weights, rtol=1e-10, atol=0)


# --- samples: 40,000 draws, so the mean errs by √(C/n) and a covariance by √((C_ii·C_jj + C_ij²)/n); 5 of those ---


@every_law
def test_samples_have_the_moments_of_the_law(law: Law) -> None:
    n = 40_000
    draws = law.sample(n, torch.Generator().manual_seed(3))
    if isinstance(law, Empirical):
        mean = law.weights @ law.points
        second = torch.einsum("n,nd,ne->de", law.weights, law.points, law.points)
    else:
        mean = law.weights @ law.means
        second = torch.einsum("k,kde->de", law.weights, law.covs + law.means[:, :, None] * law.means[:, None])
    cov = second - mean[:, None] * mean
    variance = cov.diagonal()
    assert draws.dtype == F64
    assert ((draws.mean(0) - mean).abs() < 5 * (variance / n).sqrt()).all()
    fourth = (draws - mean).pow(4).mean(0)  # kurtosis of a mixture is not a Gaussian's: bound by its own
    assert ((draws.T.cov().diagonal() - variance).abs() < 5 * (fourth / n).sqrt()).all()
    assert abs(draws.T.cov()[0, 1] - cov[0, 1]) < 5 * (fourth.prod().sqrt() / n).sqrt()


@every_law
def test_samples_follow_their_generator(law: Law) -> None:
    first, again, other = (law.sample(4, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


# --- shapes, dtypes, batches, extremes ---


@every_law
def test_results_do_not_depend_on_the_batch(law: Law) -> None:
    x = states(33, scale=4.0)
    levels = torch.linspace(0.0, 12.0, 33, dtype=F64)
    for call in (law, law.score, law.logp, law.class_posterior):
        together = call(x, levels)
        alone = torch.cat([call(x[i : i + 1], levels[i].item()) for i in range(33)])
        finite = together.abs() < 1e20  # at σ = 0 a point mass has an infinite score, which stands here as 1e30
        assert_close(together[finite], alone[finite], rtol=0, atol=1e-12)


@pytest.mark.parametrize("n", [1, 3])
def test_images_keep_their_shape_and_dtype(n: int) -> None:
    d = 3 * 4 * 4
    factor = torch.randn(d, d, dtype=F64, generator=torch.Generator().manual_seed(4)) / 7
    laws: list[Law] = [
        Gaussian(torch.zeros(d), factor @ factor.T),
        Mixture([1, 1], torch.stack([torch.zeros(d), torch.ones(d)]), torch.stack([factor @ factor.T] * 2)),
        Empirical(torch.randn(7, 3, 4, 4)),
    ]
    x = torch.randn(n, 3, 4, 4)
    for law in laws:
        assert law(x, 0.5).shape == law.score(x, 0.5).shape == x.shape
        assert law(x, 0.5).dtype == law.score(x, 0.5).dtype == torch.float32
        assert law.logp(x, 0.5).shape == (n,)
        assert_close(law(x, 0.5), law(x.flatten(1).double(), 0.5).reshape(x.shape).float())
        assert law.sample(2)[0].numel() == d
        with pytest.raises(ValueError, match="for 48 numbers"):
            law(x[:, :2], 0.5)


def test_many_points_are_read_in_parts_with_the_same_result() -> None:
    points = torch.randn(300, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    law = Empirical(points)
    x = points[:16] + 0.1 * torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(6))
    distance = torch.cdist(
        x.double().flatten(1), points.double().flatten(1), compute_mode="donot_use_mm_for_euclid_dist"
    )
    weights = torch.softmax(-(distance**2) / (2 * 20.0**2), 1)
    assert 2**23 // x.numel() < 300  # so that it does take several runs
    assert_close(law.class_posterior(x, 20.0), weights, rtol=0, atol=1e-11)
    assert_close(law(x.double(), 20.0).flatten(1), weights @ points.double().flatten(1), rtol=0, atol=1e-10)
    assert_close(law(x, 0.1), points[:16])  # at the noise it was made with, each image finds itself


@every_law
@pytest.mark.parametrize("sigma", [0.0, 1e-200, 1e-12, 1e-4, 1e5, 1e12])
def test_extreme_levels_stay_finite(law: Law, sigma: float) -> None:
    x = (states(scale=1 + sigma)).requires_grad_()
    denoised = law(x, sigma)
    (gradient,) = torch.autograd.grad(denoised.sum(), x)
    for value in (denoised, gradient, law.score(x, sigma), law.logp(x, sigma), law.class_posterior(x, sigma)):
        assert value.isfinite().all()
    if sigma >= 1e5:
        mean = law.weights @ (law.points if isinstance(law, Empirical) else law.means)
        assert_close(denoised, mean.expand(5, 2), rtol=0, atol=20 / sigma)


def test_no_noise_returns_the_state_or_the_nearest_point() -> None:
    x = states()
    assert_close(GAUSSIAN(x, 0.0), x, rtol=0, atol=1e-14)
    assert_close(MIXTURE(x, 0.0), x, rtol=0, atol=1e-14)
    nearest = torch.cdist(x, EMPIRICAL.points).argmin(1)
    assert torch.equal(EMPIRICAL(x, 0.0), EMPIRICAL.points[nearest])


@every_law
def test_the_denoiser_is_differentiable_in_the_state_and_the_level(law: Law) -> None:
    x = states(3).requires_grad_()
    sigma = torch.tensor([0.3, 1.0, 2.0], dtype=F64, requires_grad=True)
    assert torch.autograd.gradcheck(law, (x, sigma))
    assert torch.autograd.gradgradcheck(law, (x, sigma))


@pytest.mark.parametrize(
    ("weights", "means", "covs"),
    [
        ([1.0, 1.0], [[0.0]], [[[1.0]]]),
        ([-1.0], [[0.0]], [[[1.0]]]),
        ([0.0], [[0.0]], [[[1.0]]]),
        ([1.0], [[0.0]], [[[-1.0]]]),
        ([1.0], [[0.0, 0.0]], [[[1.0, 0.5], [0.0, 1.0]]]),
        ([1.0], [[0.0, 0.0]], [[[1.0, 2.0], [2.0, 1.0]]]),
    ],
)
def test_invalid_laws_are_refused(
    weights: list[float], means: list[list[float]], covs: list[list[list[float]]]
) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Mixture(weights, means, covs)
    with pytest.raises(ValueError, match="3 weights"):
        Empirical(torch.zeros(3, 2), [1.0, 1.0])
