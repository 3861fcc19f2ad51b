"""Samplers against the formulas of their papers: the ones with keeps_law=False, and multistep formulas."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.noise import Noise
from engine.oracle import Gaussian
from engine.paths import descending, path_for
from engine.rules import RULES, menu
from engine.rules.exponential import moments, weights
from engine.rules.reverse import ancestral, euler_maruyama, reverse_diffusion
from engine.run import run
from engine.schedules import VE, VP, Schedule, SubVP, grid
from engine.types import Hop, Rule
from tests.engine.probe import ProbeNoise, exact_law

F64 = torch.float64
ZERO = torch.zeros(1, dtype=F64)
SIGMAS = grid("karras", 12, 20.0, 0.05)


def normal(variance: float) -> Gaussian:
    return Gaussian(ZERO, torch.tensor([[variance]], dtype=F64))


def two_gaussians() -> Gaussian:
    return Gaussian(torch.tensor([0.5, -1.0], dtype=F64), torch.tensor([[1.0, 0.6], [0.6, 0.5]], dtype=F64))


def reverse_sde(v: float, s: float, s2: float) -> float:
    spread = 2 * s**2 * math.log(s / s2)  # g²Δt of VE
    return (1 - spread / s**2) ** 2 * v + spread


def turned_round(v: float, s: float, s2: float) -> float:
    return (s2 / s) ** 4 * v + s**2 - s2**2


def with_beta(v: float, s: float, s2: float) -> float:
    return (s2 / s) ** 4 * v + (s**2 - s2**2) * (1 + s2**2) / (1 + s**2)


def walked(v: float, s: float, s2: float) -> float:
    for _ in range(5):
        v = 0.9**2 * v + 0.2 * s2**2
    return v


def leapt(v: float, s: float, s2: float) -> float:
    """Leapfrog in the harmonic potential of a perfect denoiser, three leaps of .3: a shear, a drift, a shear …"""
    v, leap = turned_round(v, s, s2), 0.3
    kick = np.array([[1.0, 0.0], [-(leap**2), 1.0]])
    drift = np.array([[1.0, 1.0], [0.0, 1.0]])
    half = np.array([[1.0, 0.0], [-(leap**2) / 2, 1.0]])
    position = (drift @ kick @ drift @ kick @ drift @ half)[0]
    return float(position[0] ** 2 * v + position[1] ** 2 * (leap * s2) ** 2)


LAWS: dict[str, Callable[[float, float, float], float]] = {
    "reverse-sde": reverse_sde,
    "reverse-diffusion": turned_round,
    "ddpm-beta": with_beta,
    "langevin": walked,
    "pc-hmc": leapt,
}


@pytest.mark.parametrize("name", LAWS)
def test_under_a_perfect_denoiser_the_variance_follows_the_samplers_own_recursion(name: str) -> None:
    path, v = descending(SIGMAS), SIGMAS[0] ** 2
    for hops, (s, s2) in enumerate(pairwise(SIGMAS), start=1):
        v = LAWS[name](v, s, s2) if s2 > 0 else 0.0
        mean, cov = exact_law(lambda x, s, c=None: 0 * x + 0.3, path, RULES[name], ZERO + 0.3, SIGMAS[0], hops=hops)
        assert cov.item() == pytest.approx(v, rel=1e-12, abs=1e-14)
        assert mean.item() == pytest.approx(0.3, abs=1e-12)


def native_sde(schedule: Schedule, s: float, s2: float) -> tuple[float, float, float]:
    """(gain, shift per x0, variance) of x̃ − (f·x̃ − g²·score)Δt + g√Δt·z in x̃ = x·scale, with the score of x0 alone."""
    a, a2, t = schedule.scale(s), schedule.scale(s2), schedule.t(s)
    dt, (f, g) = t - schedule.t(s2), schedule.sde(t)
    pull = g**2 * dt / (a * s) ** 2
    return (1 - f * dt - pull) * a / a2, pull * a / a2, g**2 * dt / a2**2


def native_chain(schedule: Schedule, s: float, s2: float) -> tuple[float, float, float]:
    """The same of x̃ ← (2 − α)x̃ + G²·score + G·z, where the chain goes x̃ ← αx̃ + G·z."""
    a, a2 = schedule.scale(s), schedule.scale(s2)
    pull = 1 - (s2 / s) ** 2  # G² over the variance of x̃
    return (2 - a / a2 - pull) * a / a2, pull * a / a2, (a / a2) ** 2 * (s**2 - s2**2)


def native_ancestral(schedule: Schedule, s: float, s2: float) -> tuple[float, float, float]:
    kept = (s2 / s) ** 2
    return kept, 1 - kept, (schedule.scale(s) / schedule.scale(s2)) ** 2 * (s**2 - s2**2)


NATIVE_LAWS = {
    "reverse-sde-vp": (native_sde, VP()),
    "reverse-sde-sub-vp": (native_sde, SubVP()),
    "reverse-diffusion-vp": (native_chain, VP()),
    "reverse-diffusion-sub-vp": (native_chain, SubVP()),
    "ancestral-sub-vp": (native_ancestral, SubVP()),
}


@pytest.mark.parametrize("name", NATIVE_LAWS)
def test_in_the_native_state_of_vp_and_sub_vp_mean_and_variance_follow_their_recursions(name: str) -> None:
    """In those scalings the discrete steps move the mean of a perfect run too."""
    law, schedule = NATIVE_LAWS[name]
    path, m, v = descending(SIGMAS), 0.3, SIGMAS[0] ** 2
    for hops, (s, s2) in enumerate(pairwise(SIGMAS), start=1):
        gain, shift, fresh = law(schedule, s, s2) if s2 > 0 else (0.0, 1.0, 0.0)
        m, v = gain * m + shift * 0.3, gain**2 * v + fresh
        mean, cov = exact_law(lambda x, s, c=None: 0 * x + 0.3, path, RULES[name], ZERO + 0.3, SIGMAS[0], hops=hops)
        assert cov.item() == pytest.approx(v, rel=1e-10, abs=1e-14)
        assert mean.item() == pytest.approx(m, rel=1e-10, abs=1e-12)


def test_every_sampler_that_does_not_keep_the_law_has_one_of_its_own() -> None:
    """Predictor–corrector's step depends on its noise, so no recursion of variances holds: its formula is below."""
    assert {name for name, rule in menu().items() if not rule.keeps_law} == {*LAWS, *NATIVE_LAWS, "pc"}


