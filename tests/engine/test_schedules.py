"""Schedules match their papers, invert, and agree with their SDE; grids descend as specified."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from engine.schedules import (
    DEFAULT,
    OU,
    SCHEDULES,
    SPACINGS,
    VE,
    VP,
    Discrete,
    Flow,
    Schedule,
    SubVP,
    from_config,
    grid,
)

ALL: dict[str, Schedule] = {
    "ve": VE(),
    "vp": VP(),
    "sub-vp": SubVP(),
    "linear": Discrete.linear(),
    "scaled_linear": Discrete.scaled_linear(),
    "cosine": Discrete.cosine(),
    "flow": Flow(),
    "ou": OU(),
}
each = pytest.mark.parametrize("schedule", ALL.values(), ids=ALL)


def interior(schedule: Schedule) -> np.ndarray:
    """Times inside the schedule's range, none of them an index of a table."""
    low, high = schedule.t(schedule.sigma_min), min(schedule.t(schedule.sigma_max), schedule.t(1e4))
    return low + (high - low) * np.array([0.013, 0.21, 0.5003, 0.77, 0.9871])


# --- the useful checks of each schedule ---


def test_vp_reaches_the_known_levels() -> None:
    assert VP().sigma(1e-3) == pytest.approx(0.0105, abs=5e-5)
    assert VP().sigma(1.0) == pytest.approx(152, abs=0.5)
    assert VP().sigma(0.3) == pytest.approx(math.sqrt(math.exp(0.5 * 19.9 * 0.09 + 0.03) - 1), rel=1e-14)


def test_the_tables_end_where_their_papers_say() -> None:
    ddpm, sd, cosine = Discrete.linear(), Discrete.scaled_linear(), Discrete.cosine()
    assert (ddpm.sigma_min, ddpm.sigma_max) == pytest.approx((0.0100, 157.4), rel=1e-3)
    assert (sd.sigma_min, sd.sigma_max) == pytest.approx((0.0292, 14.61), rel=2e-3)
    assert sd.scale(sd.sigma_max) == pytest.approx(0.0683, abs=5e-5)
    assert (cosine.sigma_min, cosine.sigma_max) == pytest.approx((0.0064, 20291), rel=5e-3)
    assert cosine.sigma(998.0) == pytest.approx(642, abs=0.5)


