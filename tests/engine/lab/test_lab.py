"""The lab against closed forms: its laws, fields, runs and exact flow."""

from __future__ import annotations

import itertools
import math
from itertools import islice

import numpy as np
import pytest
import torch

from engine.jobs.lab import LabWalk
from engine.lab.field import axis, density, plane, score
from engine.lab.model import Smoothed, model
from engine.lab.trial import LEAST_LEVEL, EndlessPath, exact_flow, scatter, start, trial, walk
from engine.oracle import Gaussian, Mixture
from engine.rules import menu
from engine.run import Cancelled
from engine.spec.draft import Draft, resolve
from engine.spec.lab_data import DATA, DRAWN, HALF, LEAST_POINTS, MOST_POINTS, Data, LabError, info
from engine.spec.request import Request

INK = ((-1.0, 0.5), (0.2, -0.3), (0.9, 1.1), (1.4, -1.2))
ALL = [Data(name, INK if name == DRAWN else ()) for name in DATA]
LEVELS = (0.0, 0.05, 0.7, 10.0)


def named(data: Data) -> str:
    return data.name


def request(name: str = "gaussian", **choices: object) -> Request:
    return resolve(Draft.for_model(info(name), **{"seed": 3} | choices), info(name))


def as_mixture(data: Data) -> Mixture:
    """Build the same law as an explicit mixture."""
    law = data.components
    return Mixture(law.weights, law.means, law.covs)


# the data


@pytest.mark.parametrize("data", ALL, ids=named)
def test_a_data_set_is_a_mixture_that_fits_the_frame(data: Data) -> None:
    law = data.components
    assert law.weights.sum() == pytest.approx(1)
    x = model(data).sample(4000, torch.Generator().manual_seed(1))
    assert (x.abs() < HALF).all(1).double().mean() > 0.97
    if data.name != DRAWN:
        assert law.mean == pytest.approx(np.zeros(2), abs=1e-12)
        assert np.trace(law.cov) == pytest.approx(2)


@pytest.mark.parametrize("data", ALL, ids=named)
def test_its_denoiser_score_and_density_are_those_of_the_mixture_written_out(data: Data) -> None:
    law, truth = model(data), as_mixture(data)
    x = scatter(60, seed=5, half=HALF)
    for sigma in LEVELS:
        assert torch.allclose(law(x, sigma), truth(x, sigma), atol=1e-10)
        assert torch.allclose(law.score(x, sigma), truth.score(x, sigma), rtol=1e-9, atol=1e-9)
        assert torch.allclose(law.logp(x, sigma), truth.logp(x, sigma), rtol=1e-10)
        assert torch.allclose(law.class_posterior(x, sigma), truth.class_posterior(x, sigma), atol=1e-10)


def test_each_image_may_have_a_level_of_its_own() -> None:
    law, x = Smoothed(INK, 0.2), scatter(4, seed=1, half=2)
    sigma = torch.tensor([0.1, 0.5, 2.0, 9.0], dtype=torch.float64)
    for f in (law, law.score):
        together = f(x, sigma)
        assert torch.allclose(together, torch.cat([f(x[k : k + 1], float(s)) for k, s in enumerate(sigma)]))
    assert law(x.float(), 0.5).dtype == torch.float32


def test_samples_of_smoothed_points_have_their_mean_and_covariance() -> None:
    law = Smoothed(INK, 0.5)
    x, truth = law.sample(40_000, torch.Generator().manual_seed(0)), Data(DRAWN, INK).components
    assert x.mean(0).numpy() == pytest.approx(truth.mean, abs=0.03)
    spread = truth.cov + np.eye(2) * (0.5**2 - truth.width**2)  # type: ignore[operator]
    assert np.cov(x.numpy().T) == pytest.approx(spread, abs=0.04)


def test_unusable_data_gives_advice() -> None:
    with pytest.raises(LabError, match="no data set “cube”: choose one of gaussian"):
        model(Data("cube"))
    for n, words in ((LEAST_POINTS - 1, "too few points: draw at least 3"), (MOST_POINTS + 1, "draw at most 400")):
        with pytest.raises(LabError, match=words):
            model(Data(DRAWN, ((0.0, 0.0),) * n))
    with pytest.raises(ValueError, match="above 0"):
        Smoothed(INK, 0)


# the fields


