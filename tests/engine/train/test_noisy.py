"""Classifiers that know noise read x_t at every σ; their clean twins fail there: the decks' "catch"."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.__main__ import main
from engine.models.errors import ModelError
from engine.models.noisy import NoisyClassifier, NoisyNet, load
from engine.spec.catalog import find
from engine.spec.guide_models import classifiers
from engine.train.noisy import NoisyJob, NoisySettings, accuracy, lines, train


def bars(size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures (N, 1, 16, 16) of bars that lie or stand, which are the labels."""
    label = torch.randint(2, (size,), generator=generator)
    phase = torch.rand(size, 1, 1, generator=generator) * 6.28
    wave = torch.sin(torch.arange(16) * 1.57 + phase)
    lying = wave.transpose(1, 2).expand(-1, 16, 16)
    return torch.where(label[:, None, None] == 0, lying, lying.transpose(1, 2))[:, None], label


@pytest.fixture(scope="module")
def twins() -> dict[bool, NoisyClassifier]:
    pictures, label = bars(256, torch.Generator().manual_seed(0))
    settings = NoisySettings(steps=120, batch=32, level=0.0, spread=1.0)
    clean = train(pictures, label, settings, False, (8, 16))
    nets = {False: clean, True: train(pictures, label, settings, True, (8, 16), clean.state_dict())}
    return {
        noisy: NoisyClassifier("bars", "Bars", "", ("lying", "standing"), noisy, net) for noisy, net in nets.items()
    }


def test_the_noisy_classifier_reads_through_noise_and_its_clean_twin_does_not(
    twins: dict[bool, NoisyClassifier],
) -> None:
    pictures, label = bars(400, torch.Generator().manual_seed(1))
    for classifier in twins.values():
        assert accuracy(classifier, pictures, label, 0.0) > 0.95
    assert accuracy(twins[True], pictures, label, 1.5) > accuracy(twins[False], pictures, label, 1.5) + 0.05


def test_it_is_less_sure_the_more_noise_there_is(twins: dict[bool, NoisyClassifier]) -> None:
    pictures, _ = bars(200, torch.Generator().manual_seed(2))
    noise = torch.randn(pictures.shape, generator=torch.Generator().manual_seed(3))
    sure = [twins[True].logp(pictures + s * noise, s).amax(1).exp().mean() for s in (0.1, 2.0, 30.0)]
    assert sure[0] > sure[1] > sure[2]
    assert sure[0] > 0.95


