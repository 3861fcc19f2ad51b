"""Pinned pixels against closed forms in float64: when they become free, their law, and the finished picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.constraints import Pinned
from engine.noise import PIN, START, Noise
from engine.oracle import Gaussian, Mixture
from engine.paths import descending, repaint
from engine.rules import RULES, menu
from engine.run import run
from engine.types import NoiseSource, Past
from tests.engine.probe import exact_law

F64 = torch.float64
SIGMAS = [*np.geomspace(20.0, 0.01, 151).tolist(), 0.0]
CORRELATED = Gaussian(torch.zeros(2, dtype=F64), torch.tensor([[1.0, 0.9], [0.9, 1.0]], dtype=F64))
OBSERVED = torch.tensor([1.5, 0.0], dtype=F64)


def mask_of(sigmas: list[float], *to_go: int) -> Pinned:
    return Pinned(OBSERVED, torch.tensor(to_go), sigmas)


def test_replacement_has_the_law_of_repaint_without_resampling() -> None:
    """The figure of RePaint with L=1: mean .9284, variance .302 where the posterior has 1.350 and .190."""
    keep_first = mask_of(SIGMAS, 0, len(SIGMAS) - 1)
    start = torch.zeros(2, dtype=F64)
    mean, cov = exact_law(CORRELATED, descending(SIGMAS), RULES["ddpm"], start, 20.0, keep_first)
    assert mean[0].item() == 1.5
    assert cov[0].abs().max() < 1e-24
    assert round(mean[1].item(), 4) == 0.9284
    assert round(cov[1, 1].item(), 3) == 0.302


def test_repaint_approaches_the_posterior() -> None:
    sigmas = [*np.geomspace(20.0, 0.05, 20).tolist(), 0.0]
    keep_first = mask_of(sigmas, 0, 20)
    start, means = torch.zeros(2, dtype=F64), []
    for resample in (1, 2, 4):
        mean, _ = exact_law(CORRELATED, repaint(sigmas, 1, resample), RULES["ddpm"], start, 20.0, keep_first)
        means.append(mean[1].item())
    assert means[0] < means[1] < means[2] < 1.35


@pytest.mark.parametrize("name", menu())
@pytest.mark.parametrize("steady", [False, True])
def test_a_pixel_with_k_free_steps_is_pinned_until_exactly_its_level(name: str, steady: bool) -> None:
    """Six pixels with 0, 1, 2, 3, 4 and all 5 steps to go, under every sampler."""
    sigmas = [10.0, 3.0, 1.0, 0.3, 0.1, 0.0]
    y, to_go = torch.linspace(-1, 1, 6, dtype=F64), torch.arange(6)
    d = Gaussian(torch.zeros(6, dtype=F64), torch.eye(6, dtype=F64) * 0.3)
    noise = Noise([3, 4])
    x = 10 * noise.normal(torch.empty(2, 6, dtype=F64))
    pinned, seen = Pinned(y, to_go, sigmas, steady), []

    def spy(x: Tensor, sigma: float, z: NoiseSource) -> Tensor:
        seen.append((sigma, x, pinned(x, sigma, z), z))
        return seen[-1][2]

    list(run(d, descending(sigmas), RULES[name], x, noise, spy))
    assert [sigma for sigma, *_ in seen] == sigmas
    for j, (sigma, before, after, z) in enumerate(seen):
        left = 5 - j
        n = (z.at(START) if steady else z).normal(x)
        for k in range(6):
            if k <= left and k < 5:
                assert torch.equal(after[:, k], y[k] + sigma * n[:, k])
            else:
                assert torch.equal(after[:, k], before[:, k])
    assert torch.equal(seen[-1][2][:, 0], y[0].expand(2))


def test_kept_pixels_have_new_noise_at_each_level_or_with_steady_the_same() -> None:
    x, noise = torch.zeros(1, 4, dtype=F64), Noise([7]).of(PIN)
    y, sigmas = torch.ones(4, dtype=F64), [2.0, 1.0, 0.0]
    fresh, steady = (Pinned(y, torch.zeros(4), sigmas, s) for s in (False, True))
    at = [fresh(x, s, noise.at(k)) for k, s in enumerate(sigmas[:2])]
    assert not torch.allclose((at[0] - 1) / 2, at[1] - 1)
    one = [steady(x, s, noise.at(k)) for k, s in enumerate(sigmas[:2])]
    torch.testing.assert_close((one[0] - 1) / 2, one[1] - 1)
    assert torch.equal(fresh(x, 0.0, noise.at(2)), y[None])


@pytest.mark.parametrize("to_go", [0, 60, 150])
def test_a_freed_pixel_has_the_law_of_sdedit_from_its_level(to_go: int) -> None:
    """Independent pixels: one with k free steps has the law of SDEdit, which starts at y + σ·n and denoises.

    Its law is carried in closed form: one β̃ step of N(0, v) maps x by a factor and adds a variance.
    """
    sigmas = [*np.geomspace(20.0, 0.01, 150).tolist(), 0.0]
    apart = Gaussian(torch.zeros(2, dtype=F64), torch.diag(torch.tensor([1.0, 0.25], dtype=F64)))
    start = torch.zeros(2, dtype=F64)
    mean, cov = exact_law(apart, descending(sigmas), RULES["ddpm"], start, 20.0, mask_of(sigmas, to_go, 150))
    first = sigmas[150 - to_go]
    m, v = (1.5, first**2) if to_go < 150 else (0.0, 400.0)
    for s, s2 in zip(sigmas[150 - to_go : -1], sigmas[151 - to_go :], strict=True):
        x0 = 1 / (1 + s**2)
        gain = x0 + (s2 / s) ** 2 * (1 - x0)  # β̃: σ↓ = σ'²/σ
        m, v = gain * m, gain**2 * v + s2**2 * (1 - s2**2 / s**2)
    assert mean[0].item() == pytest.approx(m, abs=1e-12)
    assert cov[0, 0].item() == pytest.approx(v, abs=1e-12)
    assert abs(cov[0, 1].item()) < 1e-12


def test_a_steady_pixel_follows_the_probability_flow_of_the_kept_picture() -> None:
    """Under DDIM a kept pixel is exactly on the flow of a point mass at y, so it does not jump when it becomes free."""
    sigmas = [*np.geomspace(20.0, 0.05, 40).tolist(), 0.0]
    pinned = Pinned(OBSERVED, torch.tensor([0, 40]), sigmas, steady=True)
    x = 20 * Noise([1]).normal(torch.empty(1, 2, dtype=F64))
    states = [step.move.x[0, 0] for step in run(CORRELATED, descending(sigmas), RULES["ddim"], x, Noise([1]), pinned)]
    for a, b, s, s2 in zip(states[:-1], states[1:], sigmas[1:-1], sigmas[2:], strict=True):
        torch.testing.assert_close(b - 1.5, (a - 1.5) * s2 / s, rtol=1e-12, atol=1e-14)


def test_filling_with_a_mixture_chooses_the_mode_of_the_kept_pixels() -> None:
    """Two modes, (2, 2) and (−2, −2): given the first coordinate 2, the second comes out positive nearly always.

    Replacement is no posterior sampler, and says so: on RePaint's path more of them fit.
    """
    eye = torch.eye(2, dtype=F64)
    means = torch.tensor([[2.0, 2.0], [-2.0, -2.0]], dtype=F64)
    two = Mixture(torch.tensor([0.5, 0.5], dtype=F64), means, torch.stack([0.05 * eye] * 2))
    sigmas = [*np.geomspace(20.0, 0.05, 40).tolist(), 0.0]
    y = torch.tensor([2.0, 0.0], dtype=F64)
    noise = Noise(range(400))
    x = 20 * noise.normal(torch.empty(400, 2, dtype=F64))
    fits = []
    for path in (descending(sigmas), repaint(sigmas, 2, 4)):
        *_, last = run(two, path, RULES["ddpm"], x, noise, Pinned(y, torch.tensor([0, 40]), sigmas))
        assert (last.move.x[:, 0] == 2).all()
        fits.append((last.move.x[:, 1] > 0).double().mean().item())
    assert fits[0] > 0.75
    assert fits[1] > fits[0]


@pytest.mark.parametrize("name", menu())
@pytest.mark.parametrize("path", ["down", "repaint"])
def test_a_pinned_run_resumes_from_every_step_to_the_bit(name: str, path: str) -> None:
    sigmas = [10.0, 3.0, 1.0, 0.3, 0.1, 0.0]
    hops = descending(sigmas) if path == "down" else repaint(sigmas, 1, 2)
    d = Gaussian(torch.zeros(3, dtype=F64), torch.eye(3, dtype=F64) * 0.3)
    x, noise = 10 * Noise([3, 4]).normal(torch.empty(2, 3, dtype=F64)), Noise([3, 4])
    pinned = Pinned(torch.ones(3, dtype=F64), torch.tensor([0, 2, 5]), sigmas)
    steps = list(run(d, hops, RULES[name], x, noise, pinned))
    for step in steps:
        past = tuple(Past(*p) for p in step.past)
        *_, last = run(d, hops, RULES[name], step.x, noise, pinned, past, step.i)
        assert torch.equal(last.move.x, steps[-1].move.x)
