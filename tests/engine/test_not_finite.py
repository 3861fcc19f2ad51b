"""Values that are no numbers end a run with a sentence that names step and cause; the steps before it stay."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.__main__ import main
from engine.adaptive import FlowError
from engine.errors import NotFiniteError
from engine.flow.bound import draw
from engine.noise import Noise
from engine.paths import descending
from engine.rules import RULES
from engine.run import run
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.spec.request import Request, RequestError
from engine.store import RunReader
from engine.types import Cond, Sigma
from tests.engine.closed_form import NormalModel, normal

LEVELS = (10.0, 5.0, 2.0, 1.0, 0.0)


def failing(below: float, value: float = math.nan) -> Callable[..., Tensor]:
    """The exact denoiser, which answers `value` in one number below a noise level."""

    def d(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        found = normal(x, sigma)
        level = float(sigma) if isinstance(sigma, float | int) else float(sigma.min())
        if level < below:
            found.flatten()[0] = value
        return found

    return d


def request_of(info: ModelInfo, **choices: Any) -> Request:
    request = resolve(Draft.for_model(info, label="round", guidance=1.0, seed=1, batch=2, sampler="ddim"), info)
    return replace(request, sigmas=LEVELS, evaluations=4, **choices)


def session_with(info: ModelInfo, d: Callable[..., Tensor]) -> Session:
    session, model = Session("cpu", [info]), NormalModel(info.sha256)
    model.denoiser = d
    session._models[info.sha256] = model
    return session


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("rule", ["ddim", "ddpm", "heun", "unipc-2", "dpmpp-2m"])
def test_the_loop_ends_in_place_of_the_first_step_that_is_not_finite(rule: str, value: float) -> None:
    x = 10 * Noise([1]).normal(torch.zeros(1, 3, 4, 4))
    walk = run(failing(1.5, value), descending(LEVELS), RULES[rule], x, Noise([1]))
    seen: list[int] = []
    with pytest.raises(NotFiniteError, match=r"^Step [34] of 4 \(σ = [12]\) failed: .*\.$"):
        seen.extend(step.i for step in walk)
    assert seen in ([0, 1], [0, 1, 2])  # Heun sees the level that a step goes to, too


def test_finished_steps_stay_in_the_run_file_and_the_cause_is_named(tiny_model: ModelInfo, tmp_path: Path) -> None:
    session, path = session_with(tiny_model, failing(1.5)), tmp_path / "a.twrun"
    with pytest.raises(NotFiniteError, match="the model returned values that are not numbers: its weights") as told:
        list(session.generate(request_of(tiny_model), path))
    assert (told.value.step, told.value.count, told.value.cause) == (4, 4, "estimate")
    reader = RunReader(path)
    assert (len(reader.steps), reader.ended) == (3, "failed")
    assert all(torch.tensor(reader.next(k)).isfinite().all() for k in range(3))
    whole = [step.move.x for step in session_with(tiny_model, normal).fork(path, 2)]
    assert whole[-1].isfinite().all()  # gone on with by a model that is sound


def test_a_threshold_does_not_hide_infinity(tiny_model: ModelInfo) -> None:
    session = session_with(tiny_model, failing(1.5, math.inf))
    with pytest.raises(NotFiniteError, match="Step 4 of 4"):
        list(session.generate(request_of(tiny_model, threshold="static")))


def test_overflowing_guidance_is_distinguished_from_a_damaged_model(tiny_model: ModelInfo) -> None:
    def large(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        signs = torch.ones(len(x), 1, 1, 1)
        signs[len(x) // 2 :] = -1  # the two halves of a guided batch disagree
        return (normal(x, sigma) * 0 + 3e38) * signs

    session = session_with(tiny_model, large)
    with pytest.raises(NotFiniteError, match="the guidance exceeded the range of numbers: lower the guidance"):
        list(session.generate(request_of(tiny_model, guidance=5.0)))


def test_a_damaged_state_is_distinguished_from_both(tiny_model: ModelInfo) -> None:
    x = torch.full((1, 3, 4, 4), math.nan)
    with pytest.raises(NotFiniteError, match="its first state"):
        next(run(normal, descending(LEVELS), RULES["ddim"], x, Noise([1])))


def test_a_decoder_that_answers_no_numbers_saves_no_black_picture(tiny_model: ModelInfo) -> None:
    session = session_with(tiny_model, normal)
    with pytest.raises(RequestError, match="decoder of “tiny” made values that are no numbers"):
        session.picture(request_of(tiny_model), torch.full((2, 3, 16, 16), math.nan))


def test_the_second_stage_is_held_to_it_too(cascade: ModelInfo) -> None:
    session = Session("cpu", [cascade])
    model = session.load(cascade)
    assert model.second is not None
    broken = replace(model, second=replace(model.second, denoiser=lambda x, s, c=None: x * math.nan))  # type: ignore[type-var]
    session._models[cascade.sha256] = broken
    request = resolve(Draft.for_model(cascade, label="round", seed=1), cascade)
    assert request.enlargement is not None
    with pytest.raises(NotFiniteError, match="Step 1 of 2"):
        session.picture(request, torch.zeros(1, 3, 16, 16))


def test_a_bound_refuses_them() -> None:
    with pytest.raises(FlowError, match="not numbers"):
        list(draw(failing(3.0), torch.zeros(3, 4, 4), LEVELS[:-1], 10.0, Noise([1]), 0))


def test_one_nan_in_the_weights_is_a_sentence_and_no_picture(
    tiny_model: ModelInfo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "nan"
    shutil.copytree(tiny_model.folder, folder)
    weights = load_file(folder / "model.safetensors")
    weights["out.bias"][0] = math.nan
    save_file(weights, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    config["sha256"]["model.safetensors"] = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    (folder / "config.json").write_text(json.dumps(config))
    assert main(["generate", "--model", str(folder), "--class", "round", "--out", str(tmp_path / "o.png")]) == 2
    assert "Step 1 of 5" in capsys.readouterr().err
    assert not (tmp_path / "o.png").exists()