@pytest.mark.parametrize("data", ALL, ids=named)
@pytest.mark.parametrize("sigma", [0.0, 0.3, 10.0])
def test_the_density_on_the_grid_is_that_of_each_point(data: Data, sigma: float) -> None:
    law, n = model(data), 24
    p = density(law, sigma, HALF, n)
    assert torch.allclose(p.reshape(-1), as_mixture(data).logp(plane(HALF, n), sigma).exp(), rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("data", ALL, ids=named)
def test_a_wide_grid_holds_all_of_the_density(data: Data) -> None:
    sigma, n = 0.3, 200
    half = 6.0
    assert density(model(data), sigma, half, n).sum() * (2 * half / n) ** 2 == pytest.approx(1, abs=1e-4)


def test_rows_are_y_and_columns_x() -> None:
    law = Gaussian([1.0, -2.0], torch.eye(2) * 0.01)
    p, at = density(law, 0.1, HALF, 61), axis(HALF, 61)
    row, column = divmod(int(p.argmax()), 61)
    assert (float(at[column]), float(at[row])) == pytest.approx((1.0, -2.0), abs=HALF / 61)


def test_the_score_is_the_gradient_of_the_log_density() -> None:
    law, sigma, n = model(Data("mixture")), 0.4, 9
    x = plane(HALF, n).requires_grad_()
    (gradient,) = torch.autograd.grad(law.logp(x, sigma).sum(), x)
    assert torch.allclose(score(law, sigma, HALF, n).reshape(-1, 2), gradient, rtol=1e-9)


# runs


@pytest.mark.parametrize("sampler", sorted(menu()))
def test_every_sampler_of_the_menu_runs_and_lands_on_the_data(sampler: str) -> None:
    data = Data("mixture")
    steps = list(trial(model(data), request("mixture", sampler=sampler, steps=12), particles=64))
    assert [step.i for step in steps] == list(range(12))
    end = steps[-1].move.x
    assert end.shape == (64, 2)
    assert (as_mixture(data).logp(end, 0.2) > -6).double().mean() > 0.5


def test_a_particle_does_not_depend_on_their_number() -> None:
    law, asked = model(Data("spiral")), request("spiral", sampler="ddpm", steps=6)
    few, many = (list(trial(law, asked, particles))[-1].move.x for particles in (3, 50))
    assert torch.allclose(few, many[:3], atol=1e-12)


def test_the_start_has_the_law_of_pure_noise() -> None:
    x, _ = start(request(temperature=0.5), 20_000)
    assert float(x.std()) == pytest.approx(0.5 * 10.0, rel=0.02)
    assert torch.equal(start(request(), 7)[0], start(request(), 9)[0][:7])


def test_options_of_the_sampler_take_effect() -> None:
    law = model(Data("gaussian"))
    plain, noisy = (
        list(trial(law, request(steps=8, options=options), 20))[-1].move.x for options in ((), (("eta", 1.0),))
    )
    assert not torch.allclose(plain, noisy)


def test_a_run_is_cancelled_before_the_next_call() -> None:
    calls = itertools.count()
    run = trial(model(Data("gaussian")), request(sampler="heun"), 5, lambda: next(calls) >= 3)
    with pytest.raises(Cancelled):
        list(run)
    assert next(calls) == 4  # three calls let through, the fourth refused


# the exact flow


def test_the_flow_of_a_gaussian_is_exact_and_samplers_come_near_it() -> None:
    law, asked = model(Data("gaussian")), request(sampler="dpmpp-3m", steps=40)
    assert isinstance(law, Gaussian)
    x, _ = start(asked, 30)
    flow = list(exact_flow(law, x, asked.sigmas))
    assert len(flow) == 41
    assert torch.equal(flow[0], x)
    for state, sigma in zip(flow, asked.sigmas, strict=True):
        assert torch.allclose(state, law.flow(x, asked.sigmas[0], sigma))
    end = list(trial(law, asked, 30))[-1].move.x
    assert (end - flow[-1]).abs().amax() < 2e-3


def test_the_fine_solve_agrees_with_the_closed_form_where_there_is_one() -> None:
    """The Gaussian as a mixture of one has the same flow but no closed form: it is solved."""
    law, asked = as_mixture(Data("gaussian")), request(steps=10)
    exact = model(Data("gaussian"))
    assert isinstance(exact, Gaussian)
    x, _ = start(asked, 50)
    for state, sigma in zip(exact_flow(law, x, asked.sigmas), asked.sigmas, strict=True):
        assert (state - exact.flow(x, asked.sigmas[0], sigma)).abs().amax() < 2e-4


def test_the_flow_stops_at_the_last_level_where_that_is_not_zero() -> None:
    law, x = as_mixture(Data("gaussian")), scatter(4, 0, 5)
    states = list(exact_flow(law, x, (5.0, 1.0, 0.5)))
    assert len(states) == 3
    exact = model(Data("gaussian"))
    assert isinstance(exact, Gaussian)
    assert torch.allclose(states[-1], exact.flow(x, 5.0, 0.5), atol=1e-4)


# walking chains


def test_chains_that_stay_settle_at_the_variance_of_the_discretised_law() -> None:
    """v/(1 − δ/2v) along each axis of the Gaussian, v = c + σ² and δ = delta·σ²."""
    data, sigma, delta = Data("gaussian"), 0.8, 0.3
    how = LabWalk(data, particles=4000, seed=2, half=HALF, steps=50, delta=delta)
    x = next(islice(walk(model(data), how, lambda: sigma, lambda: False), 6, None))
    values, axes = np.linalg.eigh(data.components.cov)
    v = values + sigma**2
    assert (x.numpy() @ axes).var(0) == pytest.approx(v / (1 - delta * sigma**2 / (2 * v)), rel=0.08)


def test_chains_follow_the_level_and_never_draw_the_same_noise_twice() -> None:
    levels = iter([2.0, 2.0, 0.5, 0.0])
    path = EndlessPath(lambda: next(levels))
    assert [path[k].s for k in range(4)] == [2.0, 2.0, 0.5, LEAST_LEVEL]
    data = Data("gaussian")
    frames = list(islice(walk(model(data), LabWalk(data, 50, 1, HALF, steps=1), lambda: 50.0, lambda: False), 3))
    first, second = frames[1] - frames[0], frames[2] - frames[1]
    assert abs(np.corrcoef(first.flatten(), second.flatten())[0, 1]) < 0.35


def test_chains_walk_until_they_are_stopped() -> None:
    data, calls = Data("mixture"), itertools.count()
    with pytest.raises(Cancelled):
        for _ in walk(model(data), LabWalk(data, 5, 1, HALF), lambda: 1.0, lambda: next(calls) >= 20):
            pass
    assert next(calls) == 21


def test_chains_start_evenly_over_the_frame() -> None:
    x = scatter(20_000, 0, HALF)
    assert x.abs().amax() <= HALF
    assert float(x.std()) == pytest.approx(HALF / math.sqrt(3), rel=0.02)
