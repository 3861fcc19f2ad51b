"""Samplers of other studios against their published recursions, on a mixture in float64, with the same noise."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.noise import Noise
from engine.oracle import Mixture
from engine.paths import descending, restart
from engine.rules import RULES
from engine.rules.restart import PUBLISHED, Interval
from engine.run import run
from engine.schedules import Discrete, grid
from engine.types import Hop, Path
from tests.engine.probe import exact_law

F64 = torch.float64
Draw = Callable[[int, int], Tensor]  # (hop, draw) → standard normal numbers
Recursion = Callable[[Callable[[Tensor, float], Tensor], Tensor, Sequence[float], Draw], Tensor]

MIXTURE = Mixture(
    torch.tensor([0.3, 0.7], dtype=F64),
    torch.tensor([[-1.0, 0.5], [0.6, -0.2]], dtype=F64),
    torch.stack([torch.diag(torch.tensor(v, dtype=F64)) for v in ([0.02, 0.3], [0.06, 0.1])]),
)
GRIDS = {
    "karras": grid("karras", 9, 14.6, 0.03),
    "log": grid("log", 7, 14.6, 0.03),
    "sgm-uniform": grid("sgm-uniform", 6, 14.6, 0.03, schedule=Discrete.scaled_linear()),
    "without 0": grid("karras", 6, 14.6, 0.03, final_zero=False),
}


def ancestral_step(s: float, s2: float, eta: float) -> tuple[float, float]:
    up = min(s2, eta * (s2**2 * (s**2 - s2**2) / s**2) ** 0.5)
    return (s2**2 - up**2) ** 0.5, up


def slope(x: Tensor, s: float, x0: Tensor) -> Tensor:
    return (x - x0) / s


def euler_ancestral(eta: float) -> Recursion:
    def sample(d: Callable[[Tensor, float], Tensor], x: Tensor, sigmas: Sequence[float], z: Draw) -> Tensor:
        for i in range(len(sigmas) - 1):
            down, up = ancestral_step(sigmas[i], sigmas[i + 1], eta)
            x = x + slope(x, sigmas[i], d(x, sigmas[i])) * (down - sigmas[i]) + z(i, 0) * up
        return x

    return sample


def dpm_2(eta: float) -> Recursion:
    def sample(d: Callable[[Tensor, float], Tensor], x: Tensor, sigmas: Sequence[float], z: Draw) -> Tensor:
        for i in range(len(sigmas) - 1):
            s = sigmas[i]
            e = slope(x, s, d(x, s))
            down, up = ancestral_step(s, sigmas[i + 1], eta)
            if down == 0:
                x = x + e * (down - s)
            else:
                middle = math.exp((math.log(s) + math.log(down)) / 2)
                between = x + e * (middle - s)
                x = x + slope(between, middle, d(between, middle)) * (down - s) + z(i, 0) * up
        return x

    return sample


def dpmpp_2s(eta: float) -> Recursion:
    def sample(d: Callable[[Tensor, float], Tensor], x: Tensor, sigmas: Sequence[float], z: Draw) -> Tensor:
        for i in range(len(sigmas) - 1):
            s = sigmas[i]
            x0 = d(x, s)
            down, up = ancestral_step(s, sigmas[i + 1], eta)
            if down == 0:
                x = x0
            else:
                t, t_next = -math.log(s), -math.log(down)
                h = t_next - t
                middle = math.exp(-(t + h / 2))
                between = middle / s * x - math.expm1(-h / 2) * x0
                x = down / s * x - math.expm1(-h) * d(between, middle) + z(i, 0) * up
        return x

    return sample


def dpmpp_sde(eta: float) -> Recursion:
    def sample(d: Callable[[Tensor, float], Tensor], x: Tensor, sigmas: Sequence[float], z: Draw) -> Tensor:
        for i in range(len(sigmas) - 1):
            s, s2 = sigmas[i], sigmas[i + 1]
            x0 = d(x, s)
            if s2 == 0:
                x = x0
                continue
            middle = math.exp((math.log(s) + math.log(s2)) / 2)
            # W(σ) − W(middle), W(middle) − W(σ'): independent increments of one Brownian motion
            one, two = (s - middle) ** 0.5 * z(i, 0), (middle - s2) ** 0.5 * z(i, 1)
            down, up = ancestral_step(s, middle, eta)
            between = down / s * x + (1 - down / s) * x0 + up * one / (s - middle) ** 0.5
            half = d(between, middle)
            down, up = ancestral_step(s, s2, eta)
            x = down / s * x + (1 - down / s) * half + up * (one + two) / (s - s2) ** 0.5
        return x

    return sample


def dpmpp_2m_sde_heun(eta: float) -> Recursion:
    def sample(d: Callable[[Tensor, float], Tensor], x: Tensor, sigmas: Sequence[float], z: Draw) -> Tensor:
        old, h_last = None, 0.0
        for i in range(len(sigmas) - 1):
            s, s2 = sigmas[i], sigmas[i + 1]
            x0 = d(x, s)
            if s2 == 0:
                return x0
            h = math.log(s) - math.log(s2)
            k = h * (1 + eta)
            x = s2 / s * math.exp(-h * eta) * x - math.expm1(-k) * x0
            if old is not None:
                x = x + (math.expm1(-k) / k + 1) * h / h_last * (x0 - old)
            x = x + z(i, 0) * s2 * (-math.expm1(-2 * eta * h)) ** 0.5
            old, h_last = x0, h
        return x

    return sample


def dpmpp_3m_sde(eta: float) -> Recursion:
    def sample(d: Callable[[Tensor, float], Tensor], x: Tensor, sigmas: Sequence[float], z: Draw) -> Tensor:
        x0s: list[Tensor] = []
        hs: list[float] = []
        for i in range(len(sigmas) - 1):
            s, s2 = sigmas[i], sigmas[i + 1]
            x0 = d(x, s)
            if s2 == 0:
                return x0
            h = math.log(s) - math.log(s2)
            k = h * (1 + eta)
            x = math.exp(-k) * x - math.expm1(-k) * x0
            phi2 = math.expm1(-k) / k + 1
            if len(x0s) > 1:
                r0, r1 = hs[-1] / h, hs[-2] / h
                d10, d11 = (x0 - x0s[-1]) / r0, (x0s[-1] - x0s[-2]) / r1
                d1 = d10 + (d10 - d11) * r0 / (r0 + r1)
                d2 = (d10 - d11) / (r0 + r1)
                x = x + phi2 * d1 - (phi2 / k - 0.5) * d2
            elif x0s:
                x = x + phi2 * (x0 - x0s[-1]) / (hs[-1] / h)
            x = x + z(i, 0) * s2 * (-math.expm1(-2 * eta * h)) ** 0.5
            x0s.append(x0)
            hs.append(h)
        return x

    return sample


def quadrature(f: Callable[[np.ndarray], np.ndarray], a: float, b: float) -> float:
    """∫ f from a to b: Gauss–Legendre of 40 points."""
    points, shares = np.polynomial.legendre.leggauss(40)
    return float((b - a) / 2 * (shares * f((a + b) / 2 + (b - a) / 2 * points)).sum())


def lagrange(nodes: Sequence[float], j: int) -> Callable[[np.ndarray], np.ndarray]:
    def basis(t: np.ndarray) -> np.ndarray:
        out = np.ones_like(t)
        for k, node in enumerate(nodes):
            if k != j:
                out = out * (t - node) / (nodes[j] - node)
        return out

    return basis


def adams(order: int, variable: Callable[[np.ndarray], np.ndarray], last_to_x0: bool) -> Recursion:
    """x' = x + Σ eⱼ ∫ Lⱼ(variable(σ)) dσ, Lⱼ through the variable at the last `order` levels."""

    def sample(d: Callable[[Tensor, float], Tensor], x: Tensor, sigmas: Sequence[float], z: Draw) -> Tensor:
        slopes: list[Tensor] = []
        for i in range(len(sigmas) - 1):
            s, s2 = sigmas[i], sigmas[i + 1]
            x0 = d(x, s)
            slopes.append(slope(x, s, x0))
            if s2 == 0 and last_to_x0:
                return x0
            n = min(order, i + 1)
            nodes = [float(variable(np.array(sigmas[i - j]))) for j in range(n)]
            for j in range(n):
                basis = lagrange(nodes, j)
                weight = quadrature(lambda t, basis=basis: basis(variable(t)), s, s2)  # type: ignore[misc]
                x = x + weight * slopes[-1 - j]
        return x

    return sample