def test_ddpm_with_beta_is_exact_on_unit_gaussian_data_at_any_number_of_steps() -> None:
    """Ho et al. 2020, section 3.2: σ² = β is optimal for x0 ~ N(0, 1); β̃ is for data that are one point."""
    for n in (2, 5, 50):
        sigmas = grid("log", n, 150.0, 0.01, final_zero=False)
        _, cov = exact_law(normal(1.0), descending(sigmas), RULES["ddpm-beta"], ZERO, math.sqrt(1 + sigmas[0] ** 2))
        assert cov.item() == pytest.approx(1 + sigmas[-1] ** 2, rel=1e-12)


@pytest.mark.parametrize("delta", [0.02, 0.1, 0.5])
def test_plain_langevin_settles_at_its_stationary_variance(delta: float) -> None:
    """At one level, x += δ·score + √(2δ)z on N(0, s²) settles at s²/(1 − δ/2s²)."""
    c, s = 0.25, 0.5
    variance, step = c + s**2, delta * s**2
    settled = variance / (1 - step / (2 * variance))
    rule = RULES["langevin"].with_options(delta=delta, steps=4)
    _, cov = exact_law(normal(c), [Hop(s, s)] * 3, rule, ZERO, settled**0.5)
    assert cov.item() == pytest.approx(settled, rel=1e-12)
    _, cov = exact_law(normal(c), [Hop(s, s)] * 300, rule, ZERO, 3.0)
    assert cov.item() == pytest.approx(settled, rel=1e-9)


