"""Bits of pictures, by the change of variables and by the bound, against models whose density is known exactly."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.flow import bound as elbo
from engine.flow import density as bits
from engine.flow.bound import Terms
from engine.jobs.likelihood import (
    OFFSET,
    Elbo,
    ElboTerms,
    Likelihood,
    LogDensity,
    Working,
    bits_per_dim,
    check_picture,
    conditional_request,
)
from engine.meter import Meter
from engine.noise import FORWARD, Noise
from engine.ode import FlowError
from engine.oracle import Gaussian
from engine.rules import RULES
from engine.run import Cancelled
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.request import RequestError
from engine.types import Denoiser
from tests.engine.closed_form import MEAN, VARIANCE, NormalModel

F64 = torch.float64
LOW, HIGH, PRIOR = 0.02, 80.0, 81.0  # the tiny model's ends, and the deviation of a rectified flow's prior there


def picture(side: int = 16) -> np.ndarray:
    """Levels around the model's mean, all three channels different."""
    rng = np.random.default_rng(0)
    return np.clip(rng.normal(150, 60, (side, side, 3)), 0, 255).astype(np.uint8)


@pytest.fixture
def session(tiny_model: ModelInfo) -> Session:
    made = Session("cpu", [tiny_model])
    made.models.put(tiny_model, NormalModel(tiny_model.sha256))
    return made


def exact_logp(levels: np.ndarray) -> float:
    """What the model gives to a picture in nats, averaged over dequantisation: all of it is quadratic in the noise."""
    centre, variance = levels.astype(float) / 127.5 - 1, (1 / 127.5) ** 2 / 12
    stretch = math.sqrt((VARIANCE + HIGH**2) / (VARIANCE + LOW**2))
    top = MEAN + stretch * (centre - MEAN)
    square = top**2 + stretch**2 * variance
    return float(np.sum(-0.5 * (square / PRIOR**2 + math.log(2 * math.pi * PRIOR**2)) + math.log(stretch)))


# --- by the change of variables ---


def test_a_pictures_bits_are_the_exact_ones(session: Session) -> None:
    job = Likelihood(model="tiny", rgb=picture(), probes=6, tol=1e-5, seed=4)
    events = [news for news in session.perform(job) if isinstance(news, LogDensity)]
    exact = exact_logp(picture())
    last = events[-1]
    assert last.dims == 16 * 16 * 3
    assert abs(last.logp - exact) < 4 * last.stderr + 0.05
    assert last.stderr < 0.005 * abs(exact)
    assert last.bits_dim == pytest.approx(-exact / (last.dims * math.log(2)) + OFFSET, abs=0.01)
    assert last.bits_stderr == pytest.approx(last.stderr / (last.dims * math.log(2)))
    assert (last.sigma_min, last.sigma_max, last.prior_std, last.offset) == (LOW, HIGH, PRIOR, OFFSET)


def test_estimates_come_one_by_one_each_the_mean_so_far(session: Session) -> None:
    events = list(session.perform(Likelihood(model="tiny", rgb=picture(), probes=3, seed=4)))
    found = [news for news in events if isinstance(news, LogDensity)]
    assert [(news.probe, news.probes) for news in found] == [(1, 3), (2, 3), (3, 3)]
    assert math.isnan(found[0].stderr)
    assert all(news.stderr > 0 for news in found[1:])
    assert all(a.calls < b.calls for a, b in pairwise(found))
    one = session.perform(Likelihood(model="tiny", rgb=picture(), probes=1, seed=4))
    assert [news.logp for news in one if isinstance(news, LogDensity)] == [found[0].logp]
    dones = [news.done for news in events if isinstance(news, Working)]
    assert dones == sorted(dones)
    assert dones
    assert 0 < dones[0] < 1


def test_a_solve_of_several_pictures_is_that_of_each_alone(session: Session, tiny_model: ModelInfo) -> None:
    rgb = np.stack([picture(), 255 - picture()])
    model = session.load(tiny_model)
    request, levels = conditional_request(tiny_model), bits.levels(rgb, model)

    def solved(some: Tensor, seeds: list[int]) -> Tensor:
        solve = bits.bits(model, request, some, seeds)
        while True:
            try:
                next(solve)
            except StopIteration as end:
                found: Tensor = end.value.bits_dim
                return found

    together = solved(levels, [3, 4])
    assert together.shape == (2,)
    torch.testing.assert_close(
        together, torch.cat([solved(levels[:1], [3]), solved(levels[1:], [4])]), rtol=1e-6, atol=0
    )


