"""A training run: it learns, repeats itself bit for bit, and goes on from a checkpoint as if nothing had happened."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.models.net import PatchTransformer
from engine.train.data import Captioned, Captions, Drop
from engine.train.loop import Config, DenoiserTraining, train
from engine.train.muon import Muon, orthogonal_half, orthogonalise
from engine.train.sheets import tile

pytestmark = pytest.mark.usefixtures("two_threads")


def tiny_net() -> PatchTransformer:
    torch.manual_seed(1)
    return PatchTransformer(
        side=8, patch=4, width=32, depth=2, head=16, text_length=4, text_width=6, labels=2, detail=4
    )


def tiny_data() -> Captioned:
    """Four plain pictures, two of either class, each with two captions."""
    generator = torch.Generator().manual_seed(2)
    colours = torch.randint(0, 256, (4, 3, 1, 1), generator=generator, dtype=torch.uint8)
    tokens = torch.randn(9, 4, 6, generator=generator).half()
    return Captioned(
        pictures=colours.expand(4, 3, 8, 8).contiguous(),
        label=torch.tensor([0, 0, 1, 1]),
        weight=torch.ones(4),
        labels=("warm", "cold"),
        captions=Captions(torch.arange(8).view(4, 2), tokens, torch.ones(9, 4, dtype=torch.bool)),
    )


def tiny_run(steps: int, **changes: float | str) -> DenoiserTraining:
    net = tiny_net()
    config = Config(steps=steps, batch=8, warm=5, **changes)  # type: ignore[arg-type]
    return DenoiserTraining(net, tiny_data(), config, net.predict)


def finish(run: DenoiserTraining) -> list[float]:
    return [report.loss for report in run.steps()]


def test_it_learns() -> None:
    losses = finish(tiny_run(120))
    assert losses[-1] < 0.35 * losses[0]


def test_the_same_run_twice_gives_the_same_weights_bit_for_bit() -> None:
    a, b = tiny_run(6), tiny_run(6)
    assert finish(a) == finish(b)
    for name, value in a.net.state_dict().items():
        assert torch.equal(value, b.net.state_dict()[name]), name


def test_a_loss_that_is_no_number_ends_the_training_before_it_reaches_the_weights() -> None:
    run = tiny_run(4)
    with torch.no_grad():
        next(iter(run.net.parameters())).fill_(torch.nan)
    before = {name: value.clone() for name, value in run.average.items()}
    with pytest.raises(ValueError, match=r"^Step 1 failed: the loss is no number\. .* take a lower rate"):
        finish(run)
    assert run.step == 0
    assert all(torch.equal(before[name], value) for name, value in run.average.items())


def test_a_run_resumed_from_a_checkpoint_is_the_run_that_was_not_interrupted(tmp_path: Path) -> None:
    whole = tiny_run(7)
    finish(whole)
    broken = tiny_run(7)
    for _ in itertools.islice(broken.steps(), 3):
        pass
    broken.save(tmp_path / "checkpoint.pt")
    resumed = tiny_run(7)
    resumed.resume(tmp_path / "checkpoint.pt")
    finish(resumed)
    assert resumed.step == 7
    assert resumed.mean == whole.mean
    for name, value in whole.average.items():
        assert torch.equal(value, resumed.average[name]), name


def test_a_run_is_kept_logged_and_drawn_and_not_begun_again(tmp_path: Path) -> None:
    drawn: list[Path] = []

    def sheet(weights: dict[str, Tensor], path: Path) -> None:
        assert weights.keys() == tiny_net().state_dict().keys()
        drawn.append(path)

    train(tiny_run(22), tmp_path, sheet)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [20, 22]
    assert lines[-1]["samples"] == 22 * 8
    assert lines[-1]["eta"] == 0
    assert [path.name for path in drawn] == ["sheet-00022.png"]
    again = tiny_run(22)
    train(again, tmp_path, sheet)
    assert again.step == 22
    assert len(drawn) == 1


def test_a_run_without_a_length_is_refused() -> None:
    net = tiny_net()
    with pytest.raises(ValueError, match="needs a length"):
        next(DenoiserTraining(net, tiny_data(), Config(), net.predict).steps())


def test_the_learning_rate_rises_stays_and_falls_to_nothing() -> None:
    config = Config(steps=1000, warm=100, fall=0.45)
    assert config.rate(0.0, 0) == pytest.approx(0.01)
    assert config.rate(0.05, 49) == pytest.approx(0.5)
    assert config.rate(0.5, 500) == 1
    assert config.rate(0.775, 775) == pytest.approx(0.5)
    assert config.rate(1.0, 1000) == 0


def test_every_branch_of_guidance_is_trained_at_its_rate() -> None:
    text, label = Drop(both=0.15, text_alone=0.1, label_alone=0.1)(100_000, torch.Generator().manual_seed(3))
    for found, share in [(text & label, 0.15), (label & ~text, 0.1), (text & ~label, 0.1), (~text & ~label, 0.65)]:
        assert found.double().mean().item() == pytest.approx(share, abs=0.005)


def test_a_dropped_condition_is_the_empty_text_and_the_class_past_the_last() -> None:
    data = tiny_data()
    _, cond = data.batch(5, Drop(both=1, text_alone=0, label_alone=0), torch.Generator().manual_seed(4))
    assert cond.tokens is not None
    assert cond.label is not None
    assert data.captions is not None
    assert torch.equal(cond.tokens, data.captions.tokens[-1:].float().expand(5, -1, -1))
    assert cond.label.tolist() == [2] * 5


def test_a_caption_is_always_one_of_its_pictures_own() -> None:
    data = tiny_data()
    pictures, cond = data.batch(64, Drop(0, 0, 0), torch.Generator().manual_seed(5))
    assert cond.tokens is not None
    assert data.captions is not None
    own = data.captions
    for picture, tokens in zip(pictures, cond.tokens, strict=True):
        (which,) = (k for k in range(4) if torch.equal(data.pictures[k].float() / 127.5 - 1, picture))
        assert any(torch.equal(own.tokens[c].float(), tokens) for c in own.caption[which])


def test_a_picture_is_drawn_as_often_as_its_weight_says() -> None:
    data = replace(tiny_data(), weight=torch.tensor([0.0, 3.0, 1.0, 0.0]))
    pictures, _ = data.batch(2000, Drop(), torch.Generator().manual_seed(6))
    often = [(pictures == data.pictures[k].float() / 127.5 - 1).all(-1).all(-1).all(-1).sum().item() for k in range(4)]
    assert often[0] == often[3] == 0
    assert 0.7 < often[1] / 2000 < 0.8


def test_only_matrix_products_use_bfloat16() -> None:
    plain, half = tiny_run(30), tiny_run(30, precision="bfloat16")
    a, b = finish(plain), finish(half)
    assert a != b
    assert b[-1] == pytest.approx(a[-1], rel=0.1)
    assert {value.dtype for value in half.net.state_dict().values()} == {torch.float32}


def test_a_resumed_training_keeps_its_precision(tmp_path: Path) -> None:
    begun = tiny_run(4, precision="bfloat16")
    begun.save(tmp_path / "checkpoint.pt")
    resumed = tiny_run(4, precision="float32")
    resumed.resume(tmp_path / "checkpoint.pt")
    assert resumed.config.precision == "bfloat16"


@pytest.mark.parametrize("shape", [(3, 8, 20), (3, 20, 8), (2, 8, 8)])
@pytest.mark.parametrize(("by", "error"), [(orthogonalise, 1e-4), (orthogonal_half, 0.03)])
def test_orthogonalising_keeps_singular_vectors_and_evens_singular_values(
    shape: tuple[int, ...], by: Callable[[torch.Tensor], torch.Tensor], error: float
) -> None:
    generator = torch.Generator().manual_seed(6)
    u, _, v = torch.linalg.svd(torch.randn(shape, generator=generator), full_matrices=False)
    values = torch.linspace(1, 0.2, min(shape[1:]))
    found = u.mT @ by(u @ torch.diag(values) @ v) @ v.mT
    diagonal = found.diagonal(dim1=1, dim2=2)
    assert (found - torch.diag_embed(diagonal)).abs().max() < error
    assert diagonal.min() > 0.65
    assert diagonal.max() < 1.25


def test_muon_steps_are_of_the_size_of_adams() -> None:
    """Root mean square 0.2·lr, whatever the size of the gradient: Liu et al., "Muon is scalable" (2025)."""
    p = torch.nn.Parameter(torch.zeros(16, 48))
    p.grad = 1e-6 * torch.randn(p.shape, generator=torch.Generator().manual_seed(8))
    Muon([p], lr=0.01, weight_decay=0).step()
    assert p.detach().square().mean().sqrt().item() == pytest.approx(0.2 * 0.01, rel=0.15)


def test_a_sheet_shows_its_pictures_row_by_row() -> None:
    pictures = torch.tensor([-1.0, 0.0, 1.0, -1.0]).view(4, 1, 1, 1).expand(4, 3, 2, 2)
    sheet = tile(pictures, columns=2, zoom=3)
    assert isinstance(sheet, Image.Image)
    assert sheet.size == (12, 12)
    assert [sheet.getpixel(at)[0] for at in [(0, 0), (11, 0), (0, 11), (11, 11)]] == [0, 128, 255, 0]  # type: ignore[index]
