"""The grids of other studios against their published formulas and diffusers', to 1e-12."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.schedules import Discrete, Flow, grid
from engine.schedules.named_grids import AYS_SD, AYS_XL, beta_quantile

SD = Discrete.scaled_linear()
TOP, BOTTOM = SD.sigma_max, SD.sigma_min
ALPHAS = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)
TABLE = np.sqrt((1 - ALPHAS) / ALPHAS)  # σ of each training step
COUNTS = [1, 2, 3, 4, 7, 10, 20, 33, 50]


def of_time(t: np.ndarray) -> np.ndarray:
    """σ between training steps, linear in log σ, as k-diffusion does."""
    return np.exp(np.interp(t, np.arange(1000), np.log(TABLE)))


def published(spacing: str, n: int) -> np.ndarray:
    """The n levels before 0."""
    ramp = np.linspace(0, 1, n)
    match spacing:
        case "karras":  # get_sigmas_karras, use_karras_sigmas
            return (TOP ** (1 / 7) + ramp * (BOTTOM ** (1 / 7) - TOP ** (1 / 7))) ** 7
        case "log":  # get_sigmas_exponential, use_exponential_sigmas
            return np.exp(np.linspace(math.log(TOP), math.log(BOTTOM), n))
        case "kl-optimal":
            return np.tan(ramp * math.atan(BOTTOM) + (1 - ramp) * math.atan(TOP))
        case "uniform-t":  # "Normal", "Uniform"
            return of_time(np.linspace(999, 0, n))
        case "sgm-uniform":
            return of_time(np.linspace(999, 0, n + 1)[:-1])
        case "simple":
            return np.array([TABLE[-(1 + int(x * 1000 / n))] for x in range(n)])
        case "trailing":  # timestep_spacing
            return TABLE[np.round(np.arange(1000, 0, -1000 / n)).astype(int) - 1][:n]
        case "linear-quadratic":
            half, far = n // 2, n - n // 2
            shares = [i * 0.025 / half for i in range(half)]
            rest = half - 0.025 * n
            a, b = rest / (half * far**2), 0.025 / half - 2 * rest / far**2
            shares += [a * i**2 + b * i + a * half**2 for i in range(half, n)]
            return TOP * (1 - np.array(shares))
        case _:
            raise AssertionError(spacing)


@pytest.mark.parametrize("n", COUNTS[1:])
@pytest.mark.parametrize(
    "spacing",
    ["karras", "log", "kl-optimal", "uniform-t", "sgm-uniform", "simple", "trailing", "linear-quadratic"],
)
def test_a_grid_is_its_published_formula(spacing: str, n: int) -> None:
    levels = grid(spacing, n, TOP, BOTTOM, schedule=SD)
    assert levels[-1] == 0
    np.testing.assert_allclose(levels[:-1], published(spacing, n), rtol=1e-12, atol=0)


def test_the_beta_quantiles_are_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    q = np.concatenate([np.linspace(0, 1, 101), [1e-9, 1e-5, 0.4999999, 0.5000001, 1 - 1e-9]])
    np.testing.assert_allclose(beta_quantile(q), stats.beta.ppf(q, 0.6, 0.6), rtol=0, atol=1e-14)
    assert abs(beta_quantile(q[:101]) + beta_quantile(1 - q[:101]) - 1).max() < 1e-14


@pytest.mark.parametrize("n", COUNTS)
def test_beta_visits_the_training_steps_at_the_quantiles(n: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    steps = np.rint(stats.beta.ppf(1 - np.linspace(0, 1, n, endpoint=False), 0.6, 0.6) * 999).astype(int)
    levels = grid("beta", n, TOP, BOTTOM, schedule=SD)[:-1]
    assert len(set(steps)) == n
    np.testing.assert_allclose(levels, TABLE[steps], rtol=1e-12)


def test_beta_with_more_steps_than_whole_ones_differ_goes_between_them() -> None:
    levels = grid("beta", 200, TOP, BOTTOM, schedule=SD)
    assert len(levels) == 201
    np.testing.assert_allclose(levels[:-1], of_time(999 * beta_quantile(1 - np.arange(200) / 200)), rtol=1e-12)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # theirs, with NumPy 2
@pytest.mark.parametrize("n", [5, 20])
@pytest.mark.parametrize(
    ("spacing", "flag"),
    [("karras", "use_karras_sigmas"), ("log", "use_exponential_sigmas"), ("beta-sigma", "use_beta_sigmas")],
)
def test_a_grid_in_sigma_is_diffusers(spacing: str, flag: str, n: int) -> None:
    """Their levels are float32: equal to its precision between the same ends."""
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", **{flag: True}
    )
    scheduler.set_timesteps(n)
    theirs = scheduler.sigmas.double().numpy()
    np.testing.assert_allclose(grid(spacing, n, theirs[0], theirs[-2]), theirs, rtol=1e-6)


@pytest.mark.parametrize(("spacing", "table"), [("ays", AYS_SD), ("ays-xl", AYS_XL)])
def test_align_your_steps_is_the_table_and_its_interpolation_in_log_sigma(
    spacing: str, table: tuple[float, ...]
) -> None:
    """Ten steps visit the table but for its last level, which 0 replaces; other counts interpolate it."""
    levels = grid(spacing, 10, TOP, BOTTOM)
    np.testing.assert_allclose(levels[1:-1], table[1:-1], rtol=1e-12)
    assert (levels[0], levels[-1]) == (TOP, 0)
    twenty = grid(spacing, 20, TOP, BOTTOM)
    np.testing.assert_allclose(twenty[2:-1:2], table[1:-1], rtol=1e-12)
    np.testing.assert_allclose(twenty[3:-1:2], np.sqrt(np.array(table[1:-1]) * np.array(table[2:])), rtol=1e-12)


def test_align_your_steps_is_stretched_to_another_range_in_log_sigma() -> None:
    levels = grid("ays", 10, 80.0, 0.002, final_zero=False)
    place = np.log(levels / 0.002) / math.log(80 / 0.002)
    expected = np.log(np.array(AYS_SD) / AYS_SD[-1]) / math.log(AYS_SD[0] / AYS_SD[-1])
    np.testing.assert_allclose(place, expected, atol=1e-12)


def test_on_a_flow_linear_quadratic_and_simple_are_in_time() -> None:
    flow = Flow()
    times = flow.t(grid("linear-quadratic", 8, math.inf, 1e-3, schedule=flow))
    np.testing.assert_allclose(times[:5], [1, 0.99375, 0.9875, 0.98125, 0.975], atol=2e-5)
    times = flow.t(grid("simple", 8, math.inf, 1e-3, schedule=flow))
    np.testing.assert_allclose(times, 1 - np.arange(9) / 8, atol=2e-5)
    times = flow.t(grid("beta", 8, math.inf, 1e-3, schedule=flow))
    np.testing.assert_allclose(times[:-1], beta_quantile(1 - np.arange(8) / 8), atol=2e-3)