def test_all_levels_alike_cost_eight_bits() -> None:
    """A density that is even over the 256 bins says nothing: log₂ 256 of each number, whatever their count."""
    assert bits_per_dim(12 * math.log(127.5 / 256), 12) == pytest.approx(8, abs=1e-12)
    assert bits_per_dim(0.0, 12) == pytest.approx(math.log2(127.5))


def test_dequantisation_is_even_around_each_value_that_models_see_and_another_one_in_each_draw() -> None:
    level = torch.tensor([0.0, 100.0, 255.0], dtype=F64).repeat(1, 20_000)
    x = bits.dequantise(level, Noise([1]))
    seen = level / 127.5 - 1
    inside = (x.double() - seen) * 127.5
    assert inside.min() > -0.5 - 1e-4
    assert inside.max() < 0.5 + 1e-4
    assert inside.mean().item() == pytest.approx(0, abs=0.005)
    assert inside.var().item() == pytest.approx(1 / 12, rel=0.02)
    assert not torch.equal(x, bits.dequantise(level, Noise([1]), 1))


def test_a_grey_model_sees_the_grey_levels_themselves() -> None:
    model = NormalModel("")
    model.codec = type(model.codec)(1)  # type: ignore[call-arg]
    rgb = np.repeat(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1), 3, 3)
    assert torch.equal(bits.levels(rgb, model).flatten(), torch.arange(256, dtype=F64))


# --- the bound ---


def drawn(d: Denoiser, x0: Tensor, sigmas: tuple[float, ...], number: int = 0, std: float | None = None) -> Terms:
    *_, terms = elbo.draw(d, x0, sigmas, std or sigmas[0], Noise([1]), number)
    assert isinstance(terms, Terms)
    return terms


class Pixelwise(Gaussian):
    """The same normal law for every number of a picture."""

    def __call__(self, x: Tensor, sigma: Any, cond: object = None) -> Tensor:
        level = torch.as_tensor(sigma, dtype=F64).reshape(-1, *[1] * (x.ndim - 1))
        return self.mean + self.cov[0, 0] / (self.cov[0, 0] + level**2) * (x - self.mean)


def independent(s: float, n: int = 20_000) -> tuple[Pixelwise, Tensor]:
    """A law of independent numbers of deviation s, and one picture of it, a state at LOW."""
    g = torch.Generator().manual_seed(1)
    deviation = math.sqrt(s**2 + LOW**2)
    return Pixelwise([0.1], [[s**2]]), 0.1 + deviation * torch.randn(1, 1, n, dtype=F64, generator=g)


