"""The error measure for samplers, and the default sampler that it selects."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

import engine.rules
import engine.schedules
from engine import models
from engine.__main__ import main
from engine.evaluate import few_steps
from engine.evaluate.few_steps import (
    errors,
    grid_within,
    law_errors,
    mixture_problem,
    near_best,
    overall_rms,
    path_of_rule,
    sampling_floor,
    steps_within,
)
from engine.paths import descending
from engine.plan import plan
from engine.rules import RULES, menu
from engine.schedules import grid
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.types import Cond, Sigma
from tests.engine.closed_form import MEAN, VARIANCE, NormalModel, normal

F64 = torch.float64


@pytest.mark.parametrize("to_zero", [False, True])
@pytest.mark.parametrize("name", menu())
def test_a_sampler_of_several_calls_a_step_takes_fewer_steps(name: str, to_zero: bool) -> None:
    rule = RULES[name]
    for n in (1, 2, 5, 8, 10, 12, 20):
        steps = steps_within(rule, n, to_zero)
        if steps == 0:
            assert n < (rule.last_evals if to_zero else rule.evals)
            continue
        assert rule.cost(descending(grid("log", steps, 80.0, 0.002, to_zero))) <= n
        assert rule.cost(descending(grid("log", steps + 1, 80.0, 0.002, to_zero))) > n


def test_the_default_sampler_beats_the_bar_at_ten_counted_evaluations() -> None:
    """The design's bar is .035, measured at σ = .002."""
    problem, calls = mixture_problem(), 0

    def counted(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        nonlocal calls
        calls += 1
        return problem.d(x, sigma)

    rule = RULES[engine.rules.DEFAULT]
    assert not rule.stochastic
    sigmas = grid(engine.schedules.DEFAULT, steps_within(rule, 10, to_zero=False), 80.0, 0.002, final_zero=False)
    assert overall_rms(errors(replace(problem, d=counted), rule, sigmas)) < 0.035
    assert calls <= 10


def test_the_distance_of_laws_is_that_of_the_sorted_samples() -> None:
    """W₂ between two laws on the line (here: the target shifted, scaled by nothing) is the shift."""
    problem = mixture_problem(400)

    def shifted(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        return problem.target.flip(0) + 0.25  # its order does not matter

    moved = replace(problem, d=shifted, to_zero=True)
    assert overall_rms(law_errors(moved, RULES["ddim"], grid("log", 1, 80.0, 0.002))) == pytest.approx(0.25, rel=1e-12)
    assert 0.5 / math.sqrt(400) < sampling_floor(problem) * math.sqrt(2) < 5 / math.sqrt(400)


def test_stochastic_samplers_converge_to_the_law() -> None:
    problem = mixture_problem(1000)
    few, some, many = (
        overall_rms(law_errors(problem, RULES["ddpm"], grid("log", n, 80.0, 0.002, False))) for n in (5, 15, 60)
    )
    assert few > 1.5 * some > 2.25 * many


def test_a_models_flow_is_the_exact_one_from_the_start_of_its_own_runs(tiny_model: ModelInfo) -> None:
    """Of normal pixels: x' = m + (x − m)√((c + σ'²)/(c + σ²)) to the last level, and D there."""
    model = NormalModel(tiny_model.sha256)
    problem, pairs = few_steps.model_problem(tiny_model, model, images=3)
    assert pairs == [("", "round"), ("", "square"), ("", "round")]
    request = resolve(Draft.for_model(tiny_model, batch=3), tiny_model)
    assert torch.equal(problem.x, plan(request, model).x)
    high, low = request.sigmas[0], request.sigmas[-2]
    x = MEAN + (problem.x - MEAN) * ((VARIANCE + low**2) / (VARIANCE + high**2)) ** 0.5
    torch.testing.assert_close(problem.target, normal(x, low), rtol=0, atol=2e-5)
    coarse, fine = (overall_rms(errors(problem, RULES["ddim"], problem.grid("log", n))) for n in (20, 40))
    assert coarse / fine == pytest.approx(2, abs=0.2)


def test_near_best_holds_trials_within_two_standard_errors() -> None:
    """Squared errors 1, 1, 1, 1 against 1.1 ± .1 (within two standard errors of it) and against 1.1 ± .001."""
    best, noise = torch.ones(4, dtype=F64), torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=F64)
    trials = {"best": best, "noisy": (1.1 + 0.1 * noise).sqrt(), "worse": (1.1 + 0.001 * noise).sqrt()}
    assert near_best(trials) == ["best", "noisy"]
    assert near_best({name: e[:1] for name, e in trials.items()}) == ["best"]  # one picture tells nothing of noise


def test_bench_names_the_samplers_within_noise_of_the_best(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--images", "2", "--evaluations", "1", "2", "--reference", "8"]
    assert main(["bench", "samplers", "--model", "fashion", "--samplers", "ddim", "heun", *few]) == 0
    said = capsys.readouterr().out
    assert "over these 2 pictures" in said
    one, two = (line for line in said.splitlines() if "calls: " in line)
    assert "1 calls: ddim karras" in one
    assert two.startswith("   2 calls: ")


def test_guidance_is_part_of_a_models_flow(tiny_model: ModelInfo) -> None:
    model = models.load(tiny_model, torch.device("cpu"))
    plain, own = (few_steps.model_problem(tiny_model, model, 1, guidance, evaluations=5)[0] for guidance in (1.0, None))
    assert overall_rms(plain.target - own.target) > 0.1


def test_bench_prints_the_table_and_its_rows_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "samplers", "--evaluations", "4", "10", "--samplers", "ipndm-4", "heun", "pc-hmc"]
    assert main([*words, "--spacings", "log", "learned"]) == 0
    lines = capsys.readouterr().out.splitlines()
    table = {tuple(line.split()[:2]): line.split()[2:] for line in lines if line.startswith(("ipndm", "heun"))}
    assert table["ipndm-4", "log"][1] == "0.0354"
    assert float(table["ipndm-4", "learned"][1]) < 0.02
    assert float(table["heun", "log"][1]) > float(table["heun", "learned"][1])
    assert sum(line.startswith("pc-hmc *") for line in lines) == 1
    assert "stochastic" in lines[-1]
    assert main([*words, "--spacings", "log", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0]["sampler"] == "ipndm-4"
    assert rows[0]["error"]["10"] == pytest.approx(0.0354, abs=5e-5)
    assert rows[2]["error"]["4"] is not None
    assert main(["bench", "samplers", "--evaluations", "3", "--samplers", "pc-hmc", "--spacings", "log"]) == 0
    assert "–" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["samplers", "--model", "bogus"], "no model “bogus”"),
        (["samplers", "--evaluations", "0"], "1 model call or more"),
        (["samplers", "--model", "emoji", "--spacings", "learned"], "on the mixture only"),
        (["samplers", "--images", "0"], "1 picture or more"),
        (["engine", "--pairs", "0"], "1 pair or more"),
    ],
)
def test_an_impossible_measurement_raises_one_sentence(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *words]) == 2
    assert says in capsys.readouterr().err


def test_restart_is_measured_on_its_own_path_within_the_calls() -> None:
    """Its default goes back up once and down again over 9 steps, each of two calls."""
    problem, rule = mixture_problem(400), RULES["restart"]
    found = grid_within(problem, rule, "log", 40)
    assert found is not None
    assert len(found) - 1 == (40 - 18) // 2
    assert rule.cost(path_of_rule(rule, found)) == 40
    assert grid_within(problem, rule, "log", 12) is None
    floor = sampling_floor(problem)
    long = grid_within(problem, rule, "log", 100)
    assert long is not None
    assert overall_rms(law_errors(problem, rule, long)) < 2 * floor
