"""Contrastive training: its loss is open_clip's, its batches hold no name twice, its runs repeat and resume."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from engine.__main__ import main
from engine.evaluate.dataset_pictures import RealPictures
from engine.evaluate.retrieval import report_lines, zero_shot
from engine.models import load as load_model
from engine.models.clip import assemble, load
from engine.models.clip_model import open_clip
from engine.models.towers import Towers
from engine.train.contrastive import Aligned, ContrastiveConfig, ContrastiveRun, contrastive_loss
from engine.train.contrastive_job import ContrastiveJob, export_clip
from engine.train.estimates import estimates
from engine.train.views import cut
from tests.engine.conftest import CLIP_SHAPE

pytestmark = pytest.mark.usefixtures("two_threads")


def unit(seed: int, size: int = 6) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(size, 8, generator=generator, dtype=torch.float64), dim=1)


def test_the_loss_is_open_clips_in_value_and_in_gradient() -> None:
    theirs = open_clip().loss.ClipLoss()
    both = []
    for loss in (contrastive_loss, theirs):
        image, text = unit(1).requires_grad_(), unit(2).requires_grad_()
        scale = torch.tensor(14.0, dtype=torch.float64, requires_grad=True)
        value = loss(image, text, scale)
        both.append((value.detach(), *torch.autograd.grad(value, (image, text, scale))))
    for own, other in zip(*both, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-12, atol=1e-12)


def test_pairs_of_one_name_share_the_target() -> None:
    image, text, scale = unit(3), unit(4), torch.tensor(5.0, dtype=torch.float64)
    alone = torch.eye(6, dtype=torch.bool)
    torch.testing.assert_close(contrastive_loss(image, text, scale, alone), contrastive_loss(image, text, scale))
    same = alone.clone()
    same[0, 1] = same[1, 0] = True
    shared = contrastive_loss(image, text, scale, same)
    swapped = [1, 0, 2, 3, 4, 5]
    torch.testing.assert_close(shared, contrastive_loss(image, text[swapped], scale, same))
    plain, crossed = (contrastive_loss(image, some, scale) for some in (text, text[swapped]))
    torch.testing.assert_close(shared, (plain + crossed) / 2)


def tiny_data(names: int = 6, each: int = 3) -> Aligned:
    """Plain pictures, one colour a name, and two texts for each name."""
    generator = torch.Generator().manual_seed(2)
    colours = torch.randint(0, 256, (names, 3, 1, 1), generator=generator, dtype=torch.uint8).repeat_interleave(each, 0)
    name = torch.arange(names).repeat_interleave(each)
    return Aligned(
        pictures=colours.expand(-1, 3, 16, 16).contiguous(),
        name=name,
        weight=torch.ones(len(name)),
        caption=torch.stack([2 * name, 2 * name + 1], 1),
        states=torch.randn(2 * names, 384, generator=generator).half(),
        estimates=torch.empty(len(name), 0, 3, 16, 16, dtype=torch.uint8),
    )


def tiny_run(steps: int, noisy: bool = False, data: Aligned | None = None, **changes: Any) -> ContrastiveRun:
    torch.manual_seed(1)
    towers = Towers(assemble(CLIP_SHAPE).visual, 384, noisy)
    config = ContrastiveConfig(steps=steps, batch=8, warm=5, **changes)
    return ContrastiveRun(towers, tiny_data() if data is None else data, config, towers)


def finish(run: ContrastiveRun) -> list[float]:
    return [report.loss for report in run.steps()]


def test_a_batch_has_no_name_twice_and_every_name_takes_its_turn() -> None:
    data = tiny_data()
    pictures, states, same = data.batch(4, 0.0, "apart", torch.Generator().manual_seed(3))
    assert pictures.shape == (4, 3, 16, 16)
    assert states.shape == (4, 384)
    assert torch.equal(same, torch.eye(4, dtype=torch.bool))
    pictures, _, same = data.batch(100, 0.0, "apart", torch.Generator().manual_seed(3))
    assert len(pictures) == 6  # there are no more names
    assert torch.equal(same, torch.eye(6, dtype=torch.bool))
    _, _, same = data.batch(12, 0.0, "shared", torch.Generator().manual_seed(3))
    assert same.sum() > 12
    assert torch.equal(same, same.T)


def test_a_picture_comes_with_a_caption_of_its_own_as_often_as_its_weight_says() -> None:
    data = tiny_data(each=1)
    data = replace(data, weight=torch.tensor([3.0, 1.0, 1.0, 1.0, 0.0, 0.0]))
    often = torch.zeros(6)
    for k in range(1200):
        pictures, states, _ = data.batch(1, 0.0, "apart", torch.Generator().manual_seed(k))
        (row,) = (k for k in range(6) if torch.equal(data.pictures[k].float() / 127.5 - 1, pictures[0]))
        assert any(torch.equal(data.states[c].float(), states[0]) for c in data.caption[row])
        often[row] += 1
    assert often[4:].sum() == 0
    assert 0.45 < often[0] / 1200 < 0.55


def test_the_chosen_share_of_pictures_is_estimates() -> None:
    data = tiny_data(each=1)
    marked = torch.stack([255 - data.pictures, 254 - data.pictures], 1)
    data = replace(data, estimates=marked)
    seen = 0
    for k in range(100):
        pictures, _, _ = data.batch(6, 0.3, "apart", torch.Generator().manual_seed(k))
        seen += sum(bool((marked.float() / 127.5 - 1 == p).flatten(2).all(2).any()) for p in pictures)
    assert 0.24 < seen / 600 < 0.36


@pytest.mark.parametrize("changes", [{}, {"robust": 0.5}, {"repeats": "shared"}, {"noisy": True, "level": -3.0}])
def test_it_learns_and_repeats_itself_bit_for_bit(changes: dict[str, Any]) -> None:
    run = tiny_run(30, **changes)
    losses = finish(run)
    assert losses[-1] < 0.9 * losses[0]
    again = tiny_run(30, **changes)
    assert finish(again) == losses
    for name, value in run.average.items():
        assert torch.equal(value, again.average[name]), name


def test_a_run_resumed_from_a_checkpoint_is_the_run_that_was_not_interrupted(tmp_path: Path) -> None:
    whole, broken = (tiny_run(7, robust=0.3) for _ in range(2))
    finish(whole)
    for _ in itertools.islice(broken.steps(), 3):
        pass
    broken.save(tmp_path / "checkpoint.pt")
    resumed = tiny_run(7, robust=0.3)
    resumed.resume(tmp_path / "checkpoint.pt")
    finish(resumed)
    assert resumed.mean == whole.mean
    for name, value in whole.average.items():
        assert torch.equal(value, resumed.average[name]), name


def test_perturbing_raises_the_loss_within_its_radius() -> None:
    run = tiny_run(1, robust=0.7)
    pictures, states, _ = run.data.batch(6, 0.0, "apart", torch.Generator().manual_seed(3))
    moved = run.perturb(pictures.clone(), states, None, None, torch.Generator().manual_seed(4))
    assert ((moved - pictures).flatten(1).norm(dim=1) <= 0.7 + 1e-5).all()
    with torch.no_grad():
        assert run.pair(moved, states, None, None) > run.pair(pictures, states, None, None)


def test_views_are_repeated_by_their_seed_and_are_never_mirrored() -> None:
    ramp = torch.linspace(-1, 1, 32).expand(8, 3, 32, 32).contiguous()
    some = cut(ramp, torch.Generator().manual_seed(1))
    assert torch.equal(some, cut(ramp, torch.Generator().manual_seed(1)))
    assert not torch.equal(some, cut(ramp, torch.Generator().manual_seed(2)))
    assert (some[..., 24:].mean((1, 2, 3)) > some[..., :8].mean((1, 2, 3))).all()


def test_estimates_are_the_denoisers_and_have_the_chosen_number(tiny_model: Any) -> None:
    model = load_model(tiny_model, torch.device("cpu"))
    pictures = torch.randint(0, 256, (3, 3, 16, 16), generator=torch.Generator().manual_seed(5), dtype=torch.uint8)
    made = estimates(model, pictures, torch.tensor([0, 1, 2]), 2, seed=7)
    assert made.shape == (3, 2, 3, 16, 16)
    assert made.dtype == torch.uint8
    assert torch.equal(made, estimates(model, pictures, torch.tensor([0, 1, 2]), 2, seed=7))
    assert not torch.equal(made[:, 0], made[:, 1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set of the studio's: six colours in three shades each, one of them held out."""
    generator = np.random.default_rng(0)
    colours = np.array([[220, 30, 30], [30, 200, 40], [30, 40, 220], [230, 220, 40], [20, 20, 20], [240, 240, 240]])
    names = ["red", "green", "blue", "yellow", "black", "white"]
    shades = (colours[:, None] + generator.integers(-12, 12, (6, 3, 3))).clip(0, 255).astype(np.uint8).reshape(18, 3)
    data = tmp_path / "colours"
    data.mkdir()
    np.save(data / "pictures.npy", np.broadcast_to(shades[:, None, None], (18, 32, 32, 3)))
    rows = [
        {"name": names[k // 3], "label": "", "captions": [names[k // 3], f"a {names[k // 3]} picture"]}
        | ({"held_out": True} if k % 3 == 2 else {})
        for k in range(18)
    ]
    table = {"id": "colours", "title": "Colours", "labels": [], "label_kind": "class", "examples": [], "rows": rows}
    (data / "rows.json").write_text(json.dumps(table))
    return data


def test_a_clip_of_a_data_set_finds_the_names_of_pictures_that_it_has_not_seen(folder: Path, tmp_path: Path) -> None:
    messages: list[str] = []
    job = ContrastiveJob(
        data=folder, out=tmp_path / "run", minutes=None, steps=60, batch=6, width=32, depth=1, export=tmp_path / "clip"
    )
    job.run(messages.append)
    clip = load(tmp_path / "clip")
    assert (clip.id, clip.title, clip.side, clip.noisy) == ("colours-clip", "Colours CLIP", 32, False)
    figures = zero_shot(clip, RealPictures.of(folder, 32))
    assert figures["held out"]["n"] == 6
    assert figures["held out"]["first"] == 1
    assert figures["x_t"]["10"]["first"] < 0.7
    assert any("held out" in line for line in report_lines(figures))
    assert "60 steps" in messages[-2]
    with pytest.raises(ValueError, match="data build"):
        replace(job, data=tmp_path).run(messages.append)
    with pytest.raises(ValueError, match="multiple of 32"):
        replace(job, width=40).run(messages.append)
    table = json.loads((folder / "rows.json").read_text())
    table["rows"] = [row | {"name": "one"} for row in table["rows"]]
    (folder / "rows.json").write_text(json.dumps(table))
    with pytest.raises(ValueError, match="has one concept only"):
        replace(job, out=tmp_path / "other").run(messages.append)


def test_the_texts_of_training_are_those_of_the_loaded_model(folder: Path, tmp_path: Path) -> None:
    job = ContrastiveJob(data=folder, out=tmp_path / "run", minutes=None, width=32, depth=1)
    data = job.read_pairs("float32", lambda line: None)
    torch.manual_seed(1)
    towers = Towers(assemble(CLIP_SHAPE).visual, 384, False)
    export_clip(towers.state_dict(), CLIP_SHAPE, {"id": "c", "title": "C", "noisy": False}, tmp_path / "c")
    clip = load(tmp_path / "c")
    with torch.no_grad():
        trained = F.normalize(clip.net.text.proj(data.states.float()), dim=1)
    texts = sorted({text for row in json.loads((folder / "rows.json").read_text())["rows"] for text in row["captions"]})
    torch.testing.assert_close(trained, clip.text(texts), atol=2e-3, rtol=0)  # states are kept in half precision


def test_the_command_trains_on_a_folder_of_ones_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own"
    own.mkdir()
    for name, colour in (("a red square", "red"), ("a blue square", "blue"), ("a green one", "green")):
        Image.new("RGB", (40, 40), colour).save(own / f"{colour}.png")
        (own / f"{colour}.txt").write_text(name)
    assert main(["data", "build", str(own)]) == 0
    small = ["--steps", "3", "--width", "32", "--depth", "1", "--precision", "float32"]
    assert main(["train-clip", ".data/own", *small, "--noisy", "--export", "clip"]) == 0
    own_clip = load("clip")
    assert own_clip.noisy
    assert own_clip.least == pytest.approx(0.1, abs=0.01)  # two deviations below the mean of ln σ
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    assert torch.equal(own_clip.image(x, 0.01), own_clip.image(x))
    capsys.readouterr()
    assert main(["evaluate-clip", "clip", "--data", ".data/own", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["names"] == 3
    assert figures["held out"] is None
    assert figures["trained"]["n"] == 3
    assert main(["evaluate-clip", "nothing", "--data", ".data/own"]) == 2
    assert "There is no CLIP “nothing”" in capsys.readouterr().err
