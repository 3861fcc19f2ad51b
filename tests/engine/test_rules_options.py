"""Options of samplers: checked when they are chosen, stored in the Request, applied by the plan."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from engine import models
from engine.noise import Noise
from engine.oracle import Gaussian
from engine.paths import descending, path_for
from engine.plan import plan
from engine.rules import RULES, menu
from engine.run import run
from engine.schedules import grid
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.spec.request import Request, RequestError
from engine.types import Option
from tests.engine.probe import exact_law

F64 = torch.float64
OPTIONS = [(name, option) for name, rule in menu().items() for option in rule.options]


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=[f"{name}.{option.name}" for name, option in OPTIONS])
def test_an_option_set_to_its_default_changes_nothing_and_acts_at_both_ends(name: str, option: Option) -> None:
    d = Gaussian(torch.zeros(3, dtype=F64), torch.eye(3, dtype=F64) + 0.4)
    sigmas = grid("log", 6, 10.0, 0.01)
    x = 10 * Noise([1, 2]).normal(torch.empty(2, 3, dtype=F64))

    def walk(value: float) -> torch.Tensor:
        rule, path = RULES[name].with_options(**{option.name: value}), path_for(name, [(option.name, value)], sigmas)
        steps = list(run(d, path, rule, x, Noise([1, 2])))
        assert sum(step.nfe for step in steps) == rule.cost(path)
        return steps[-2].move.x

    plain = list(run(d, path_for(name, (), sigmas), RULES[name], x, Noise([1, 2])))[-2].move.x
    assert torch.equal(walk(option.default), plain)
    for end in (option.low, option.high):
        out = walk(end)
        assert out.isfinite().all()
        assert option.name.startswith("s_") or end == option.default or not torch.equal(out, plain)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"mu": 0.3}, "no option “mu”: choose one of steps, snr"),
        ({"snr": 9.0}, "snr cannot be 9: choose 0.01 to 0.5"),
        ({"snr": float("nan")}, "snr cannot be nan"),
        ({"steps": 1.5}, "choose a whole number"),
    ],
)
def test_an_invalid_option_raises_one_sentence(values: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        RULES["pc"].with_options(**values)


def test_options_count_into_the_cost_and_the_last_value_wins() -> None:
    path = descending(grid("log", 6, 10.0, 0.1))
    pc = RULES["pc"]
    assert pc.with_options(steps=3).cost(path) == 5 * 4 + 1
    assert pc.with_options(steps=3).with_options(steps=2, snr=0.1).cost(path) == 5 * 3 + 1
    assert pc.with_options(steps=3).with_options(steps=1).cost(path) == pc.cost(path)


def test_a_sampler_is_random_when_its_options_make_it_so() -> None:
    assert RULES["ddim"].with_options(eta=0.5).stochastic
    assert not RULES["ddim"].with_options(eta=0.5).with_options(eta=0.0).stochastic
    assert not RULES["dpmpp-2m-sde"].with_options(eta=0.0).stochastic
    assert not RULES["heun"].with_options(s_noise=1.01).stochastic


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ddim", {"eta": 0.4}),
        ("mu", {"mu": 0.2}),
        ("mu", {"mu": 0.8}),
        ("dpmpp-2m-sde", {"eta": 0.5}),
        ("heun", {"s_churn": 0.3, "s_tmin": 0.1, "s_tmax": 15.0}),
        ("ge", {"gamma": 1.5}),
    ],
)
def test_the_forward_law_is_kept_whatever_the_options(name: str, options: dict[str, float]) -> None:
    x0 = torch.tensor([0.3], dtype=F64)
    sigmas = grid("karras", 8, 20.0, 0.05)
    for hops in range(1, 9):
        rule = RULES[name].with_options(**options)
        _, cov = exact_law(lambda x, s, c=None: x0.expand_as(x), descending(sigmas), rule, x0, sigmas[0], hops=hops)
        assert cov.item() == pytest.approx(sigmas[hops] ** 2, rel=1e-12, abs=1e-12)


def test_options_and_temperature_travel_with_the_settings(tiny_model: ModelInfo) -> None:
    draft = Draft.for_model(tiny_model, sampler="pc", options=(("steps", 2), ("snr", 0.16)), temperature=0.8)
    request = resolve(draft, tiny_model)
    assert request.options == (("steps", 2.0),)  # what is at its default is not noted: one picture, one Request
    assert json.loads(request.to_json())["options"] == {"steps": 2.0}
    assert Request.from_json(request.to_json()) == request
    assert resolve(Draft.of(request), tiny_model) == request
    assert request.evaluations == 4 * 3 + 1


def test_settings_written_before_there_were_options_still_read(tiny_model: ModelInfo) -> None:
    request = resolve(Draft.for_model(tiny_model), tiny_model)
    old = {key: value for key, value in request.to_dict().items() if key not in ("options", "temperature")}
    assert Request.from_dict(old) == request


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"eta": float("inf")}},
        {"options": {"eta": "1"}},
        {"options": {"eta": True}},
        {"options": [["eta", 1.0]]},
        {"options": 3},
        {"temperature": 0.0},
        {"temperature": float("nan")},
    ],
)
def test_damaged_options_are_refused(change: dict[str, object], tiny_model: ModelInfo) -> None:
    data = resolve(Draft.for_model(tiny_model), tiny_model).to_dict()
    with pytest.raises(RequestError):
        Request.from_dict(data | change)


def test_an_impossible_option_is_refused_when_it_is_chosen_and_when_it_is_run(tiny_model: ModelInfo) -> None:
    with pytest.raises(RequestError, match="eta cannot be 2"):
        resolve(Draft.for_model(tiny_model, sampler="ddim", options=(("eta", 2.0),)), tiny_model)
    request = replace(resolve(Draft.for_model(tiny_model), tiny_model), options=(("eta", 1.0),))
    with pytest.raises(RequestError, match="no option “eta”"):
        plan(request, models.load(tiny_model, torch.device("cpu")))


def test_the_plan_applies_the_options_and_scales_the_start(tiny_model: ModelInfo) -> None:
    model = models.load(tiny_model, torch.device("cpu"))
    draft = Draft.for_model(tiny_model, sampler="ddim", guidance=1.0)
    eta = resolve(replace(draft, options=(("eta", 1.0),), temperature=0.5), tiny_model)
    ddpm = resolve(replace(draft, sampler="ddpm", temperature=0.5), tiny_model)
    *_, a = plan(eta, model).steps()
    *_, b = plan(ddpm, model).steps()
    assert torch.equal(a.move.x, b.move.x)
    warm = plan(resolve(draft, tiny_model), model).x
    torch.testing.assert_close(plan(eta, model).x, 0.5 * warm, rtol=1e-6, atol=0)


def test_temperature_scales_the_spread_of_a_gaussian_as_the_flow_says() -> None:
    """x_T ~ N(0, τ²σ_T²) under the exact flow of N(0, s²) ends with the std τσ_T·s/√(s² + σ_T²)."""
    s, top, temperature = 0.7, 20.0, 0.6
    d = Gaussian(torch.zeros(1, dtype=F64), torch.tensor([[s**2]], dtype=F64))
    path = descending(grid("log", 500, top, 1e-3, final_zero=False))
    _, cov = exact_law(d, path, RULES["heun"], torch.zeros(1, dtype=F64), temperature * top)
    assert cov.item() ** 0.5 == pytest.approx(temperature * top * s / (s**2 + top**2) ** 0.5, rel=1e-4)