def lcm(d: Callable[[Tensor, float], Tensor], x: Tensor, sigmas: Sequence[float], z: Draw) -> Tensor:
    for i in range(len(sigmas) - 1):
        x = d(x, sigmas[i]) + sigmas[i + 1] * z(i, 0)
    return x


def tcd(gamma: float) -> Recursion:
    """In the native state √ᾱ·x of Stable Diffusion, with ᾱ of its whole training steps."""
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    abar = np.cumprod(1 - betas)

    def sample(d: Callable[[Tensor, float], Tensor], x: Tensor, sigmas: Sequence[float], z: Draw) -> Tensor:
        for i in range(len(sigmas) - 1):
            s, s2 = sigmas[i], sigmas[i + 1]
            x0 = d(x, s)
            if s2 == 0:
                return x0
            t2 = int(np.argmin(abs(abar - 1 / (1 + s2**2))))
            a_down, a2 = abar[math.floor((1 - gamma) * t2 + 1e-9)], abar[t2]
            eps = slope(x, s, x0)
            native = a_down**0.5 * x0 + (1 - a_down) ** 0.5 * eps
            native = (a2 / a_down) ** 0.5 * native + (1 - a2 / a_down) ** 0.5 * z(i, 0)
            x = native / a2**0.5
        return x

    return sample


