"""`bench engine` compares equal work. No test asserts a time, only that both sides do the same."""

from __future__ import annotations

import json

import pytest
import torch

from engine import models
from engine.__main__ import main
from engine.evaluate import overhead
from engine.evaluate.overhead import Clock, Setting, against_bare_net, against_diffusers
from engine.spec.catalog import ModelInfo


@pytest.fixture
def setting(tiny_model: ModelInfo) -> Setting:
    return Setting(tiny_model, models.load(tiny_model, torch.device("cpu")), batch=2, steps=5)


def test_the_bare_net_makes_exactly_the_calls_of_the_run(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[torch.Tensor, ...]] = []
    net = setting.model.denoiser.net  # type: ignore[attr-defined]
    forward = net.forward

    def watched(*args: torch.Tensor) -> torch.Tensor:
        asked.append(args)
        return forward(*args)

    monkeypatch.setattr(net, "forward", watched)
    added = against_bare_net(setting, pairs=1)
    assert added.ratio > 0
    assert added.outside > 0
    warm, bare, whole = asked[:5], asked[5:10], asked[10:]
    assert len(whole) == 5
    for a, b, c in zip(warm, bare, whole, strict=True):
        assert torch.equal(a[0], b[0])
        assert torch.equal(a[0], c[0])
        assert len(a[0]) == 4  # both conditions of two pictures in one call


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", overhead.SCHEDULERS)
def test_diffusers_loop_makes_the_same_pictures(name: str, setting: Setting) -> None:
    pytest.importorskip("diffusers")
    found = against_diffusers(setting, name, pairs=1)
    assert found.difference < 1e-2, "float32 alone makes 1e-4; another rule makes 20"
    assert min(found.ratio, found.ours, found.theirs) > 0


def test_numbers_of_steps_that_diffusers_ddim_cannot_space_are_refused(setting: Setting) -> None:
    pytest.importorskip("diffusers")
    odd = Setting(setting.info, setting.model, 1, 7)
    with pytest.raises(ValueError, match="divides 1000"):
        against_diffusers(odd, "DDIM", pairs=1)


def test_a_clock_counts_only_the_time_of_the_net() -> None:
    clock = Clock(lambda x: x + 1)
    assert clock(torch.ones(1)).item() == 2
    assert (clock.calls, clock.inputs) == (1, [])
    assert 0 < clock.seconds < 1


def test_without_diffusers_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(overhead, "find_spec", lambda name: None)
    assert main(["bench", "engine", "--pairs", "1", "--steps", "1"]) == 2
    said = capsys.readouterr()
    assert "over the same calls of the bare net" in said.out
    assert 'pip install "diffusers>=0.35"' in said.err


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_figures_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("diffusers")
    assert main(["bench", "engine", "--pairs", "1", "--steps", "2", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == {"bare net", "DDIM", "DPM-Solver++ 2M"}
    assert figures["DDIM"]["difference"] < 1e-3