def test_annealed_langevin_has_the_published_step_sizes() -> None:
    """Song & Ermon 2019, Algorithm 1: αᵢ = ε(σᵢ/σ_L)², x += αᵢ/2·score + √αᵢ·z, at ε = 2e-5, σ_L = .01."""
    d, noise = normal(0.5), Noise([4])
    x = torch.tensor([[0.9]], dtype=F64)
    (step,) = run(d, [Hop(0.2, 0.1)], RULES["langevin"].with_options(steps=2), x, noise)
    alpha = 2e-5 * (0.1 / 0.01) ** 2
    for k in range(2):
        x = x + alpha / 2 * d.score(x, 0.1) + alpha**0.5 * noise.at(0).normal(x, k)
    torch.testing.assert_close(step.move.x, x, rtol=1e-12, atol=1e-12)


def test_the_predictor_corrector_is_the_papers_with_norms_of_each_image() -> None:
    """Song et al. 2021b, Algorithms 2 and 4 (VE): ε = 2(r‖z‖/‖g‖)²."""
    d, s, s2, noise = two_gaussians(), 2.0, 1.2, Noise([4, 5])
    x = torch.tensor([[1.0, 2.0], [-30.0, 0.5]], dtype=F64)
    (step,) = run(d, [Hop(s, s2)], RULES["pc"].with_options(steps=2, snr=0.3), x, noise)
    z = noise.at(0)
    expected = x + (s**2 - s2**2) * d.score(x, s) + math.sqrt(s**2 - s2**2) * z.normal(x)
    for k in (1, 2):
        g, n = d.score(expected, s2), z.normal(x, k)
        size = 2 * (0.3 * n.norm(dim=1, keepdim=True) / g.norm(dim=1, keepdim=True)) ** 2
        expected = expected + size * g + (2 * size).sqrt() * n
    torch.testing.assert_close(step.move.x, expected, rtol=1e-12, atol=1e-12)


def test_the_langevin_corrector_does_not_move_where_the_score_is_zero() -> None:
    (step,) = run(lambda x, s, c=None: x, [Hop(2.0, 1.0)], RULES["pc"], torch.ones(1, 2, dtype=F64), Noise([1]))
    assert step.move.x.isfinite().all()


@pytest.mark.parametrize("leaps", [1, 4])
def test_the_hamiltonian_corrector_leaves_the_leapfrogs_own_law_alone(leaps: int) -> None:
    """Momentum drawn anew and leapfrog of length ε on N(0, v) settle at v/(1 − ε²/4v); one leap is a Langevin step."""
    c, s, leap = 0.25, 0.5, 0.6
    v = c + s**2
    settled = v / (1 - (leap * s) ** 2 / (4 * v))
    rule = RULES["pc-hmc"].with_options(leaps=leaps, leap=leap)
    _, cov = exact_law(normal(c), [Hop(s, s)] * 2, rule, ZERO, settled**0.5)  # from s to s the predictor rests
    assert cov.item() == pytest.approx(settled, rel=1e-12)


@pytest.mark.parametrize("name", [name for name, rule in menu().items() if rule.stochastic])
def test_no_number_is_drawn_twice_in_a_hop(name: str) -> None:
    class Watched(ProbeNoise):
        def normal(self, like: Tensor, draw: int = 0) -> Tensor:
            addresses.append((self.hop, draw))
            return super().normal(like, draw)

    addresses: list[tuple[int, int]] = []
    path = path_for(name, (), SIGMAS)
    for _ in run(normal(0.25), path, RULES[name], torch.ones(1, 1, dtype=F64), Watched({})):  # type: ignore[arg-type]
        pass
    assert addresses
    assert len(set(addresses)) == len(addresses)


def test_2m_sde_without_noise_is_2m() -> None:
    x = torch.tensor([[1.0, 2.0]], dtype=F64)
    *_, a = run(two_gaussians(), descending(SIGMAS), RULES["dpmpp-2m-sde"].with_options(eta=0.0), x, Noise([3]))
    *_, b = run(two_gaussians(), descending(SIGMAS), RULES["dpmpp-2m"], x, Noise([3]))
    assert torch.equal(a.move.x, b.move.x)


