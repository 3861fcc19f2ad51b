"""The adaptive ODE solver and its log densities against closed-form laws."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from engine import ode
from engine.adaptive import Stretch
from engine.meter import Meter
from engine.noise import Noise
from engine.oracle import Gaussian, Mixture
from engine.run import Cancelled
from engine.schedules import grid
from engine.spec.request import Request
from engine.store import RunReader, RunWriter
from engine.types import Cond, Denoiser, Sigma, Step

F64 = torch.float64
LOW, HIGH = 0.02, 80.0


def correlated(d: int = 6) -> Gaussian:
    """A Gaussian whose coordinates are all correlated, so that a divergence by random signs has an error."""
    g = torch.Generator().manual_seed(3)
    q = torch.randn(d, d, dtype=F64, generator=g)
    return Gaussian(torch.randn(d, dtype=F64, generator=g), q @ q.T / d + 0.05 * torch.eye(d, dtype=F64))


G = correlated()
MIXTURE = Mixture([0.3, 0.7], [[-1.0, 0.2], [0.6, -0.4]], [[[0.02, 0.01], [0.01, 0.06]], [[0.06, 0.0], [0.0, 0.02]]])
NARROW = Mixture([0.5, 0.5], [[-1.0, 0.0], [1.0, 0.0]], [[[1e-3, 0.0], [0.0, 1e-3]]] * 2)


def points(law: Mixture, n: int = 5, seed: int = 1) -> Tensor:
    return law.sample(n, torch.Generator().manual_seed(seed))


def end(steps: list[Step]) -> Tensor:
    return steps[-1].move.x


def follow(d: Denoiser, x: Tensor, start: float, to: float, tol: float = 1e-4) -> tuple[Tensor, int]:
    """Return the last state and the number of evaluations."""
    steps = list(ode.solve(d, x, start, to, tol))
    return end(steps), sum(step.nfe for step in steps)


# --- the flow ---


@pytest.mark.parametrize("tol", [1e-3, 1e-4, 1e-5, 1e-6])
@pytest.mark.parametrize(("start", "to"), [(LOW, HIGH), (HIGH, LOW), (0.5, 3.0), (3.0, 0.5)])
def test_a_gaussians_flow_is_the_exact_one_to_the_tolerance(start: float, to: float, tol: float) -> None:
    x = G.flow(points(G), 0.0, start)
    found, _ = follow(G, x, start, to, tol)
    unit = math.sqrt(1 + to**2)
    assert (found / unit - G.flow(x, start, to) / unit).square().mean().sqrt() < 5 * tol


@pytest.mark.parametrize("tol", [1e-3, 1e-4, 1e-5, 1e-6])
def test_a_picture_comes_back_from_its_noise_within_the_tolerance(tol: float) -> None:
    x = points(G, 64)
    noise, _ = follow(G, x, LOW, HIGH, tol)
    back, _ = follow(G, noise, HIGH, LOW, tol)
    assert (back - x).square().mean().sqrt() < 2 * tol
    assert (back - x).abs().max() < 8 * tol


def test_a_mixtures_error_falls_with_the_tolerance_and_its_calls_rise() -> None:
    x = HIGH * torch.randn(64, 2, dtype=F64, generator=torch.Generator().manual_seed(0))
    exact, most = follow(MIXTURE, x, HIGH, LOW, 1e-7)
    found = [follow(MIXTURE, x, HIGH, LOW, tol) for tol in (1e-2, 1e-3, 1e-4, 1e-5)]
    errors = [(state - exact).square().mean().sqrt().item() for state, _ in found]
    calls = [n for _, n in found]
    assert all(b < a / 3 for a, b in pairwise(errors)), errors
    assert all(a < b for a, b in pairwise([*calls, most])), calls
    assert errors[-1] < 1e-4


def test_sigma_zero_is_reached_from_above_and_left_from_below() -> None:
    x = points(G)
    noise, _ = follow(G, x, 0.0, HIGH, 1e-6)
    assert_close(noise, G.flow(x, 0.0, HIGH), rtol=0, atol=HIGH * 2e-5)
    home, _ = follow(G, noise, HIGH, 0.0, 1e-6)
    assert_close(home, x, rtol=0, atol=2e-5)


def test_a_point_mass_is_reached_exactly_at_sigma_zero() -> None:
    def only(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        return torch.full_like(x, 0.3)

    x = HIGH * torch.randn(3, 4, dtype=F64)
    assert_close(follow(only, x, HIGH, 0.0)[0], torch.full_like(x, 0.3))


@pytest.mark.parametrize("to", [1e-5, 0.0])
def test_levels_below_the_floor_are_no_obstacle(to: float) -> None:
    x = G.flow(points(G), 0.0, 5e-5)
    assert_close(follow(G, x, 5e-5, to)[0], G.flow(x, 5e-5, to), rtol=0, atol=1e-6)


def test_error_control_is_each_images_own() -> None:
    """The second picture lies between two narrow modes and takes many times the steps of the first."""
    easy, hard = torch.tensor([[1.0, 0.01]], dtype=F64), torch.tensor([[0.02, 0.3]], dtype=F64)
    together, calls = follow(NARROW, torch.cat([easy, hard]), LOW, HIGH)
    (alone, few), (other, many) = (follow(NARROW, x, LOW, HIGH) for x in (easy, hard))
    assert_close(together, torch.cat([alone, other]), rtol=1e-13, atol=1e-11)
    assert 5 * few < many == calls


def test_finished_images_may_leave_the_batch() -> None:
    sizes: list[int] = []

    def seen(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        sizes.append(len(x))
        return NARROW(x, sigma)

    x = torch.tensor([[1.0, 0.01], [0.02, 0.3]], dtype=F64)
    kept = list(ode.solve(seen, x, LOW, HIGH))
    assert set(sizes) == {2}
    sizes.clear()
    left = list(ode.solve(seen, x, LOW, HIGH, whole=False))
    assert sizes[0] == 2
    assert sizes[-1] == 1
    assert_close(end(left), end(kept), rtol=1e-13, atol=1e-11)


def test_every_step_starts_where_the_last_one_ended_and_has_its_own_x0() -> None:
    x = points(G, 3)
    for start, to in ((LOW, HIGH), (HIGH, 0.0)):
        steps = list(ode.solve(G, x if start < to else G.flow(x, 0, start), start, to, 1e-5))
        assert (steps[0].hop.s, steps[-1].hop.s2) == (start, to)
        assert [step.i for step in steps] == list(range(len(steps)))
        for a, b in pairwise(steps):
            assert a.hop.s2 == b.hop.s
            assert (b.hop.s < b.hop.s2) == (start < to)
            assert b.x is a.move.x
        for step in steps:
            assert_close(step.move.x0, G(step.x, step.hop.s), rtol=0, atol=2e-4)
            assert_close(step.x, G.flow(steps[0].x, start, step.hop.s), rtol=0, atol=2e-4 * (1 + step.hop.s))


def test_a_steps_evaluations_include_rejected_attempts() -> None:
    calls = 0

    def counted(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        nonlocal calls
        calls += 1
        return NARROW(x, sigma)

    steps = list(ode.solve(counted, torch.tensor([[0.02, 0.3]], dtype=F64), LOW, HIGH))
    assert sum(step.nfe for step in steps) == calls > 3 * len(steps) + 1


def test_states_keep_their_shape_and_dtype() -> None:
    law = correlated(12)
    x = points(law, 2).float().reshape(2, 3, 2, 2)
    for step in ode.solve(law, x, LOW, HIGH):
        for tensor in (step.x, step.move.x, step.move.x0, step.move.x_eval):
            assert (tensor.shape, tensor.dtype) == (x.shape, torch.float32)


def test_gradients_are_on_at_each_yield() -> None:
    assert all(torch.is_grad_enabled() for _ in ode.solve(G, points(G, 1), 0.0, HIGH))


def test_a_stretch_is_interpolated_to_the_third_order() -> None:
    def cubic(t: float) -> Tensor:
        return torch.tensor([t**3 - 2 * t**2 + t - 1, 4.0], dtype=F64)

    def slope(t: float) -> Tensor:
        return torch.tensor([3 * t**2 - 4 * t + 1, 0.0], dtype=F64)

    stretch = Stretch(0.5, cubic(0.5), slope(0.5), 2.0, cubic(2.0), slope(2.0))
    for t in (0.5, 0.9, 1.7, 2.0):
        y, dy = stretch.at(t)
        assert_close(y, cubic(t))
        assert_close(dy, slope(t))


# --- along given levels ---


def test_the_flow_along_given_levels_goes_both_ways() -> None:
    levels = grid("log", 200, HIGH, LOW, final_zero=False)
    x = points(G)
    up = list(ode.solve_on_levels(G, x, levels[::-1].tolist()))
    assert_close(end(up), G.flow(x, LOW, HIGH), rtol=0, atol=0.1)
    assert_close(end(list(ode.solve_on_levels(G, end(up), levels.tolist()))), x, rtol=0, atol=2e-3)


def test_a_sampler_that_draws_noise_cannot_follow_the_flow() -> None:
    for name in ("ddpm", "nothing"):
        with pytest.raises(ValueError, match="choose one of"):
            ode.solve_on_levels(G, points(G), [1.0, 0.0], name)


# --- what can go wrong ---


def test_too_few_calls_raise_step_limit_with_the_remedy() -> None:
    with pytest.raises(ode.StepLimit, match="larger tolerance, or allow more calls") as caught:
        list(ode.solve(NARROW, points(NARROW), LOW, HIGH, 1e-6, max_calls=40))
    assert 0 < caught.value.done < 1
    assert caught.value.calls <= 40


def test_a_picture_with_nan_or_infinity_is_refused_at_once() -> None:
    x = points(G)
    x[2, 1] = math.nan
    with pytest.raises(ode.FlowError, match="not finite"):
        next(ode.solve(G, x, LOW, HIGH))
    with pytest.raises(ode.FlowError, match="not finite"):
        ode.logp(G, x, LOW, HIGH, HIGH, Noise(range(5)))


def test_a_model_that_returns_nan_raises_one_sentence_and_does_not_loop() -> None:
    def broken(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        return torch.where(torch.as_tensor(sigma).reshape(-1, 1) > 1, torch.nan, G(x, sigma))

    with pytest.raises(ode.FlowError, match="cannot be followed"):
        list(ode.solve(broken, points(G), LOW, HIGH))


@pytest.mark.parametrize(("start", "to"), [(1.0, 1.0), (-1.0, 2.0), (1.0, math.inf), (math.nan, 1.0)])
def test_impossible_levels_are_refused(start: float, to: float) -> None:
    with pytest.raises(ode.FlowError, match="noise level"):
        next(ode.solve(G, points(G), start, to))


@pytest.mark.parametrize("tol", [0.0, -1e-3, 1.0, math.nan])
def test_impossible_tolerances_are_refused(tol: float) -> None:
    with pytest.raises(ode.FlowError, match="tolerance"):
        next(ode.solve(G, points(G), LOW, HIGH, tol))


def test_a_solve_is_cancelled_between_two_calls() -> None:
    calls = 0

    def stop() -> bool:
        nonlocal calls
        calls += 1
        return calls > 7

    meter = Meter(G)
    with pytest.raises(Cancelled):
        list(ode.solve(meter, points(G), LOW, HIGH, cancelled=stop))
    assert meter.calls == 7
    with pytest.raises(Cancelled):
        ode.logp(Meter(G, cancelled=lambda: meter.calls > 3), points(G), LOW, HIGH, HIGH, Noise(range(5)), 2)


# --- kept in a run file ---


def test_a_run_file_stores_an_ascending_solve(tmp_path: Path) -> None:
    law = correlated(12)
    x = points(law, 1).float().reshape(1, 3, 2, 2)
    request = Request(
        model="any", model_sha256="", sampler="ddim", spacing="log", sigmas=(HIGH, LOW), seeds=(0,), width=2, height=2,
        evaluations=1,
    )  # fmt: skip
    with RunWriter(tmp_path / "up.twrun", request, {"id": "up", "environment": {}, "parent": None}) as writer:
        writer.start(x)
        steps = []
        for step in ode.solve(law, x, LOW, HIGH):
            writer.step(step)
            steps.append(step)
        writer.end("finished")
    reader = RunReader(tmp_path / "up.twrun", verify=True)
    assert [(info.s, info.s2) for info in reader.steps] == [tuple(step.hop[:2]) for step in steps]
    for k, step in enumerate(steps):
        np.testing.assert_array_equal(reader.x(k), step.x)
        np.testing.assert_array_equal(reader.next(k), step.move.x)
        np.testing.assert_allclose(reader.eps(k), (step.x - step.move.x0) / step.hop.s, rtol=1e-6)


# --- density ---


def at_top(x: Tensor) -> Tensor:
    return G.logp(x, HIGH)


def test_log_density_is_exact_to_its_own_standard_error() -> None:
    """Many pictures, each with probes of its own: the squared deviations in standard errors average to one."""
    x, probes = points(G, 32), 32
    found, stderr = ode.logp(G, x, LOW, HIGH, at_top, Noise(range(32)), probes, 1e-5)
    exact = G.logp(x, LOW)
    z = (found - exact) / stderr
    assert z.abs().max() < 4
    assert 0.5 < z.square().mean() < 1.7  # chi-squared of 32 over 32: .57 … 1.55 with probability .95
    assert 0.1 < stderr.mean() < 0.4


def test_the_standard_error_is_that_of_the_probes() -> None:
    """For a Gaussian the trace's variance is known: random signs see 2·Σ of the squared off-diagonal part."""
    probes = 400
    x = points(G, 1)
    _, stderr = ode.logp(G, x, LOW, HIGH, at_top, Noise([7]), probes, 1e-2)
    levels = torch.from_numpy(np.geomspace(LOW, HIGH, 4001))
    axes, values = torch.linalg.eigh(G.cov)[1], torch.linalg.eigvalsh(G.cov)
    jacobians = torch.einsum("ie,se,je->sij", axes, values / (values + levels[:, None] ** 2), axes)
    spread = torch.trapezoid(jacobians, levels.log(), dim=0)  # ∫ ∂D/∂x dσ/σ, whose signs' form is the estimate
    off = spread - torch.diag(torch.diagonal(spread))
    assert stderr.item() * math.sqrt(probes) == pytest.approx(math.sqrt(2 * off.square().sum()), rel=0.12)


