"""Figures that others publish, and those that the design states, replayed by our own runs.

The first come from the test suite of diffusers: its schedulers on a dummy model, net(x, t) = x·t/(t + 1), and a dummy
start, with the sum or the mean of |x| at the end. Its tables of ᾱ are float32, and so is the one here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.denoisers import adapt
from engine.noise import Noise
from engine.oracle import Gaussian
from engine.paths import descending
from engine.rules import RULES
from engine.rules.ddim import descend
from engine.run import run
from engine.schedules import Discrete, grid
from engine.transforms import static_threshold
from engine.types import Cond, Move, Sigma
from tests.engine.probe import exact_law

F64 = torch.float64
COUNT = 4 * 3 * 8 * 8
START = (torch.arange(COUNT, dtype=F64).reshape(3, 8, 8, 4) / COUNT).permute(3, 0, 1, 2)
LEADING = range(900, -1, -100)
LINSPACE = np.linspace(0, 999, 11).round()[:0:-1]


def dummy(x: Tensor, t: Tensor, cond: Cond | None = None) -> Tensor:
    t = t.reshape(-1, 1, 1, 1).to(x.dtype)
    return x * t / (t + 1)


def linear(beta_start: float = 1e-4) -> Discrete:
    betas = torch.linspace(beta_start, 0.02, 1000, dtype=torch.float32)
    return Discrete(torch.cumprod(1 - betas, 0).double().numpy())


def replay(rule: str, schedule: Discrete, times: Iterable[float], last: float, predicts: str) -> tuple[Tensor, Move]:
    """The last native state of a run over the levels of `times` and then `last`; and the last move."""
    sigmas = [schedule.sigma(float(t)) for t in times]
    d, x = adapt(dummy, schedule, predicts), START / schedule.scale(sigmas[0])
    *_, step = run(d, descending([*sigmas, last]), RULES[rule], x, Noise(range(4)))
    return step.move.x * schedule.scale(last), step.move


@pytest.mark.parametrize(("predicts", "total"), [("eps", 172.0067), ("v", 52.5302)])
def test_ddim(predicts: str, total: float) -> None:
    x, _ = replay("ddim", linear(), LEADING, 0.0, predicts)
    assert round(x.abs().sum().item(), 4) == total


def test_ddim_to_zero_noise_and_to_the_first_level() -> None:
    """Their set_alpha_to_one: the last step goes to σ = 0, or stays where it is at t = 0."""
    schedule = linear(beta_start=0.01)
    x, _ = replay("ddim", schedule, LEADING, 0.0, "eps")
    assert x.abs().sum().item() == pytest.approx(149.8295, abs=5e-4)
    x, _ = replay("ddim", schedule, LEADING[:-1], schedule.sigma(0.0), "eps")
    assert x.abs().sum().item() == pytest.approx(149.0784, abs=5e-4)


@pytest.mark.parametrize(("predicts", "mean"), [("eps", 0.3301), ("v", 0.2251)])
def test_dpm_solver_plus_plus_2m(predicts: str, mean: float) -> None:
    schedule = linear()
    x, _ = replay("dpmpp-2m", schedule, LINSPACE, schedule.sigma(0.0), predicts)
    assert round(x.abs().mean().item(), 4) == mean


@pytest.mark.parametrize(("predicts", "mean"), [("eps", 0.2464), ("v", 0.1014)])
def test_unipc_2(predicts: str, mean: float) -> None:
    """They take the last of few steps in first order, from the corrected state: the one that is remembered."""
    schedule = linear()
    last = schedule.sigma(0.0)
    _, move = replay("unipc-2", schedule, LINSPACE, last, predicts)
    corrected = move.past[-1]
    x = descend(move.x0, corrected.x, corrected.s, last) * schedule.scale(last)
    assert round(x.abs().mean().item(), 4) == mean


def test_edm_euler() -> None:
    """Karras et al. 2022, table 1: σ_data = .5, c_noise = ln(σ)/4, x_T of variance σ_max² + 1 there."""

    def d(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        total = float(sigma) ** 2 + 0.25
        t = torch.tensor([math.log(float(sigma)) / 4], dtype=F64)
        return 0.25 / total * x + sigma * 0.5 / total**0.5 * dummy(x / total**0.5, t)

    x = START * (80.0**2 + 1) ** 0.5
    *_, step = run(d, descending(grid("karras", 10, 80.0, 0.002)), RULES["euler"], x, Noise(range(4)))
    assert round(step.move.x.abs().sum().item(), 4) == 34.1855


class TorchNoise:
    """The numbers of torch.manual_seed(0), in the order of the calls."""

    def __init__(self) -> None:
        self.generator = torch.Generator().manual_seed(0)

    def at(self, hop: int) -> TorchNoise:
        return self

    def normal(self, like: Tensor, draw: int = 0) -> Tensor:
        return torch.randn(like.shape, generator=self.generator).to(like.dtype)


@pytest.mark.parametrize(("predicts", "total"), [("eps", 258.9606), ("v", 202.0296)])
def test_ddpm_with_its_noise_and_a_clipped_estimate(predicts: str, total: float) -> None:
    """A thousand float32 steps there: to their own tolerance of .01."""
    schedule = linear()
    sigmas = [*(schedule.sigma(float(t)) for t in range(999, -1, -1)), 0.0]
    d, x = static_threshold()(adapt(dummy, schedule, predicts)), START / schedule.scale(sigmas[0])
    for step in run(d, descending(sigmas), RULES["ddpm"], x, TorchNoise()):  # type: ignore[arg-type]
        x = step.move.x
    assert x.abs().sum().item() == pytest.approx(total, abs=1e-2)


@pytest.mark.parametrize(("name", "variance"), [("reverse-diffusion", 0.405), ("reverse-sde", 0.266), ("ddpm", 0.165)])
def test_the_designs_variances_of_the_reverse_sde_at_20_steps(name: str, variance: float) -> None:
    """N(0, .25), 20 steps from 80 to .01 with even log σ, ending there; x_T ~ N(0, σ_T²)."""
    d, zero = Gaussian(torch.zeros(1, dtype=F64), torch.tensor([[0.25]], dtype=F64)), torch.zeros(1, dtype=F64)
    sigmas = grid("log", 20, 80.0, 0.01, final_zero=False)
    _, cov = exact_law(d, descending(sigmas), RULES[name], zero, sigmas[0])
    assert round(cov.item(), 3) == variance
    by_hand = sigmas[0] ** 2
    for s, s2 in pairwise(sigmas):
        added = {
            "reverse-diffusion": s**2 - s2**2,
            "reverse-sde": 2 * s**2 * math.log(s / s2),
            "ddpm": s2**2 * (s**2 - s2**2) / s**2,
        }[name]
        drift = 2 * s**2 * math.log(s / s2) if name == "reverse-sde" else s**2 - s2**2
        by_hand = (1 - drift / (0.25 + s**2)) ** 2 * by_hand + added
    assert cov.item() == pytest.approx(by_hand, rel=1e-10)