NATIVE = {"vp": VP(), "sub-vp": SubVP(), "ve": VE()}


@pytest.mark.parametrize("name", NATIVE)
def test_euler_maruyama_steps_the_native_reverse_sde(name: str) -> None:
    """x̃ ← x̃ − (f·x̃ − g²·score)Δt + g√Δt·z in x̃ = s·x, whose score is that of x over s."""
    schedule, d, noise = NATIVE[name], two_gaussians(), Noise([4])
    s, s2 = schedule.sigma(0.6), schedule.sigma(0.55)
    f, g = schedule.sde(0.6)
    x = torch.tensor([[1.0, 2.0]], dtype=F64)
    (step,) = run(d, [Hop(s, s2)], euler_maruyama(schedule), x, noise)
    native, score = schedule.scale(s) * x, d.score(x, s) / schedule.scale(s)
    native = native - (f * native - g**2 * score) * 0.05 + g * 0.05**0.5 * noise.at(0).normal(x)
    torch.testing.assert_close(step.move.x, native / schedule.scale(s2), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NATIVE)
def test_reverse_diffusion_reverses_the_native_chain(name: str) -> None:
    """x̃ᵢ = (2 − α)x̃ + G²·score + G·z where forward is x̃ = αx̃ᵢ + G·z; for VP that is (2 − √(1−β))x̃ + β·score + √β·z."""
    schedule, d, noise = NATIVE[name], two_gaussians(), Noise([4])
    s, s2 = schedule.sigma(0.6), schedule.sigma(0.55)
    x = torch.tensor([[1.0, 2.0]], dtype=F64)
    (step,) = run(d, [Hop(s, s2)], reverse_diffusion(schedule), x, noise)
    alpha = schedule.scale(s) / schedule.scale(s2)
    variance = (schedule.scale(s) * s) ** 2 - (alpha * schedule.scale(s2) * s2) ** 2
    if name == "vp":
        assert variance == pytest.approx(1 - alpha**2, rel=1e-12)
    native, score = schedule.scale(s) * x, d.score(x, s) / schedule.scale(s)
    native = (2 - alpha) * native + variance * score + variance**0.5 * noise.at(0).normal(x)
    torch.testing.assert_close(step.move.x, native / schedule.scale(s2), rtol=1e-9, atol=1e-9)


