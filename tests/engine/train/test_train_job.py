"""`train` and `data build` from end to end: a person's own pictures become a model that the studio opens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from engine import models
from engine.__main__ import main
from engine.models.net import PatchTransformer
from engine.models.upscaler import Upscaler
from engine.models.widening import widen_weights
from engine.spec.catalog import read_model
from engine.train.job import warm_start
from engine.types import Cond, Said


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A data set of two pictures, built by the command line."""
    for label, colour in (("fire", "red"), ("water", "blue")):
        (tmp_path / "own" / label).mkdir(parents=True)
        Image.new("RGB", (40, 40), colour).save(tmp_path / "own" / label / "one.png")
        (tmp_path / "own" / label / "one.txt").write_text(f"a {colour} square\n{colour}\n")
    assert main(["data", "build", str(tmp_path / "own"), "--out", str(tmp_path / "set")]) == 0
    return tmp_path / "set"


def test_ones_own_pictures_become_a_model(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, made = tmp_path / "run", tmp_path / "model"
    options = ["train", str(built), "--out", str(out), "--batch", "2", "--export", str(made)]
    options += ["--width", "48", "--depth", "2"]
    assert main([*options, "--steps", "1"]) == 0
    assert "is a model that the studio opens" in capsys.readouterr().err
    info = read_model(made)
    assert (info.id, info.title, info.labels, info.label_kind) == ("own", "Own", ("fire", "water"), "class")
    assert info.examples == ("a blue square", "a red square")
    assert (made / "words.txt").read_text().split("\n")[:3] == ["a", "a blue square", "a red square"]
    model = models.load(info, torch.device("cpu"))
    assert model.denoiser(torch.randn(1, 3, 32, 32), 2.0, model.condition(Said("red", "fire"))).isfinite().all()
    with Image.open(out / "sheet-00001.png") as sheet:
        assert sheet.size == (2 * 64, 2 * 64)  # two prompts, two classes

    assert main([*options, "--steps", "2"]) == 0  # goes on
    steps = [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()]
    assert steps == [1, 2]


def test_what_was_not_built_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(tmp_path / "nothing"), "--out", str(tmp_path / "run"), "--steps", "1"]) == 2
    assert "is no data set: build one with `data build`" in capsys.readouterr().err
    assert main(["data", "build", str(tmp_path), "--out", str(tmp_path / "set")]) == 2
    assert "There are no pictures in" in capsys.readouterr().err


def test_a_warm_start_loads_the_fitting_arrays() -> None:
    torch.manual_seed(0)
    old = PatchTransformer(side=8, width=32, depth=1, head=16, text_length=3, text_width=6, labels=2, detail=0)
    new = PatchTransformer(side=8, width=32, depth=2, head=16, text_length=5, text_width=6, labels=2, detail=4)
    tail = new.tpos[:, 3:].clone()
    weights = old.state_dict() | {"pos": torch.zeros(1, 4, 64)}  # twice as wide: does not fit
    kept = new.pos.clone()
    assert warm_start(new, weights) == len(weights) - 1
    assert torch.equal(new.inp.weight, old.inp.weight)
    assert torch.equal(new.tpos[:, :3], old.tpos)
    assert torch.equal(new.tpos[:, 3:], tail)
    assert torch.equal(new.pos, kept)


@pytest.mark.parametrize("detail", [0, 4])
def test_weights_of_a_colour_net_start_a_net_with_alpha_that_draws_the_same_colours(detail: int) -> None:
    shape = {"side": 8, "width": 32, "depth": 1, "head": 16, "text_length": 0, "labels": 2, "detail": detail}
    torch.manual_seed(0)
    old, new = PatchTransformer(channels=3, **shape), PatchTransformer(channels=4, **shape)
    for parameter in old.parameters():  # also of what begins at zero
        torch.nn.init.normal_(parameter, std=0.1)
    weights = widen_weights(old.state_dict(), new.by_channel(), 4)
    assert warm_start(new, weights) == len(new.state_dict())
    x, t, cond = torch.randn(2, 4, 8, 8), torch.rand(2), Cond(label=torch.tensor([0, 2]))
    seen = new(x, t, cond)
    torch.testing.assert_close(seen[:, :3], old(x[:, :3], t, cond))
    assert seen[:, 3].abs().max() == 0
    seen.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in new.parameters())


def test_weights_of_a_second_stage_of_colours_begin_one_with_alpha() -> None:
    torch.manual_seed(0)
    old, new = (Upscaler(side=8, factor=2, channels=c, width=8, depth=1, labels=1) for c in (3, 4))
    for parameter in old.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    assert warm_start(new, widen_weights(old.state_dict(), new.by_channel(), 4)) == len(new.state_dict())
    x, small, t = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 4, 4), torch.rand(1)
    cond = Cond(image=small, level=torch.tensor([0.1]), label=torch.tensor([0]))
    fewer = Cond(image=small[:, :3], level=cond.level, label=cond.label)
    torch.testing.assert_close(new(x, t, cond)[:, :3], old(x[:, :3], t, fewer))


def test_weights_that_have_the_channels_stay_as_they_are() -> None:
    net = Upscaler(side=8, factor=2, channels=4, width=8, depth=1, labels=1)
    kept = widen_weights(net.state_dict(), net.by_channel(), 4)
    assert all(torch.equal(kept[name], value) for name, value in net.state_dict().items())