def test_cosine_has_the_closed_form_of_its_paper_away_from_its_clipped_end() -> None:
    t = np.array([0, 99, 499, 899])
    abar = np.cos(((t + 1) / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2 / math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    np.testing.assert_allclose(Discrete.cosine().sigma(t), np.sqrt(1 / abar - 1), rtol=1e-9)


def test_a_table_interpolates_log_sigma_between_two_indices() -> None:
    ddpm = Discrete.linear()
    betas = np.linspace(1e-4, 0.02, 1000)
    sigmas = np.sqrt(1 / np.cumprod(1 - betas) - 1)
    np.testing.assert_allclose(ddpm.sigma(np.arange(1000)), sigmas, rtol=1e-10)
    assert ddpm.sigma(41.25) == pytest.approx(sigmas[41] ** 0.75 * sigmas[42] ** 0.25, rel=1e-10)
    assert len(ddpm) == 1000


def test_a_table_clips_values_outside_it() -> None:
    ddpm = Discrete.linear()
    assert (ddpm.t(0.0), ddpm.t(1e-4), ddpm.t(1e4)) == (0.0, 0.0, 999.0)


def test_sub_vp_spreads_by_one_minus_a_squared() -> None:
    sub = SubVP()
    for t in (0.01, 0.4, 1.0):
        a = math.exp(-0.5 * (0.1 * t + 0.5 * 19.9 * t * t))
        assert sub.sigma(t) == pytest.approx((1 - a * a) / a, rel=1e-10)
        assert sub.scale(sub.sigma(t)) == pytest.approx(a, rel=1e-12)


def test_flow_is_the_straight_path() -> None:
    flow = Flow()
    assert (flow.sigma(0.25), flow.scale(1 / 3)) == pytest.approx((1 / 3, 0.75), rel=1e-15)
    assert (flow.sigma(1.0), flow.t(math.inf), flow.t(0.0)) == (math.inf, 1.0, 0.0)


def test_ou_sums_the_recursion_of_its_chain() -> None:
    gamma, variance = 0.03, 0.0
    ou = OU(gamma, steps=50)
    for k in range(50):
        variance += 2 * gamma / (1 - gamma) ** (2 * (k + 1))
        assert ou.sigma(k + 1.0) == pytest.approx(math.sqrt(variance), rel=1e-12)
        assert ou.scale(ou.sigma(k + 1.0)) == pytest.approx((1 - gamma) ** (k + 1), rel=1e-12)


def test_zero_terminal_snr_moves_only_the_end_to_pure_noise() -> None:
    sd = Discrete.scaled_linear()
    zero = sd.zero_terminal_snr()
    assert zero.sigma_max == pytest.approx(1e5)
    assert zero.t(zero.sigma_max) == 999
    assert zero.sigma_min == pytest.approx(sd.sigma_min, rel=1e-12)


# --- what all of them promise ---


@each
def test_t_inverts_sigma(schedule: Schedule) -> None:
    t = interior(schedule)
    np.testing.assert_allclose(schedule.t(schedule.sigma(t)), t, rtol=1e-10)
    sigma = np.geomspace(schedule.sigma_min, schedule.sigma_max, 9)
    np.testing.assert_allclose(schedule.sigma(schedule.t(sigma)), sigma, rtol=1e-10)


@each
def test_sigma_rises_with_t(schedule: Schedule) -> None:
    assert np.all(np.diff(schedule.sigma(interior(schedule))) > 0)


@each
def test_the_sde_drives_the_scale_and_the_noise(schedule: Schedule) -> None:
    """d log s/dt = f and dσ²/dt = g²/s², by central differences."""
    t = interior(schedule)
    h = 1e-5 * t
    f, g = schedule.sde(t)
    above, below = schedule.sigma(t + h), schedule.sigma(t - h)
    slope = (np.log(schedule.scale(above)) - np.log(schedule.scale(below))) / (2 * h)
    growth = (above**2 - below**2) / (2 * h)
    np.testing.assert_allclose(slope, f, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(growth, (g / schedule.scale(schedule.sigma(t))) ** 2, rtol=1e-5)


@pytest.mark.parametrize("name", ["vp", "linear", "scaled_linear", "cosine"])
def test_the_variance_preserving_ones_start_at_a_unit_native_state(name: str) -> None:
    schedule = ALL[name]
    for sigma in (0.5, 3.0, schedule.sigma_max):
        assert schedule.start_std(sigma) == pytest.approx(math.sqrt(1 + sigma**2), rel=1e-12)
    assert schedule.start_std() == schedule.start_std(schedule.sigma_max)


def test_the_other_starts_are_the_native_prior_in_our_coordinates() -> None:
    assert VE().start_std() == 50
    assert VE().start_std(7) == 7
    assert Flow().start_std(1e5) == pytest.approx(1e5 + 1, rel=1e-12)
    sub = SubVP()
    assert sub.start_std() == pytest.approx(1 / sub.scale(sub.sigma_max), rel=1e-12)
    ou = OU(0.02)
    assert ou.start_std(9.0) == pytest.approx(math.sqrt(2 / 1.98 + 81), rel=1e-12)


@each
def test_floats_arrays_and_tensors_keep_their_type(schedule: Schedule) -> None:
    t = interior(schedule)
    sigma = schedule.sigma(t)
    assert type(schedule.sigma(float(t[1]))) is float
    tensor = schedule.sigma(torch.from_numpy(t))
    assert tensor.dtype == torch.float64
    np.testing.assert_array_equal(tensor.numpy(), sigma)
    single = schedule.t(torch.from_numpy(sigma).float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.numpy(), t, rtol=1e-5)
    assert schedule.sigma(torch.tensor([1, 0])).dtype == torch.float64  # whole times have levels that are not whole


def test_the_window_can_import_this_without_torch() -> None:
    code = "import sys, engine.schedules; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- from a config ---


def test_a_config_names_its_schedule() -> None:
    assert isinstance(from_config({"type": "flow"}), Flow)
    ve = from_config({"type": "ve", "sigma_min": 0.002, "sigma_max": 80})
    assert (ve.sigma_min, ve.sigma_max) == (0.002, 80)
    table = from_config({"type": "discrete", "alphas_cumprod": [0.9, 0.5, 0.1]})
    assert table.sigma(2) == pytest.approx(3.0)
    assert from_config({"type": "linear"}).sigma_max == Discrete.linear().sigma_max
    for kind in set(SCHEDULES) - {"discrete"}:
        assert from_config({"type": kind}).sigma_min > 0


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"type": "fancy"},
        {"type": ["flow"]},
        {"type": "ve", "sigma_min": "low"},
        {"type": "flow", "colour": 1},
        {"type": "ve", "sigma_min": -1},
        {"type": "vp", "beta_min": 0},
        {"type": "ou", "gamma": 2},
        {"type": "flow", "sigma_max": math.inf},
        {"type": "discrete", "alphas_cumprod": [0.5, 0.9]},
        {"type": "discrete", "alphas_cumprod": [0.5, 1e-300, 0.0]},
    ],
)
def test_an_invalid_config_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        from_config(config)