def test_probes_are_exact_where_coordinates_are_independent() -> None:
    law = Gaussian([0.1, -0.4, 0.2], torch.diag(torch.tensor([1.0, 0.3, 2.0], dtype=F64)))
    x = points(law)
    found, stderr = ode.logp(law, x, LOW, HIGH, lambda x: law.logp(x, HIGH), Noise(range(5)), 2, 1e-7)
    assert stderr.abs().max() < 1e-10
    assert_close(found, law.logp(x, LOW), rtol=0, atol=1e-4)


def test_a_number_as_prior_is_the_std_of_a_normal_prior() -> None:
    x = points(G)
    by_number, _ = ode.logp(G, x, LOW, 500.0, 500.0, Noise(range(5)), 4)
    standard = Gaussian(torch.zeros(6), torch.zeros(6, 6))
    as_law, _ = ode.logp(G, x, LOW, 500.0, lambda x: standard.logp(x, 500.0), Noise(range(5)), 4)
    assert_close(by_number, as_law)


def test_a_pictures_density_does_not_depend_on_its_batch() -> None:
    x = points(G, 3)
    together, _ = ode.logp(G, x, LOW, HIGH, HIGH, Noise([4, 5, 6]), 4)
    alone = [ode.logp(G, x[k : k + 1], LOW, HIGH, HIGH, Noise([4 + k]), 4)[0] for k in range(3)]
    assert_close(together, torch.cat(alone), rtol=1e-11, atol=1e-9)


def test_one_probe_has_no_standard_error_and_pictures_of_any_shape_have_a_density() -> None:
    law = correlated(12)
    x = points(law, 2)
    flat, _ = ode.logp(law, x, LOW, HIGH, HIGH, Noise([0, 1]), 1)
    found, stderr = ode.logp(law, x.reshape(2, 3, 2, 2), LOW, HIGH, HIGH, Noise([0, 1]), 1)
    assert_close(found, flat)
    assert stderr.isnan().all()


def test_a_density_yields_its_progress() -> None:
    way = ode.density(G, points(G), LOW, HIGH, HIGH, Noise(range(5)), 2)
    told = list(way)
    assert told[-1].done == 1
    assert all(a.done <= b.done and a.calls < b.calls for a, b in pairwise(told))


def test_a_density_needs_two_levels_above_zero_and_a_probe() -> None:
    for low, high in ((0.0, 1.0), (2.0, 1.0)):
        with pytest.raises(ode.FlowError, match="above 0"):
            ode.logp(G, points(G), low, high, HIGH, Noise(range(5)))
    with pytest.raises(ValueError, match="one probe"):
        ode.logp(G, points(G), LOW, HIGH, HIGH, Noise(range(5)), 0)
