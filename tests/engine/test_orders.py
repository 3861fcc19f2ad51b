"""Orders of convergence on the mixture, on every kind of grid, over three or four halvings of the step."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.noise import Noise
from engine.oracle import Mixture
from engine.paths import descending
from engine.rules import RULES
from engine.run import run
from engine.schedules import VP, grid
from engine.types import Cond, Past, Sigma

F64 = torch.float64
HIGH, LOW = 10.0, 0.1
WEIGHTS, MEANS = torch.tensor([0.3, 0.7], dtype=F64), torch.tensor([-1.0, 0.6], dtype=F64)
VARIANCES = torch.tensor([0.15**2, 0.25**2], dtype=F64)
POINTS = torch.linspace(-20, 20, 21, dtype=F64)[:, None]


def mixture(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
    """The oracle's mixture written out for one dimension: thousands of calls are made here."""
    v = VARIANCES + sigma**2
    share = torch.softmax(WEIGHTS.log() - 0.5 * v.log() - (x - MEANS) ** 2 / (2 * v), dim=1)
    return (share * (MEANS + VARIANCES / v * (x - MEANS))).sum(1, keepdim=True)


def test_the_mixture_is_the_oracles() -> None:
    d = Mixture(WEIGHTS, MEANS[:, None], VARIANCES[:, None, None])
    torch.testing.assert_close(mixture(POINTS, 0.7), d(POINTS, 0.7), rtol=1e-12, atol=1e-12)


def flow(x: Tensor, high: float, low: float, steps: int) -> Tensor:
    """dx/dlog σ = x − D by classical Runge–Kutta of order 4."""
    h = math.log(low / high) / steps

    def slope(y: Tensor, u: float) -> Tensor:
        return y - mixture(y, math.exp(u))

    for k in range(steps):
        u = math.log(high) + k * h
        k1 = slope(x, u)
        k2 = slope(x + h / 2 * k1, u + h / 2)
        k3 = slope(x + h / 2 * k2, u + h / 2)
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + slope(x + h * k3, u + h))
    return x


@cache
def exact() -> Tensor:
    """Two runs of Runge–Kutta, extrapolated to no step at all: exact to 2e-14."""
    coarse, fine = flow(POINTS, HIGH, LOW, 500), flow(POINTS, HIGH, LOW, 1000)
    return fine + (fine - coarse) / 15


def levels(spacing: str, n: int) -> np.ndarray:
    if spacing == "even":  # in σ itself, as no studio would: where iPNDM's coefficients are those of Adams–Bashforth
        return np.linspace(HIGH, LOW, n + 1)
    return grid(spacing, n, HIGH, LOW, final_zero=False, schedule=VP() if spacing == "uniform-t" else None)


def error(name: str, options: dict[str, float], spacing: str, n: int, seeded: bool) -> float:
    """RMS at LOW. Seeded: the first three steps are the exact flow's, since a cold start would cap the order."""
    sigmas, x = levels(spacing, n), POINTS
    past: list[Past] = []
    while seeded and len(past) < 3:
        s, s2 = float(sigmas[0]), float(sigmas[1])
        past.append(Past(s, x, mixture(x, s)))
        x, sigmas = flow(x, s, s2, 12), sigmas[1:]
    path, rule = descending(sigmas), RULES[name].with_options(**options)
    for step in run(mixture, path, rule, x, Noise(range(len(x))), past=tuple(past)):
        x = step.move.x
    return (x - exact()).pow(2).mean().sqrt().item()


CASES = [  # sampler, its options, spacing, order, fewest steps, history seeded
    ("ddim", {}, "karras", 1, 20, False),
    ("ddim", {}, "log", 1, 20, False),
    ("ddim", {}, "uniform-t", 1, 20, False),
    ("ddim", {}, "balanced", 1, 20, False),
    ("ge", {}, "karras", 1, 80, False),
    ("ge", {}, "log", 1, 80, False),
    ("ge", {}, "uniform-t", 1, 80, False),
    ("ge", {}, "balanced", 1, 40, False),
    ("ge", {"gamma": 1.5}, "karras", 2, 80, False),
    ("ge", {"gamma": 1.5}, "log", 2, 80, False),
    ("ge", {"gamma": 1.5}, "uniform-t", 2, 80, False),
    ("ge", {"gamma": 1.5}, "balanced", 2, 20, False),
    ("heun", {}, "karras", 2, 20, False),
    ("heun", {}, "log", 2, 20, False),
    ("heun", {}, "uniform-t", 2, 20, False),
    ("heun", {}, "balanced", 2, 20, False),
    ("dpmpp-2m", {}, "karras", 2, 40, False),
    ("dpmpp-2m", {}, "log", 2, 40, False),
    ("dpmpp-2m", {}, "uniform-t", 2, 80, False),
    ("dpmpp-2m", {}, "balanced", 2, 20, False),
    ("dpmpp-3m", {}, "karras", 3, 80, True),
    ("dpmpp-3m", {}, "log", 3, 80, True),
    ("dpmpp-3m", {}, "uniform-t", 3, 160, True),
    ("dpmpp-3m", {}, "balanced", 3, 80, True),
    ("unipc-2", {}, "karras", 3, 40, False),  # UniPC-p is of order p + 1
    ("unipc-2", {}, "log", 3, 40, False),
    ("unipc-2", {}, "uniform-t", 3, 160, False),
    ("unipc-2", {}, "balanced", 3, 20, False),
    ("unipc-3", {}, "karras", 4, 160, True),
    ("unipc-3", {}, "log", 4, 160, True),
    ("unipc-3", {}, "uniform-t", 4, 320, True),
    ("unipc-3", {}, "balanced", 4, 160, True),
    ("ipndm-4", {}, "even", 4, 160, True),
    ("ipndm-4", {}, "karras", 2, 80, False),
    ("ipndm-4", {}, "log", 2, 80, False),
    ("ipndm-4", {}, "uniform-t", 2, 160, False),
    ("ipndm-4", {}, "balanced", 2, 20, False),
    ("dpm-2", {}, "karras", 2, 20, False),
    ("dpmpp-2s-a", {"eta": 0.0}, "karras", 2, 20, False),
    ("dpmpp-sde", {"eta": 0.0}, "karras", 2, 20, False),
    ("dpmpp-2m-sde-heun", {"eta": 0.0}, "log", 2, 40, False),
    ("dpmpp-3m-sde", {"eta": 0.0}, "log", 2, 40, False),  # half of the parabola's quadratic term, as published
    ("deis", {}, "karras", 3, 80, True),
    ("deis", {"order": 4}, "balanced", 4, 160, True),
    ("lms", {}, "karras", 4, 80, True),
    ("lms", {}, "balanced", 4, 80, True),
]


@pytest.mark.parametrize(("name", "options", "spacing", "order", "n", "seeded"), CASES)
def test_the_error_falls_with_the_stated_order_over_halvings(
    name: str, options: dict[str, float], spacing: str, order: int, n: int, seeded: bool
) -> None:
    halvings = 3 if name == "unipc-3" else 4  # of the step: its finest ones take thousands of calls
    errors = [error(name, options, spacing, n * 2**k, seeded) for k in range(halvings + 1)]
    slope = -np.polyfit(range(halvings + 1), np.log2(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.15), errors
