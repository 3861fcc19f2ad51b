"""--sampler and --spacing read the names of other studios."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from engine.commands.flags import add_sampling, draft_of
from engine.spec.catalog import ModelInfo
from engine.spec.request import RequestError


def chosen(info: ModelInfo, *flags: str) -> Any:
    parser = argparse.ArgumentParser()
    parser.add_argument("prompt", nargs="?", default="")
    add_sampling(parser)
    draft = draft_of(parser.parse_args(flags), info)
    return draft.sampler, draft.options, draft.spacing


def test_a_samplers_name_brings_its_grid_and_options(tiny_model: ModelInfo) -> None:
    own = tiny_model.defaults["spacing"]
    assert chosen(tiny_model) == (tiny_model.defaults["sampler"], (), own)
    assert chosen(tiny_model, "--sampler", "dpm++ 2m karras") == ("dpmpp-2m", (), "karras")
    assert chosen(tiny_model, "--sampler", "k_dpm_2_a") == ("dpm-2-a", (), own)
    assert chosen(tiny_model, "--sampler", "dpmpp_2s") == ("dpmpp-2s-a", (("eta", 0.0),), own)


@pytest.mark.parametrize("flags", [("--spacing", "SGM Uniform"), ("--spacing", "sgm_uniform")])
def test_an_explicit_spacing_wins_wherever_it_stands(flags: tuple[str, ...], tiny_model: ModelInfo) -> None:
    sampler = ("--sampler", "Euler a Karras")
    assert chosen(tiny_model, *flags, *sampler) == ("ddpm", (), "sgm-uniform")
    assert chosen(tiny_model, *sampler, *flags) == ("ddpm", (), "sgm-uniform")


def test_an_unknown_name_is_refused(tiny_model: ModelInfo) -> None:
    with pytest.raises(RequestError, match=r"There is no sampler “eulerr”.*Did you mean ddim"):
        chosen(tiny_model, "--sampler", "eulerr")
    with pytest.raises(RequestError, match="There is no spacing “karas”"):
        chosen(tiny_model, "--spacing", "karas")