class Signs:
    """Noise that is +1 in even columns and −1 in odd ones at every level: mean and square are those of N(0, 1).

    All terms are quadratic in the noise, so that their mean over such a pair is the exact expectation.
    """

    def at(self, hop: int) -> Signs:
        return self

    def of(self, stream: int) -> Signs:
        return self

    def normal(self, like: Tensor, draw: int = 0, shared: bool = False) -> Tensor:
        return torch.tensor([1.0, -1.0], dtype=like.dtype).repeat(like.shape[-1] // 2).expand(like.shape).clone()


def expected_bound(d: Denoiser, values: Tensor, n: int, low: float = LOW) -> Tensor:
    """The exact expectation of the bound over its noise for each of the values (m,), in bits/dim, in `n` steps."""
    sigmas = elbo.chain(HIGH, low, n)
    x = values.repeat_interleave(2).reshape(1, 1, -1)
    deviation = math.sqrt(d.cov.item() + HIGH**2)  # type: ignore[attr-defined]
    *_, terms = elbo.draw(d, x, sigmas, deviation, Signs(), 0)
    assert isinstance(terms, Terms)
    nats = (terms.prior + terms.steps.sum(0) + terms.last).reshape(-1, 2).mean(1)
    return nats / math.log(2) + OFFSET


def exact_bits(d: Pixelwise, values: Tensor, low: float = LOW) -> Tensor:
    """−log₂ of N(0, s² + low²), with the offset of the same bins."""
    variance = d.cov.item() + low**2
    return 0.5 * (values**2 / variance + math.log(2 * math.pi * variance)) / math.log(2) + OFFSET


@pytest.mark.parametrize("s", [1e-4, 0.02, 0.3, 0.9])
def test_the_bound_of_a_gaussian_is_at_least_its_bits_and_equal_in_the_limit_of_many_steps(s: float) -> None:
    """Over pictures of the law, in expectation without sampling: ±its deviation have its mean and its square."""
    d = Pixelwise([0.0], [[s**2]])
    deviation = math.sqrt(s**2 + LOW**2)
    law = torch.tensor([deviation, -deviation], dtype=F64)
    exact = exact_bits(d, law).mean().item()
    gaps = [expected_bound(d, law, n).mean().item() - exact for n in (2, 5, 20, 100, 1000, 10_000)]
    assert min(gaps) > -1e-9  # of the float64 sum over 10 000 steps
    assert all(many <= few + 1e-9 for few, many in pairwise(gaps))
    assert gaps[-1] < 0.01
    if s < LOW / 10:  # all that is known of x_σ is its noise: β̃ is exact, and the bound is the bits for any steps
        assert max(gaps) < 1e-4


def test_in_the_limit_of_many_steps_the_bound_of_each_value_is_its_bits() -> None:
    """Not in the mean alone: also of the likeliest value of the law, where L_0 over σ_n itself fell below the bits."""
    d = Pixelwise([0.0], [[0.05**2]])
    values = torch.tensor([0.0, 0.05, -0.2], dtype=F64)
    torch.testing.assert_close(expected_bound(d, values, 20_000), exact_bits(d, values), rtol=0, atol=0.01)


def test_as_the_least_level_goes_to_zero_the_weights_are_the_gain_in_signal_to_noise() -> None:
    sigmas = elbo.chain(10.0, 1e-6, 12)
    error = torch.ones(12, 1, dtype=F64)
    snr = torch.tensor(sigmas, dtype=F64) ** -2
    torch.testing.assert_close(elbo.step_terms(error, sigmas)[:4, 0], 0.5 * (snr[1:5] - snr[:4]), rtol=1e-6, atol=0)


@pytest.mark.parametrize("s", [0.2, 0.5])
def test_the_terms_of_a_gaussian_sum_to_its_code_length(s: float) -> None:
    """Down to σ the rate is the mutual information of picture and state, ½ ln((s² + σ²)/τ²)."""
    d, x = independent(s)
    many = drawn(d, x, elbo.chain(HIGH, LOW, 1000)).steps.sum(0).mean().item()
    sigma = elbo.chain(HIGH, LOW, 1000)[-2]
    assert many == pytest.approx(0.5 * math.log((s**2 + sigma**2) / (sigma**2 - LOW**2)), rel=0.02)


def test_rate_and_distortion_of_independent_normal_numbers_lie_on_shannons_curve() -> None:
    """R(D) = ½ log₂(s²/D): the chain of an exact model sends as little as can be."""
    s = 0.4
    sigmas = elbo.chain(HIGH, LOW, 1000)
    d, x = independent(s)
    mean = elbo.Mean(sigmas, 1)
    mean.add(drawn(d, x, sigmas))
    terms = mean.terms(0)
    variance, distortion = s**2 + LOW**2, (terms.distortion / 127.5) ** 2
    away = distortion < 0.9 * variance
    shannon = 0.5 * np.log2(variance / distortion[away])
    np.testing.assert_allclose(terms.rate[away], shannon, atol=0.06)
    assert away.sum() > 400


class Columns:
    """A law over each column of pictures (B, d, 1, n)."""

    def __init__(self, law: Gaussian) -> None:
        self.law = law

    def __call__(self, x: Tensor, sigma: Any, cond: object = None) -> Tensor:
        rows, levels = x[:, :, 0].mT, torch.as_tensor(sigma, dtype=F64).reshape(-1, 1).expand(-1, x.shape[-1])
        return self.law(rows.reshape(-1, x.shape[1]), levels.reshape(-1)).reshape(rows.shape).mT[:, :, None]


def test_correlated_numbers_lie_above_shannons_curve() -> None:
    """Rate Σ½ln(1 + c/σ²) at distortion Σ cσ²/(c + σ²), against water filling Σ½ln⁺(c/θ) at Σ min(c, θ)."""
    values = torch.tensor([0.5, 0.05, 0.005], dtype=F64)
    q, _ = torch.linalg.qr(torch.randn(3, 3, dtype=F64, generator=torch.Generator().manual_seed(2)))
    law = Gaussian([0.0] * 3, q @ torch.diag(values) @ q.T)
    sigmas = elbo.chain(20.0, LOW, 400)
    g = torch.Generator().manual_seed(3)
    clean = law.sample(10_000, g)
    x = (clean + LOW * torch.randn(clean.shape, dtype=F64, generator=g)).T[:, None]
    mean = elbo.Mean(sigmas, 1)
    mean.add(drawn(Columns(law), x, sigmas))
    found = mean.terms(0)
    level, c = np.array(sigmas[:-1])[:, None] ** 2 - LOW**2, values.numpy() + LOW**2
    rate, square = 0.5 * np.log2(1 + c / level).mean(1), (c * level / (c + level)).mean(1)
    np.testing.assert_allclose(found.rate, rate, rtol=0.03, atol=0.01)
    np.testing.assert_allclose((found.distortion / 127.5) ** 2, square, rtol=0.1)
    assert all(sent >= shannon(c, distortion) - 1e-9 for sent, distortion in zip(rate, square, strict=True))
    assert max(sent - shannon(c, distortion) for sent, distortion in zip(rate, square, strict=True)) > 0.05


def shannon(c: np.ndarray, distortion: float) -> float:
    """Bits per number at a mean squared error, by reverse water filling (Cover & Thomas, section 10.3.3)."""
    low, high = 0.0, float(c.max())
    for _ in range(200):
        theta = (low + high) / 2
        low, high = (theta, high) if np.minimum(theta, c).mean() < distortion else (low, theta)
    return float(np.maximum(0, 0.5 * np.log2(c / theta)).mean())


def test_the_last_step_is_the_sampler_ddpms_own_move_to_the_least_level() -> None:
    d, x0 = Pixelwise([0.1], [[0.3**2]]), torch.tensor([[[0.35, -0.2]]], dtype=F64)
    sigmas = (1.0, 0.03, LOW)
    terms = drawn(d, x0, sigmas)
    z = Noise([1]).of(FORWARD).at(1).normal(x0[None])
    state = x0[None] + math.sqrt(0.03**2 - LOW**2) * z
    move = RULES["ddpm"].step(d, state, 0.03, LOW, (), Noise([1]))
    exact = -torch.distributions.Normal(move.mean, move.std).log_prob(x0[None])[0]
    torch.testing.assert_close(terms.last, exact, rtol=1e-10, atol=1e-10)


def test_the_noises_own_term_is_the_divergence_of_two_normal_laws() -> None:
    x0 = torch.tensor([0.3, -0.8], dtype=F64)
    normals = [torch.distributions.Normal(m, s) for m, s in ((x0, 80.0), (torch.zeros(2, dtype=F64), 81.0))]
    torch.testing.assert_close(elbo.prior_term(x0, 80.0, 81.0), torch.distributions.kl_divergence(*normals))


def elbo_terms(news: Iterable[object]) -> list[ElboTerms]:
    return [one for one in news if isinstance(one, ElboTerms)]


def test_a_pictures_map_sums_to_its_total_and_so_do_its_terms(session: Session) -> None:
    (one, two) = elbo_terms(session.perform(Elbo(model="tiny", rgb=picture(), levels=40, draws=2)))
    assert two.calls == 2 * 3  # 40 calls of D for each draw, 16 at a time
    assert (one.done, two.done, two.draws, two.dims) == (1, 2, 2, 768)
    assert math.isnan(one.stderr)
    assert 0 < two.stderr < 0.05 * two.total
    for news in (one, two):
        assert news.pixels.shape == (16, 16)
        assert news.pixels.sum() / news.dims == pytest.approx(news.total, rel=1e-12)
        assert news.l_T + news.terms.sum() + news.l_0 == pytest.approx(news.total, rel=1e-12)
        assert news.rate[-1] + news.l_0 == pytest.approx(news.total, rel=1e-12)
        assert (np.diff(news.rate) >= 0).all()
        assert (news.sigmas[0], len(news.sigmas), len(news.terms)) == (HIGH, 40, 39)
        assert LOW < news.sigmas[-1] < 1.3 * LOW  # the step from there down to LOW is L_0
        assert news.distortion[-1] < news.distortion[0] / 5


def test_a_pictures_bound_lies_above_its_bits(session: Session) -> None:
    *_, bound = elbo_terms(session.perform(Elbo(model="tiny", rgb=picture(), levels=300, draws=3)))
    exact = -exact_logp(picture()) / (768 * math.log(2)) + OFFSET
    assert exact < bound.total + 3 * bound.stderr
    assert bound.total < exact + 0.2


def test_bound_and_bits_are_of_the_same_dequantised_picture(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []

    def kept(level: Tensor, noise: Noise, draw: int = 0) -> Tensor:
        seen.append(dequantise(level, noise, draw))
        return seen[-1]

    dequantise = bits.dequantise
    monkeypatch.setattr(bits, "dequantise", kept)
    monkeypatch.setattr(elbo, "dequantise", kept)
    list(session.perform(Elbo(model="tiny", rgb=picture(), levels=2, draws=2, seed=3)))
    list(session.perform(Likelihood(model="tiny", rgb=picture(), probes=2, seed=3)))
    assert len(seen) == 4
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[1], seen[3])
    assert not torch.equal(seen[0], seen[1])


def test_the_bound_can_be_of_the_law_at_another_level(session: Session) -> None:
    *_, bound = elbo_terms(session.perform(Elbo(model="tiny", rgb=picture(), levels=4, draws=1, sigma_min=0.1)))
    assert 0.1 < bound.sigmas[-1] < 1.0


def test_what_is_strange_in_a_picture_is_bright_in_its_map(session: Session) -> None:
    rgb = np.full((16, 16, 3), 153, np.uint8)  # the model's mean
    rgb[4:8, 8:12] = 0
    *_, bound = elbo_terms(session.perform(Elbo(model="tiny", rgb=rgb, levels=40, draws=1)))
    strange = np.zeros((16, 16), bool)
    strange[4:8, 8:12] = True
    assert bound.pixels[strange].mean() > 1.3 * bound.pixels[~strange].mean()


# --- what can go wrong ---


@pytest.mark.parametrize("kind", [Likelihood, Elbo])
def test_the_error_of_another_size_names_the_right_size(session: Session, kind: Any) -> None:
    with pytest.raises(RequestError, match=r"reads pictures of 16×16 pixels, but this one has 20×12: resize it"):
        next(session.perform(kind(model="tiny", rgb=np.zeros((12, 20, 3), np.uint8))))


@pytest.mark.parametrize("kind", [Likelihood, Elbo])
def test_a_missing_label_or_model_is_named(session: Session, kind: Any) -> None:
    with pytest.raises(RequestError, match="“ankle boot”: choose round, square"):
        next(session.perform(kind(model="tiny", rgb=picture(), label="ankle boot")))
    with pytest.raises(RequestError, match="not here: choose one of tiny"):
        next(session.perform(kind(model="none", rgb=picture())))


def test_pictures_that_are_not_of_eight_bits_are_refused(tiny_model: ModelInfo) -> None:
    for rgb in (np.full((16, 16, 3), np.nan), np.zeros((16, 16), np.uint8), np.zeros((16, 16, 4), np.uint8)):
        with pytest.raises(RequestError, match="8-bit"):
            check_picture(tiny_model, rgb)


@pytest.mark.parametrize(
    ("kind", "choices", "says"),
    [
        (Likelihood, {"probes": 0}, "probes"),
        (Likelihood, {"sigma_min": 0.0}, "noise level"),
        (Likelihood, {"sigma_min": 90.0}, "noise level"),
        (Elbo, {"sigma_min": 90.0}, "noise level"),
        (Elbo, {"levels": 1}, "levels"),
        (Elbo, {"draws": 0}, "draws"),
    ],
)
def test_numbers_that_cannot_be_are_refused(session: Session, kind: Any, choices: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        next(session.perform(kind(model="tiny", rgb=picture(), **choices)))


def test_a_tolerance_that_cannot_be_is_refused(session: Session) -> None:
    with pytest.raises(FlowError, match="tolerance"):
        next(session.perform(Likelihood(model="tiny", rgb=picture(), tol=0)))


@pytest.mark.parametrize("kind", [Likelihood, Elbo])
def test_it_stops_between_two_model_calls(session: Session, kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    net = Meter._net

    def counted(self: Meter, *args: Any) -> Tensor:
        calls.append(1)
        return net(self, *args)

    monkeypatch.setattr(Meter, "_net", counted)
    with pytest.raises(Cancelled):
        list(session.perform(kind(model="tiny", rgb=picture()), lambda: len(calls) >= 4))
    assert len(calls) == 4  # the fourth is refused


def test_a_model_of_latents_has_no_bits(session: Session, tiny_model: ModelInfo) -> None:
    model = session.load(tiny_model)
    model.codec = object()  # type: ignore[assignment]
    with pytest.raises(RequestError, match="works on latents"):
        next(session.perform(Likelihood(model="tiny", rgb=picture())))