# --- grids ---


@each
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("n", [1, 2, 7, 50])
def test_a_grid_has_n_steps_and_descends(spacing: str, n: int, schedule: Schedule) -> None:
    top, bottom = schedule.sigma_max, schedule.sigma_min
    to_zero = grid(spacing, n, top, bottom, schedule=schedule)
    to_bottom = grid(spacing, n, top, bottom, final_zero=False, schedule=schedule)
    for levels in (to_zero, to_bottom):
        assert levels.shape == (n + 1,)
        assert levels.dtype == np.float64
        assert np.all(np.diff(levels) < 0)
    assert (to_zero[-1], to_bottom[-1]) == (0, bottom)
    if n == 1:
        assert list(to_zero) == [top, 0]
    if spacing == "leading":
        assert n == 1 or to_zero[0] < top
    else:
        assert to_zero[0] == to_bottom[0] == top
    if spacing != "trailing" and n > 1:
        assert to_zero[-2] == bottom


def test_karras_is_even_in_the_seventh_root() -> None:
    roots = grid("karras", 10, 80, 0.002, final_zero=False) ** (1 / 7)
    np.testing.assert_allclose(np.diff(roots), (0.002 ** (1 / 7) - 80 ** (1 / 7)) / 10, rtol=1e-10)


def test_log_is_even_in_log_sigma() -> None:
    np.testing.assert_allclose(grid("log", 4, 16, 1, final_zero=False), [16, 8, 4, 2, 1], rtol=1e-12)


@pytest.mark.parametrize(("top", "bottom"), [(80.0, 0.002), (1e5, 1e-3), (14.6, 0.03)])
def test_balanced_lies_between_even_in_log_sigma_and_even_in_a_flows_time(top: float, bottom: float) -> None:
    levels = grid("balanced", 12, top, bottom, final_zero=False)
    in_log = np.log(levels / bottom) / np.log(top / bottom)
    times = levels / (0.5 + levels)
    in_time = (times - times[-1]) / (times[0] - times[-1])
    np.testing.assert_allclose(0.55 * in_log + 0.45 * in_time, np.linspace(1, 0, 13), atol=1e-5)
    assert list(grid("balanced", 1, 3.0, 3.0)) == [3.0, 0.0]


