"""Each sampler against closed forms, in float64 (oracles G, M, A, P and I of the design)."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.noise import Noise
from engine.oracle import Gaussian
from engine.paths import descending
from engine.rules import RULES, menu
from engine.rules.ipndm import ADAMS_BASHFORTH
from engine.run import run
from engine.schedules import grid
from engine.types import Past, Rule
from tests.engine.probe import exact_law

F64 = torch.float64
DETERMINISTIC = [name for name, rule in menu().items() if not rule.stochastic]


def gaussian() -> Gaussian:
    return Gaussian(torch.tensor([0.5, -1.0], dtype=F64), torch.tensor([[1.0, 0.6], [0.6, 0.5]], dtype=F64))


def final(rule: Rule, d: Gaussian, sigmas: np.ndarray, x: Tensor, past: tuple[Past, ...] = ()) -> Tensor:
    for step in run(d, descending(sigmas), rule, x, Noise(range(len(x))), past=past):
        x = step.move.x
    return x


@pytest.mark.parametrize("name", menu())
def test_the_last_hop_to_zero_returns_the_denoised_state(name: str) -> None:
    d, x = gaussian(), torch.tensor([[2.0, -3.0]], dtype=F64)
    (step,) = run(d, descending([1.7, 0.0]), RULES[name], x, Noise([0]))
    torch.testing.assert_close(step.move.x, d(x, 1.7), rtol=0, atol=0)


@pytest.mark.parametrize("name", [name for name, rule in menu().items() if rule.keeps_law])
def test_a_perfect_denoiser_keeps_the_forward_law_at_every_step(name: str) -> None:
    """Oracle P: with D ≡ x0 the state must stay N(x0, σ²): exactly what the model was trained to see."""
    x0 = torch.tensor([0.3, -0.8], dtype=F64)
    sigmas = grid("karras", 12, 20.0, 0.05)
    path = descending(sigmas)
    for hops in range(1, len(path) + 1):
        mean, cov = exact_law(lambda x, s, c=None: x0.expand_as(x), path, RULES[name], x0, sigmas[0], hops=hops)
        torch.testing.assert_close(mean, x0, rtol=0, atol=1e-12)
        torch.testing.assert_close(cov, torch.eye(2, dtype=F64) * sigmas[hops] ** 2, rtol=1e-12, atol=1e-12)


def test_ddim_on_a_gaussian_is_the_product_of_its_linear_maps() -> None:
    """Per eigenvalue c of the covariance one step multiplies by (c + σσ')/(c + σ²)."""
    variance = torch.tensor([0.25, 2.0], dtype=F64)
    d = Gaussian(torch.zeros(2, dtype=F64), torch.diag(variance))
    sigmas = grid("log", 9, 30.0, 0.02)
    gain = torch.ones(2, dtype=F64)
    for s, s2 in pairwise(sigmas):
        gain = gain * (variance + s * s2) / (variance + s * s)
    mean, cov = exact_law(d, descending(sigmas), RULES["ddim"], torch.zeros(2, dtype=F64), sigmas[0])
    torch.testing.assert_close(mean, torch.zeros(2, dtype=F64))
    torch.testing.assert_close(cov, torch.diag((gain * sigmas[0]) ** 2), rtol=1e-12, atol=1e-15)


def test_ddpm_on_a_gaussian_follows_its_variance_recursion() -> None:
    """v' = ((c + σ↓σ)/(c + σ²))²v + τ², σ↓ = σ'²/σ, τ² = σ'²(σ² − σ'²)/σ² (Ho et al. 2020, eq. 7)."""
    c, sigmas = 0.25, grid("log", 20, 20.0, 0.02)
    d = Gaussian(torch.zeros(1, dtype=F64), torch.tensor([[c]], dtype=F64))
    v = sigmas[0] ** 2
    for s, s2 in pairwise(sigmas):
        gain = (c + s2**2) / (c + s**2)
        v = gain**2 * v + s2**2 * (s**2 - s2**2) / s**2
    _, cov = exact_law(d, descending(sigmas), RULES["ddpm"], torch.zeros(1, dtype=F64), sigmas[0])
    assert cov.item() == pytest.approx(v, rel=1e-12)


def test_ddpm_is_euler_ancestral_and_permenter_yuan_at_one_half() -> None:
    """Oracle I: three published forms of one map, on the same noise."""
    d, noise, s, s2 = gaussian(), Noise([3, 4]), 2.0, 0.7
    x = torch.tensor([[1.0, 2.0], [-3.0, 0.1]], dtype=F64)
    (step,) = run(d, descending([s, s2]), RULES["ddpm"], x, noise)
    z = noise.at(0).normal(x)
    eps = (x - d(x, s)) / s
    up = min(s2, math.sqrt(s2**2 * (s**2 - s2**2) / s**2))  # Euler-ancestral, η = 1
    down = math.sqrt(s2**2 - up**2)
    torch.testing.assert_close(step.move.x, x + (down - s) * eps + up * z, rtol=1e-12, atol=1e-12)
    between = (s2 / s**0.5) ** 2  # σ_t' of Permenter & Yuan for μ = ½
    eta = math.sqrt(s2**2 - between**2)
    torch.testing.assert_close(step.move.x, x + (between - s) * eps + eta * z, rtol=1e-12, atol=1e-12)
    assert RULES["euler-a"] is RULES["ddpm"]
    assert "euler-a" not in menu()


def test_heun_is_the_papers_trapezoid() -> None:
    d, s, s2 = gaussian(), 3.0, 1.1
    x = torch.tensor([[1.0, 2.0]], dtype=F64)
    (step,) = run(d, descending([s, s2]), RULES["heun"], x, Noise([0]))
    slope = (x - d(x, s)) / s
    probe = x + (s2 - s) * slope
    slope2 = (probe - d(probe, s2)) / s2
    torch.testing.assert_close(step.move.x, x + (s2 - s) * (slope + slope2) / 2, rtol=1e-13, atol=1e-13)
    assert step.nfe == 2


def test_dpmpp_2m_is_the_papers_exponential_integrator() -> None:
    """Lu et al. 2022b, Algorithm 2 in the data prediction with α = 1: λ = −log σ."""
    d, sigmas = gaussian(), [5.0, 2.0, 1.2]
    x = torch.tensor([[1.0, 2.0]], dtype=F64)
    first, second = run(d, descending(sigmas), RULES["dpmpp-2m"], x, Noise([0]))
    h0, h1 = math.log(sigmas[0] / sigmas[1]), math.log(sigmas[1] / sigmas[2])
    d0, d1 = d(x, sigmas[0]), d(first.move.x, sigmas[1])
    r = h0 / h1
    data = (1 + 1 / (2 * r)) * d1 - 1 / (2 * r) * d0
    expected = sigmas[2] / sigmas[1] * first.move.x - math.expm1(-h1) * data
    torch.testing.assert_close(second.move.x, expected, rtol=1e-12, atol=1e-12)


def test_adams_bashforth_integrates_polynomials_of_its_degree_exactly() -> None:
    for k, weights in enumerate(ADAMS_BASHFORTH):
        for power in range(k + 1):
            step = sum(w * float((-j) ** power) for j, w in enumerate(weights))
            assert step == pytest.approx(1 / (power + 1), abs=1e-12)


def test_ipndm_4_reaches_order_4_on_equal_steps_with_a_seeded_history() -> None:
    """A cold start would cap the order: the history is the exact flow's at three earlier levels."""
    d = Gaussian(torch.zeros(1, dtype=F64), torch.tensor([[0.25]], dtype=F64))
    x = torch.tensor([[3.0]], dtype=F64)
    errors = []
    for n in (40, 80, 160):
        h = 1.5 / n
        sigmas = 2.0 - h * np.arange(n + 1)
        before = [2.0 + h * k for k in (3, 2, 1)]
        states = [d.flow(x, 2.0, s) for s in before]
        past = tuple(Past(s, y, d(y, s)) for s, y in zip(before, states, strict=True))
        errors.append((final(RULES["ipndm-4"], d, sigmas, x, past) - d.flow(x, 2.0, 0.5)).abs().item())
    assert math.log2(errors[-2] / errors[-1]) == pytest.approx(4, abs=0.15), errors


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_many_steps_of_every_deterministic_sampler_reach_the_exact_flow(name: str) -> None:
    d = gaussian()
    x = torch.tensor([[30.0, -50.0], [10.0, 70.0]], dtype=F64)
    out = final(RULES[name], d, grid("log", 1000, 40.0, 0.01, final_zero=False), x)
    torch.testing.assert_close(out, d.flow(x, 40.0, 0.01), rtol=0, atol=0.02)


@pytest.mark.parametrize("name", menu())
def test_float32_states_survive_huge_sigmas(name: str) -> None:
    """x + (σ' − σ)ε̂ would lose all digits at σ = 1e5; the float64 form keeps x̂₀."""
    x0 = torch.tensor([[0.25, -0.5]])
    sigmas = grid("log", 30, 1e5, 1e-3)
    x = 1e5 * Noise([1]).normal(x0)
    for step in run(lambda x, s, c=None: x0.expand_as(x), descending(sigmas), RULES[name], x, Noise([1])):
        x = step.move.x
    torch.testing.assert_close(x, x0, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", menu())
def test_a_rule_makes_its_stated_number_of_evaluations(name: str) -> None:
    path = descending(grid("karras", 7, 10.0, 0.1))
    steps = list(run(gaussian(), path, RULES[name], torch.zeros(1, 2, dtype=F64), Noise([0])))
    assert sum(step.nfe for step in steps) == RULES[name].cost(path)