RECURSIONS: list[tuple[str, dict[str, float], Recursion]] = [
    ("euler", {}, euler_ancestral(0.0)),
    ("euler-a", {}, euler_ancestral(1.0)),
    ("ddim", {"eta": 0.6}, euler_ancestral(0.6)),
    ("dpm-2", {}, dpm_2(0.0)),
    ("dpm-2-a", {}, dpm_2(1.0)),
    ("dpm-2", {"eta": 0.5}, dpm_2(0.5)),
    ("dpmpp-2s-a", {}, dpmpp_2s(1.0)),
    ("dpmpp-2s-a", {"eta": 0.0}, dpmpp_2s(0.0)),
    ("dpmpp-sde", {}, dpmpp_sde(1.0)),
    ("dpmpp-sde", {"eta": 0.4}, dpmpp_sde(0.4)),
    ("dpmpp-2m-sde-heun", {}, dpmpp_2m_sde_heun(1.0)),
    ("dpmpp-3m-sde", {}, dpmpp_3m_sde(1.0)),
    ("dpmpp-3m-sde", {"eta": 0.0}, dpmpp_3m_sde(0.0)),
    ("lms", {}, adams(4, lambda t: t, last_to_x0=False)),
    ("deis", {}, adams(3, np.log, last_to_x0=True)),
    ("deis", {"order": 2}, adams(2, np.log, last_to_x0=True)),
    ("lcm", {}, lcm),
]


@pytest.mark.parametrize("levels", GRIDS)
@pytest.mark.parametrize(("name", "options", "published"), RECURSIONS, ids=[f"{n}{o or ''}" for n, o, _ in RECURSIONS])
def test_a_sampler_is_its_published_recursion(
    name: str, options: dict[str, float], published: Recursion, levels: str
) -> None:
    noise, sigmas = Noise([5, 6, 7]), [float(s) for s in GRIDS[levels]]
    x = sigmas[0] * noise.normal(torch.empty(3, 2, dtype=F64))
    *_, last = run(MIXTURE, descending(sigmas), RULES[name].with_options(**options), x, noise)
    expected = published(MIXTURE, x, sigmas, lambda hop, draw: noise.at(hop).normal(x, draw))
    torch.testing.assert_close(last.move.x, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0])
def test_tcd_is_its_published_step_on_training_steps(gamma: float) -> None:
    schedule = Discrete.scaled_linear()
    sigmas = [*grid("trailing", 4, schedule.sigma_max, schedule.sigma_min, schedule=schedule)]
    noise = Noise([5, 6])
    x = sigmas[0] * noise.normal(torch.empty(2, 2, dtype=F64))
    *_, last = run(MIXTURE, descending(sigmas), RULES["tcd"].with_options(gamma=gamma), x, noise)
    expected = tcd(gamma)(MIXTURE, x, sigmas, lambda hop, draw: noise.at(hop).normal(x, draw))
    torch.testing.assert_close(last.move.x, expected, rtol=1e-11, atol=1e-11)


# --- the laws of the ones that draw noise, on N(0, c) in closed form ---


def variance_of(name: str, c: float, s: float, s2: float, v: float) -> float:
    """The variance after one step from variance v, where D = kx with k = c/(c + σ²)."""

    def k(sigma: float) -> float:
        return c / (c + sigma**2)

    def between(sigma: float, low: float, x0: float) -> float:
        """The factor of x after going from σ to `low` by the estimate x0·x."""
        return x0 + low / sigma * (1 - x0)

    down, up = s2**2 / s, s2 * (1 - (s2 / s) ** 2) ** 0.5
    if name == "lcm":
        return k(s) ** 2 * v + s2**2
    middle = (s * down) ** 0.5
    if name == "dpm-2-a":
        probe = between(s, middle, k(s))
        return (1 + (down - s) * (1 - k(middle)) * probe / middle) ** 2 * v + up**2
    if name == "dpmpp-2s-a":
        return between(s, down, k(middle) * between(s, middle, k(s))) ** 2 * v + up**2
    assert name == "dpmpp-sde"
    middle = (s * s2) ** 0.5
    low, up1 = middle**2 / s, middle * (1 - (middle / s) ** 2) ** 0.5
    keep = (s - middle) / (s - s2)  # the share of the second noise that is the first
    x = between(s, down, k(middle) * between(s, low, k(s)))
    first = (1 - down / s) * k(middle) * up1 + up * keep**0.5
    return x**2 * v + first**2 + up**2 * (1 - keep)


