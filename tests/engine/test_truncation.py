"""Truncation, a bound on x_T: its law, and its place in the settings."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.__main__ import main
from engine.lab.trial import start
from engine.noise import Noise, truncate
from engine.pictures.png import read_settings
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, branch, resolve
from engine.spec.request import Request, RequestError
from tests.engine.lab.test_lab import request as lab_request

F64 = torch.float64


@pytest.mark.parametrize("at", [0.3, 1.0, 2.5])
def test_truncated_numbers_have_the_law_of_redrawing_the_numbers_outside(at: float) -> None:
    """Quantiles are kept: the p-quantile of the normal law becomes the p-quantile of the truncated law."""
    p = torch.linspace(0.001, 0.999, 999, dtype=F64)
    z = torch.special.ndtri(p)
    low = torch.special.ndtr(torch.tensor(-at, dtype=F64))
    expected = torch.special.ndtri(low + p * (1 - 2 * low))
    torch.testing.assert_close(truncate(z, at), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("at", [0.5, 1.5])
def test_truncated_numbers_have_the_deviation_of_a_truncated_normal(at: float) -> None:
    z = Noise([5]).normal(torch.empty(1, 400_000, dtype=F64))
    inside = math.erf(at / math.sqrt(2))
    expected = math.sqrt(1 - 2 * at * math.exp(-(at**2) / 2) / math.sqrt(2 * math.pi) / inside)
    assert truncate(z, at).std().item() == pytest.approx(expected, rel=5e-3)
    kept = z[z.abs() < at]  # the same by drawing again
    assert truncate(z, at).std().item() == pytest.approx(kept.std().item(), rel=1e-2)


def test_a_wide_truncation_changes_nothing_and_none_changes_no_bit() -> None:
    z = Noise([5]).normal(torch.empty(1, 10_000, dtype=F64))
    torch.testing.assert_close(truncate(z, 9.0), z, rtol=1e-6, atol=1e-9)
    assert truncate(z, 0.0) is z
    assert truncate(z.float(), 0.5).dtype == torch.float32
    assert truncate(1e6 * z, 0.5).abs().max() == 0.5


def test_a_seeds_noise_changes_gradually_with_the_truncation() -> None:
    z = Noise([5]).normal(torch.empty(1, 1000, dtype=F64))
    assert (truncate(z, 1.0) - truncate(z, 1.01)).abs().max() < 0.02


def make_request(info: ModelInfo, **choices: Any) -> Request:
    return resolve(Draft.for_model(info, prompt="red apple", seed=3, batch=2, **choices), info)


def test_a_run_starts_from_the_truncated_noise_which_the_temperature_scales(tiny_model: ModelInfo) -> None:
    session = Session("cpu", [tiny_model])
    plain, bound, cool = (
        session.plan(make_request(tiny_model, **choices)).x
        for choices in ({}, {"truncation": 0.7}, {"truncation": 0.7, "temperature": 0.5})
    )
    scale = 81.0  # 1 + σ of a rectified flow
    torch.testing.assert_close(bound, truncate(plain / scale, 0.7) * scale, rtol=1e-4, atol=1e-4)
    assert bound.abs().max() <= 0.7 * scale
    torch.testing.assert_close(cool, bound / 2)


def test_the_labs_chains_start_within_it_too() -> None:
    x, _ = start(replace(lab_request(), truncation=0.4), 1000)
    plain, _ = start(lab_request(), 1000)
    assert x.abs().max() <= 0.4 * lab_request().sigmas[0] < plain.abs().max()


def test_the_truncation_round_trips_between_draft_and_request_and_old_settings_load(tiny_model: ModelInfo) -> None:
    request = make_request(tiny_model, truncation=0.7)
    assert request.truncation == 0.7
    assert Draft.of(request).truncation == 0.7
    assert Request.from_json(request.to_json()) == request
    data = request.to_dict()
    del data["truncation"]
    assert Request.from_dict(data) == replace(request, truncation=0.0)


def test_a_fork_states_the_truncation_of_its_parents_noise(tiny_model: ModelInfo) -> None:
    parent = make_request(tiny_model, truncation=0.7, temperature=0.9)
    draft = replace(Draft.of(parent), truncation=2.0, temperature=1.0)
    request = branch(draft, tiny_model, parent, 2)
    assert (request.truncation, request.temperature) == (0.7, 0.9)


@pytest.mark.parametrize("at", [-1.0, 0.01, 11.0, math.nan])
def test_an_impossible_truncation_is_refused(tiny_model: ModelInfo, at: float) -> None:
    with pytest.raises(RequestError, match="truncation must lie between"):
        make_request(tiny_model, truncation=at)


def test_the_command_line_has_the_truncation(tiny_model: ModelInfo, tmp_path: Path) -> None:
    out = tmp_path / "a.png"
    folder = str(tiny_model.folder)
    assert main(["generate", "x", "--model", folder, "--truncation", "0.5", "--seed", "1", "--out", str(out)]) == 0
    settings = read_settings(out)
    assert settings is not None
    assert settings.truncation == 0.5