@each
def test_uniform_t_is_even_in_t(schedule: Schedule) -> None:
    top, bottom = schedule.sigma_max, schedule.sigma_min
    times = schedule.t(grid("uniform-t", 6, top, bottom, final_zero=False, schedule=schedule))
    np.testing.assert_allclose(times, np.linspace(schedule.t(top), schedule.t(bottom), 7), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("spacing", "indices"),
    [
        ("trailing", [999, 899, 799, 699, 599, 499, 399, 299, 199, 99]),
        ("leading", [900, 800, 700, 600, 500, 400, 300, 200, 100, 0]),
        ("linspace", [999, 888, 777, 666, 555, 444, 333, 222, 111, 0]),
    ],
)
def test_on_a_table_the_training_steps_are_those_of_lin_et_al(spacing: str, indices: list[int]) -> None:
    ddpm = Discrete.linear()
    levels = grid(spacing, 10, ddpm.sigma_max, ddpm.sigma_min, schedule=ddpm)
    np.testing.assert_allclose(levels[:-1], ddpm.sigma(np.array(indices)), rtol=1e-12)


@pytest.mark.parametrize("n", [3, 7, 16, 30, 999, 1000])
def test_steps_that_do_not_divide_the_table_are_rounded_to_it(n: int) -> None:
    ddpm = Discrete.linear()
    for spacing in ("trailing", "leading", "linspace"):
        times = ddpm.t(grid(spacing, n, ddpm.sigma_max, ddpm.sigma_min, schedule=ddpm)[:-1])
        np.testing.assert_allclose(times, np.round(times), atol=1e-8)
    trailing = ddpm.t(grid("trailing", n, ddpm.sigma_max, ddpm.sigma_min, schedule=ddpm)[:-1])
    np.testing.assert_allclose(trailing, np.round(np.arange(1000, 0, -1000 / n))[:n] - 1, atol=1e-8)


def test_trailing_on_a_flow_divides_time_evenly_down_to_zero() -> None:
    levels = grid("trailing", 4, math.inf, 1e-3, schedule=Flow())
    assert levels[0] == 1e5
    np.testing.assert_allclose(Flow().t(levels), [1, 0.75, 0.5, 0.25, 0], atol=2e-5)


def test_a_grid_may_cover_a_part_of_the_table() -> None:
    ddpm = Discrete.linear()
    levels = grid("trailing", 5, ddpm.sigma(499), ddpm.sigma_min, schedule=ddpm)
    np.testing.assert_allclose(ddpm.t(levels[:-1]), [499, 399, 299, 199, 99], atol=1e-8)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("fancy", 5, 80, 0.1), "no spacing"),
        (("karras", 0, 80, 0.1), "steps are not possible"),
        (("karras", 2.5, 80, 0.1), "steps are not possible"),
        (("karras", 5, 0.1, 80), "sigma_min < sigma_max"),
        (("log", 5, 80, 0), "sigma_min < sigma_max"),
        (("log", 5, math.nan, 0.1), "sigma_min < sigma_max"),
        (("trailing", 5, 80, 0.1), "needs the model's schedule"),
        (("trailing", 5, 200, 0.1, True, Discrete.linear()), "no noise above 157.407"),
        (("trailing", 1001, 157, 0.01, True, Discrete.linear()), "too few noise levels"),
        (("leading", 600, 157, 0.1, False, Discrete.linear(100)), "no noise above"),
    ],
)
def test_an_impossible_grid_is_refused_in_one_sentence(arguments: tuple[object, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as error:
        grid(*arguments)  # type: ignore[arg-type]
    assert str(error.value).count(". ") == 0
    assert str(error.value).endswith(".")


def test_the_default_spacing_is_one_of_them() -> None:
    assert DEFAULT in SPACINGS
    assert all(SPACINGS.values())
