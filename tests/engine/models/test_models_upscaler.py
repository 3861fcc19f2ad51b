"""The cascade's second stage: what it is given, how far it looks, and that its training asks the right thing of it."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from engine.models.upscaler import Upscaler
from engine.train.cascade import LEVELS, Enlarging
from engine.train.data import Captioned, Drop
from engine.train.loop import Config, DenoiserTraining, train
from engine.train.sheets import EnlargedSheet
from engine.types import Cond


def net(noisy: bool = True) -> Upscaler:
    torch.manual_seed(0)
    made = Upscaler(side=16, factor=4, width=16, depth=2, labels=2)
    if noisy:  # zero weights at the start would hide whatever they multiply
        for p in made.parameters():
            p.data.add_(0.1 * torch.randn_like(p))
    return made


def squares(count: int = 6) -> Captioned:
    """Pictures of one colour on the left and another on the right; the edge runs through the middle of a cell."""
    generator = torch.Generator().manual_seed(1)
    halves = torch.randint(0, 256, (count, 3, 1, 2), generator=generator, dtype=torch.uint8)
    return Captioned(
        pictures=halves.repeat_interleave(torch.tensor([6, 10]), 3).repeat_interleave(16, 2),
        label=torch.arange(count) % 2,
        weight=torch.ones(count),
        labels=("warm", "cold"),
    )


def given(size: int = 2) -> Cond:
    generator = torch.Generator().manual_seed(2)
    return Cond(
        image=torch.randn(size, 3, 4, 4, generator=generator),
        level=torch.full((size,), 0.3),
        label=torch.zeros(size, dtype=torch.int64),
    )


def test_untrained_it_is_the_small_picture_drawn_large() -> None:
    plain = torch.rand(2, 3, 1, 1).expand(2, 3, 4, 4)
    cond = Cond(image=plain, level=torch.full((2,), 0.3), label=torch.zeros(2, dtype=torch.int64))
    out = net(noisy=False)(torch.randn(2, 3, 16, 16), torch.full((2,), 0.5), cond)
    torch.testing.assert_close(out, F.interpolate(plain / (1 + 0.3**2), scale_factor=4.0))


@pytest.mark.parametrize("changed", ["image", "level", "label"])
def test_it_looks_at_all_of_its_condition(changed: str) -> None:
    model, x, t, cond = net(), torch.randn(2, 3, 16, 16), torch.full((2,), 0.5), given()
    other: dict[str, Tensor | None] = {name: getattr(cond, name) for name in ("image", "level", "label")}
    value = other[changed]
    assert value is not None
    other[changed] = value + 1
    assert (model(x, t, cond) - model(x, t, Cond(**other))).abs().max() > 1e-4


def test_one_condition_serves_a_batch() -> None:
    model, x, t = net(), torch.randn(1, 3, 16, 16).repeat(3, 1, 1, 1), torch.full((3,), 0.5)
    one = model(x, t, given(1))
    torch.testing.assert_close(one[0], one[2])


def test_a_missing_condition_is_named() -> None:
    with pytest.raises(ValueError, match="a small picture, the level of the noise in it and a label"):
        net()(torch.zeros(1, 3, 16, 16), torch.zeros(1), Cond(label=torch.zeros(1, dtype=torch.int64)))


def test_the_small_picture_has_noise_of_the_given_level() -> None:
    data = Enlarging(squares(), 4)
    x0, cond = data.batch(4000, Drop(0, 0, 0), torch.Generator().manual_seed(3))
    assert cond.image is not None
    assert cond.level is not None
    noise = (cond.image - F.interpolate(x0, scale_factor=0.25, mode="area")) / cond.level.view(-1, 1, 1, 1)
    assert noise.std().item() == pytest.approx(1, abs=0.01)
    assert LEVELS[0] <= cond.level.min() < 1.2 * LEVELS[0]
    assert 0.8 * LEVELS[1] < cond.level.max() <= LEVELS[1]
    assert cond.level.log().mean().item() == pytest.approx(torch.tensor(LEVELS).log().mean().item(), abs=0.06)


def test_it_learns_edges_that_enlarging_blurs(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, data = Upscaler(side=16, factor=4, width=32, depth=2, labels=2), Enlarging(squares(2), 4)
    blurred = copy.deepcopy(model)  # untrained: the small picture, drawn large smoothly
    run = DenoiserTraining(model, data, Config(steps=400, batch=8, warm=5, lr=5e-3), model.predict)
    list(run.steps())
    model.load_state_dict(run.average)
    x0, cond = data.batch(32, Drop(0, 0, 0), torch.Generator().manual_seed(4))
    cond = replace(cond, image=F.interpolate(x0, scale_factor=0.25, mode="area"), level=torch.full((32,), LEVELS[0]))
    x, t = 0.1 * x0 + 0.9 * torch.randn(x0.shape, generator=torch.Generator().manual_seed(5)), torch.full((32,), 0.9)
    error = [(each(x, t, cond) - x0).square().mean().item() for each in (model, blurred)]
    assert error[0] < 0.3 * error[1]
    EnlargedSheet(model, data, columns=3)(run.average, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (3 * 16, 3 * 16)


@pytest.mark.usefixtures("two_threads")
def test_its_run_resumes_like_any_other(tmp_path: Path) -> None:
    def begin(steps: int) -> DenoiserTraining:
        model = net(noisy=False)
        return DenoiserTraining(
            model, Enlarging(squares(), 4), Config(steps=steps, batch=4, warm=2, fall=1e-9), model.predict
        )

    whole = begin(6)
    list(whole.steps())
    train(begin(3), tmp_path)
    resumed = begin(6)
    train(resumed, tmp_path)
    assert all(torch.equal(whole.average[name], resumed.average[name]) for name in whole.average)