def test_ancestral_sampling_of_vp_is_the_papers() -> None:
    """Song et al. 2021b, eq. 4: x̃ᵢ = (x̃ + β·score)/√(1−β) + √β·z; whatever β(t), it depends on σ and σ' alone."""
    schedule, d, noise = VP(), two_gaussians(), Noise([4])
    s, s2 = schedule.sigma(0.6), schedule.sigma(0.55)
    x = torch.tensor([[1.0, 2.0]], dtype=F64)
    (step,) = run(d, [Hop(s, s2)], RULES["ddpm-beta"], x, noise)
    beta = 1 - (1 + s2**2) / (1 + s**2)
    native, score = schedule.scale(s) * x, d.score(x, s) / schedule.scale(s)
    native = (native + beta * score) / (1 - beta) ** 0.5 + beta**0.5 * noise.at(0).normal(x)
    torch.testing.assert_close(step.move.x, native / schedule.scale(s2), rtol=1e-12, atol=1e-12)
    (other,) = run(d, [Hop(s, s2)], ancestral(VP(beta_max=7.0)), x, noise)
    torch.testing.assert_close(other.move.x, step.move.x, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("make", [euler_maruyama, reverse_diffusion, ancestral])
@pytest.mark.parametrize("name", NATIVE)
def test_many_steps_of_every_native_sampler_reach_the_data(make: Callable[[Schedule], Rule], name: str) -> None:
    schedule, c = NATIVE[name], 0.25
    sigmas = grid("uniform-t", 400, schedule.sigma_max, schedule.sigma_min, schedule=schedule)
    _, cov = exact_law(normal(c), descending(sigmas), make(schedule), ZERO, (c + sigmas[0] ** 2) ** 0.5)
    assert cov.item() == pytest.approx(c, rel=0.05)


def test_gradient_estimation_is_the_papers() -> None:
    """Permenter & Yuan 2024: x' = x + (σ' − σ)ε̄, ε̄ = γε_t + (1 − γ)ε_(t+1); the first step is plain."""
    d, sigmas = two_gaussians(), [5.0, 2.0, 1.2]
    x = torch.tensor([[1.0, 2.0]], dtype=F64)
    first, second = run(d, descending(sigmas), RULES["ge"], x, Noise([0]))
    e0 = (x - d(x, 5.0)) / 5
    torch.testing.assert_close(first.move.x, x - 3 * e0, rtol=1e-12, atol=1e-12)
    e1 = (first.move.x - d(first.move.x, 2.0)) / 2
    torch.testing.assert_close(second.move.x, first.move.x - 0.8 * (2 * e1 - e0), rtol=1e-12, atol=1e-12)


def test_mu_is_the_papers_and_at_its_ends_ddim_and_ddpm() -> None:
    d, noise, s, s2 = two_gaussians(), Noise([3]), 2.0, 0.7
    x = torch.tensor([[1.0, 2.0]], dtype=F64)

    def one(rule: Rule) -> Tensor:
        (step,) = run(d, [Hop(s, s2)], rule, x, noise)
        return step.move.x

    between = (s2 / s**0.3) ** (1 / 0.7)
    expected = x + (between - s) * (x - d(x, s)) / s + math.sqrt(s2**2 - between**2) * noise.at(0).normal(x)
    torch.testing.assert_close(one(RULES["mu"].with_options(mu=0.3)), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(one(RULES["mu"].with_options(mu=0.0)), one(RULES["ddim"]), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(one(RULES["mu"].with_options(mu=0.5)), one(RULES["ddpm"]), rtol=1e-12, atol=1e-12)
    assert torch.equal(one(RULES["ddim"].with_options(eta=1.0)), one(RULES["ddpm"]))


def test_churn_is_the_papers_algorithm_2() -> None:
    d, noise, s, s2 = two_gaussians(), Noise([3]), 2.0, 0.7
    x = torch.tensor([[1.0, 2.0]], dtype=F64)
    rule = RULES["heun"].with_options(s_churn=0.2, s_noise=1.05)
    (step,) = run(d, [Hop(s, s2)], rule, x, noise)
    high = 1.2 * s
    lifted = x + 1.05 * math.sqrt(high**2 - s**2) * noise.at(0).normal(x)
    slope = (lifted - d(lifted, high)) / high
    probe = lifted + (s2 - high) * slope
    expected = lifted + (s2 - high) * 0.5 * (slope + (probe - d(probe, s2)) / s2)
    torch.testing.assert_close(step.move.x, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(step.move.x_eval, lifted, rtol=1e-12, atol=1e-12)
    assert step.move.s_eval == pytest.approx(high)
    assert torch.equal(step.move.past[-1].x, x)
    (outside,) = run(d, [Hop(s, s2)], rule.with_options(s_tmax=1.9), x, noise)
    (plain,) = run(d, [Hop(s, s2)], RULES["heun"], x, noise)
    assert torch.equal(outside.move.x, plain.move.x)


def test_the_moments_of_an_exponential_integrator_are_its_integrals() -> None:
    """∫ h·e^(−h(1−u))·uⁱ du, on both sides of the change of formula, against quadrature."""
    u, w = np.polynomial.legendre.leggauss(60)
    u, w = (u + 1) / 2, w / 2
    for h in (1e-4, 0.3, 0.999, 1.001, 5.0, -0.4):
        for i, g in enumerate(moments(h, 3), start=1):
            assert g == pytest.approx(float(np.sum(w * h * np.exp(-h * (1 - u)) * u**i)), rel=1e-10)


def test_the_weights_integrate_a_parabola_exactly() -> None:
    h, offsets = 0.7, [-0.8, -1.9]
    g1, g2 = moments(h, 2)
    total = sum(w * (3 * r - 2 * r**2) for w, r in zip(weights(h, offsets), offsets, strict=True))
    assert total == pytest.approx(3 * g1 - 2 * g2, rel=1e-12)


def test_dpmpp_2m_sde_is_the_midpoint_method_on_the_reverse_sde() -> None:
    """x' = (σ'/σ)e^(−h)x + (1 − e^(−2h))(D + (D − D_before)/2r) + σ'√(1 − e^(−2h))·z at η = 1."""
    d, noise, sigmas = two_gaussians(), Noise([3]), [5.0, 2.0, 1.2]
    x = torch.tensor([[1.0, 2.0]], dtype=F64)
    first, second = run(d, descending(sigmas), RULES["dpmpp-2m-sde"], x, noise)
    h0, h = math.log(sigmas[0] / sigmas[1]), math.log(sigmas[1] / sigmas[2])
    d0, d1 = d(x, sigmas[0]), d(first.move.x, sigmas[1])
    fresh = -math.expm1(-2 * h)
    expected = math.exp(-2 * h) * first.move.x + fresh * (d1 + (d1 - d0) * h / (2 * h0))
    expected = expected + sigmas[2] * fresh**0.5 * noise.at(1).normal(x)
    torch.testing.assert_close(second.move.x, expected, rtol=1e-12, atol=1e-12)


def test_dpmpp_3m_integrates_the_parabola_through_three_estimates() -> None:
    """A denoiser that is a parabola in λ = −log σ is integrated without error, once three estimates are there."""

    def parabola(x: Tensor, s: float, c: object = None) -> Tensor:
        return torch.full_like(x, 1 + 2 * math.log(s) + 0.5 * math.log(s) ** 2)

    sigmas = [8.0, 5.0, 3.0, 1.0]
    x = torch.tensor([[2.0]], dtype=F64)
    *_, last = run(parabola, descending(sigmas), RULES["dpmpp-3m"], x, Noise([0]))  # type: ignore[arg-type]
    u, w = np.polynomial.legendre.leggauss(40)
    between = math.log(3) * (1 - u) / 2  # log σ from 3 down to 1
    values = 1 + 2 * between + 0.5 * between**2
    integral = float(np.sum(w / 2 * math.log(3) * np.exp(-between) * values))
    assert last.move.x.item() == pytest.approx(last.x.item() / 3 + integral, rel=1e-12)


def test_unipc_corrects_the_state_by_the_next_evaluation_and_remembers_it() -> None:
    """Order 2 from a cold start: predict by DDIM, correct by the trapezoid with B(h), predict by DPM-Solver++ 2M."""
    d, sigmas = two_gaussians(), [5.0, 2.0, 1.2]
    x = torch.tensor([[1.0, 2.0]], dtype=F64)
    first, second = run(d, descending(sigmas), RULES["unipc-2"], x, Noise([0]))
    d0 = d(x, 5.0)
    torch.testing.assert_close(first.move.x, d0 + 0.4 * (x - d0), rtol=1e-12, atol=1e-12)
    d1 = d(first.move.x, 2.0)
    corrected = 0.4 * x + 0.6 * (d0 + d1) / 2
    torch.testing.assert_close(second.move.past[-1].x, corrected, rtol=1e-12, atol=1e-12)
    step, before = math.log(2 / 1.2), math.log(5 / 2)
    ahead = d1 + (d1 - d0) * step / (2 * before)
    torch.testing.assert_close(second.move.x, 0.6 * corrected + 0.4 * ahead, rtol=1e-12, atol=1e-12)


def test_single_step_samplers_remember_the_state_they_were_given() -> None:
    multistep = {"dpmpp-2m", "dpmpp-3m", "dpmpp-2m-sde", "ipndm-4", "unipc-2", "unipc-3", "ge"}
    x = torch.tensor([[1.0, 2.0]], dtype=F64)
    for name in menu().keys() - multistep:
        (step,) = run(two_gaussians(), [Hop(2.0, 0.7)], RULES[name], x, Noise([0]))
        (kept,) = step.move.past
        assert kept.s == 2.0, name
        assert torch.equal(kept.x, x), name
        assert torch.equal(kept.x0, step.move.x0), name