def test_probabilities_sum_to_one_and_levels_may_differ_in_a_batch(twins: dict[bool, NoisyClassifier]) -> None:
    pictures, _ = bars(3, torch.Generator().manual_seed(4))
    levels = torch.tensor([0.1, 1.0, 20.0])
    together = twins[True].logp(pictures, levels)
    torch.testing.assert_close(together.exp().sum(1), torch.ones(3))
    torch.testing.assert_close(together[1:2], twins[True].logp(pictures[1:2], 1.0), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(twins[False].logp(pictures, 0.1), twins[False].logp(pictures, 20.0), rtol=0, atol=0)
    with pytest.raises(ValueError, match="“Bars” reads pictures of 16×16 pixels and 1 channel, not"):
        twins[True].logp(torch.zeros(1, 3, 16, 16), 1.0)


@pytest.mark.parametrize("noisy", [True, False])
def test_the_gradient_is_that_of_finite_differences(noisy: bool) -> None:
    torch.manual_seed(0)
    net = NoisyNet(8, 1, (8, 16), 3, noisy).double()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    classifier = NoisyClassifier("n", "N", "", ("a", "b", "c"), noisy, net.requires_grad_(False))
    x = torch.randn(2, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: classifier.logp(x, 1.5), x, eps=1e-6, atol=1e-6)
    assert not any(parameter.requires_grad for parameter in net.parameters())


@pytest.mark.usefixtures("two_threads")
def test_a_training_repeats_itself_bit_for_bit() -> None:
    pictures, label = bars(16, torch.Generator().manual_seed(0))
    a, b = (train(pictures, label, NoisySettings(steps=4, batch=8), True, (8, 8)) for _ in range(2))
    for name, value in a.state_dict().items():
        assert torch.equal(value, b.state_dict()[name]), name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set of the studio's of two labels, a quarter held out."""
    pictures, label = bars(40, torch.Generator().manual_seed(5))
    array = ((pictures + 1) * 127.5).to(torch.uint8).permute(0, 2, 3, 1).repeat_interleave(2, 1).repeat_interleave(2, 2)
    data = tmp_path / "bars"
    data.mkdir()
    np.save(data / "pictures.npy", array.numpy())
    rows = [{"name": f"{k}", "label": ["a", "b"][y], "captions": []} for k, y in enumerate(label.tolist())]
    rows = [row | {"held_out": k % 4 == 0} for k, row in enumerate(rows)]
    table = {"id": "bars", "title": "Bars", "labels": ["a", "b"], "label_kind": "class", "rows": rows}
    (data / "rows.json").write_text(json.dumps(table))
    return data


def test_the_command_writes_a_folder_of_both_twins(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "classifier"
    few = ["--steps", "3", "--batch", "8", "--precision", "float32"]
    assert main(["train-classifier", str(folder), "--out", str(out), *few]) == 0
    assert "| σ (N = 10, held out) | with σ | clean twin |" in capsys.readouterr().out
    noisy_twin, clean = load(out), load(out, noisy=False)
    assert (noisy_twin.id, noisy_twin.title, noisy_twin.labels, noisy_twin.side, noisy_twin.channels) == (
        "bars-class",
        "Bars: class",
        ("a", "b"),
        32,
        1,
    )
    assert (noisy_twin.noisy, clean.noisy) == (True, False)
    assert noisy_twin.sha256 == clean.sha256
    x = torch.zeros(2, 1, 32, 32)
    assert (noisy_twin.logp(x, 0.1) - noisy_twin.logp(x, 9.0)).abs().max() > 0
    (out / "clean.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match="its checksum is wrong"):
        load(out, noisy=False)


@pytest.mark.parametrize(("name", "model"), [("emoji-style", "emoji"), ("fashion-class", "fashion")])
def test_those_in_the_box_know_the_labels_of_their_models_and_the_twins_differ_in_noise(name: str, model: str) -> None:
    noisy_twin, clean = load(name), load(name, noisy=False)
    (info,) = (info for info in classifiers() if info.id == name)
    assert info.folder is not None
    assert info.model == model
    assert noisy_twin.labels == clean.labels == info.labels == find(model).labels
    assert all(path.stat().st_size < 3_000_000 for path in info.folder.iterdir())
    noise = 20 * torch.randn(32, noisy_twin.channels, 32, 32, generator=torch.Generator().manual_seed(6))
    sure = [classifier.logp(noise, 20.0).amax(1).exp().mean() for classifier in (noisy_twin, clean)]
    assert sure[0] < sure[1]  # the twin does not know that it cannot know
    accuracies = info.config["accuracy"]
    assert accuracies["told"][6] > accuracies["clean twin"][6]  # at σ = 2


def test_what_cannot_be_used_says_so_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no classifier “nothing”"):
        load("nothing")
    table = json.loads((folder / "rows.json").read_text()) | {"labels": ["a"]}
    (folder / "rows.json").write_text(json.dumps(table))
    with pytest.raises(ValueError, match="is no data set"):
        NoisyJob(data=folder, out=tmp_path / "c", settings=NoisySettings(steps=1)).run(lambda line: None)


def test_figures_read_as_a_table() -> None:
    figures = {"n": 5, "held out": True, "sigma": [0.0, 2.0], "told": [1.0, 0.8], "clean twin": [1.0, 0.2]}
    assert lines(figures)[-1] == "| 2 | 80.0% | 20.0% |"