@pytest.mark.parametrize("name", ["lcm", "dpm-2-a", "dpmpp-2s-a", "dpmpp-sde"])
def test_on_a_gaussian_the_variance_is_the_closed_form(name: str) -> None:
    c, sigmas = 0.25, [float(s) for s in grid("log", 10, 20.0, 0.02, final_zero=False)]
    v = sigmas[0] ** 2
    for s, s2 in itertools.pairwise(sigmas):
        v = variance_of(name, c, s, s2, v)
    zero = torch.zeros(1, dtype=F64)

    def d(x: Tensor, s: float, cond: object = None) -> Tensor:
        return c / (c + s**2) * x

    _, cov = exact_law(d, descending(sigmas), RULES[name], zero, sigmas[0])  # type: ignore[arg-type]
    assert cov.item() == pytest.approx(v, rel=1e-12)


@pytest.mark.parametrize("name", ["dpmpp-2m-sde-heun", "dpmpp-3m-sde", "dpmpp-sde", "dpmpp-2s-a", "dpm-2-a"])
def test_with_many_steps_the_variance_becomes_that_of_the_law(name: str) -> None:
    c, zero = 0.25, torch.zeros(1, dtype=F64)
    errors = []
    for n in (20, 80):
        path = descending(grid("log", n, 20.0, 0.02, final_zero=False))
        _, cov = exact_law(lambda x, s, _=None: c / (c + s**2) * x, path, RULES[name], zero, (c + 400) ** 0.5)
        errors.append(abs(cov.item() - c - 0.02**2))
    assert errors[1] < errors[0] / 3
    assert errors[1] < 0.02


# --- Restart ---


def heun_step(d: Callable[[Tensor, float], Tensor], x: Tensor, s: float, s2: float) -> Tensor:
    e = slope(x, s, d(x, s))
    ahead = x + e * (s2 - s)
    return ahead if s2 == 0 else x + (e + slope(ahead, s2, d(ahead, s2))) / 2 * (s2 - s)


def karras(n: int, high: float, low: float) -> list[float]:
    return [float((high ** (1 / 7) + k / (n - 1) * (low ** (1 / 7) - high ** (1 / 7))) ** 7) for k in range(n)]


def test_restart_is_its_published_algorithm() -> None:
    sigmas = [*karras(12, 14.6, 0.03), 0.0]
    noise = Noise([5, 6])
    x = y = 14.6 * noise.normal(torch.empty(2, 2, dtype=F64))
    path = restart(sigmas, [Interval(0.1, 2.0, 5, 3)])
    *_, last = run(MIXTURE, path, RULES["restart"], x, noise)
    low = min(sigmas, key=lambda s: abs(s - 0.1))
    high = min(sigmas, key=lambda s: abs(s - 2.0))
    hop = 0
    for s, s2 in itertools.pairwise(sigmas):
        y, hop = heun_step(MIXTURE, y, s, s2), hop + 1
        for _ in range(3 if s2 == low else 0):
            y, hop = y + (high**2 - low**2) ** 0.5 * noise.at(hop).normal(y), hop + 1
            levels = karras(5, high, low)
            for a, b in itertools.pairwise(levels):
                y, hop = heun_step(MIXTURE, y, a, b), hop + 1
    assert hop == len(path)
    torch.testing.assert_close(last.move.x, y, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(("published", "steps", "evaluations"), [(1, 18, 43), (2, 36, 203)])
def test_restarts_published_sets_have_their_published_numbers_of_model_calls(
    published: int, steps: int, evaluations: int
) -> None:
    """CIFAR-10 and ImageNet 64 with 43 and 203 calls in Xu et al. 2023, on the grid of Karras et al."""
    path = restart(grid("karras", steps, 80.0, 0.002), PUBLISHED[published - 1])
    assert RULES["restart"].cost(path) == evaluations
    ups = [hop for hop in path if hop.kind == "renoise"]
    assert len(ups) == sum(one.times for one in PUBLISHED[published - 1])


@pytest.mark.parametrize("levels", [[3.0, 2.0, 0.0], [80.0, 0.0], [0.5, 0.3, 0.2, 0.1, 0.0], [1.0, 0.5]])
def test_a_restart_path_is_connected_also_where_no_restart_fits(levels: list[float]) -> None:
    path: Path = restart(levels, [Interval(0.1, 2.0, 4, 2), Interval(2.0, 0.1, 4, 2)])
    assert (path[0].s, path[-1].s2) == (levels[0], levels[-1])
    assert all(a.s2 == b.s for a, b in itertools.pairwise(path))
    assert all((hop.kind == "renoise") == (hop.s2 > hop.s) for hop in path)
    assert {Hop(a, b) for a, b in itertools.pairwise(levels)} <= set(path)
