"""Judges recognise trained pictures, merge names that they confuse, and say so when they cannot judge."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.evaluate.classifier import Classifier
from engine.evaluate.dataset_pictures import RealPictures
from engine.evaluate.judge import Judge, JudgeError, NearestPicture
from engine.train import judge_job
from engine.train.judge import JudgeSettings, augment, train
from engine.train.judge_job import JudgeJob, merge


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set of sixteen uniform pictures, one grey for each name, in four labels, one pair held out."""
    greys = np.linspace(0, 255, 4).round().astype(np.uint8).repeat(4)
    np.save(tmp_path / "pictures.npy", np.broadcast_to(greys[:, None, None, None], (16, 64, 64, 3)))
    rows = [{"name": f"grey {k // 4}", "label": "abcd"[k % 4], "captions": []} for k in range(16)]
    table = {
        "id": "greys",
        "title": "Greys",
        "labels": [*"abcd"],
        "rows": [row | {"held_out": k == 5} for k, row in enumerate(rows)],
    }
    (tmp_path / "rows.json").write_text(json.dumps(table | {"paraphrases": [["coal", "grey 0"]]}))
    return tmp_path


def plain(*greys: float) -> Tensor:
    return torch.tensor(greys).div(127.5).sub(1)[:, None, None, None].expand(-1, 3, 32, 32)


def blind(names: tuple[str, ...], merged: tuple[tuple[str, ...], ...] = ()) -> Judge:
    return Judge(Classifier(32, 3, (4,), len(names)).eval(), names, merged)


def test_a_data_set_is_averaged_down_and_marks_held_out_rows(folder: Path) -> None:
    real = RealPictures.of(folder, 32)
    assert real.pictures.shape == (16, 3, 32, 32)
    assert real.pictures[-1].unique().tolist() == [1.0]
    assert real.rows(True).tolist() == [5]
    assert real.rows(False, without="b").tolist() == [k for k in range(16) if k % 4 != 1]
    assert real.evaluation == ("grey 0", "grey 1", "grey 2", "grey 3")
    assert real.paraphrases == (("coal", "grey 0"),)


def test_a_folder_without_data_set_says_how_to_build_one(tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match=r"run\.py data build"):
        RealPictures.of(tmp_path)


def test_a_picture_is_named_by_the_nearest_real_one(folder: Path) -> None:
    judge = NearestPicture.of(RealPictures.of(folder, 32))
    verdicts = judge.verdicts(plain(3, 3, 250), ["grey 0", "grey 3", "grey 3"])
    assert verdicts.first.tolist() == [True, False, True]
    assert verdicts.among_five.tolist() == [True, True, True]


def test_the_five_nearest_are_names_not_pictures() -> None:
    """Each name has two pictures: both count as one place."""
    features = torch.arange(14.0)[:, None].expand(14, 3 * 16 * 16) / 14
    judge = NearestPicture(features, tuple(f"n{k // 2}" for k in range(14)))
    verdicts = judge.verdicts(torch.zeros(2, 3, 16, 16), ["n4", "n5"])
    assert verdicts.first.tolist() == [False, False]
    assert verdicts.among_five.tolist() == [True, False]


def test_merged_names_compete_as_one_by_their_summed_probability() -> None:
    judge = blind(("a", "b", "c", "d"), (("b", "c"),))
    probabilities = torch.tensor([[0.4, 0.3, 0.25, 0.05]])
    assert judge.verdicts(probabilities, ["c"]).first.tolist() == [True]
    assert judge.verdicts(probabilities, ["a"]).first.tolist() == [False]
    assert judge.verdicts(probabilities, ["c"], merge=False).first.tolist() == [False]
    six = blind(tuple("abcdef"))
    falling = torch.tensor([[0.3, 0.25, 0.2, 0.15, 0.07, 0.03]]).repeat(2, 1)
    assert six.verdicts(falling, ["e", "f"]).among_five.tolist() == [True, False]
    with pytest.raises(JudgeError, match="does not know z"):
        judge.verdicts(probabilities, ["z"])


def test_names_merge_where_half_of_their_unseen_pictures_are_mistaken_for_each_other() -> None:
    seen = dict.fromkeys("abcdef", 2)
    right = Counter({(name, name): 2 for name in seen})
    assert merge(right, seen) == ()
    assert merge(Counter({("a", "b"): 1, ("b", "a"): 1}), seen) == (("a", "b"),)
    assert merge(Counter({("a", "b"): 1, ("b", "a"): 1}), dict.fromkeys("ab", 3)) == ()  # two of six
    assert merge(Counter({("a", "b"): 2}), seen) == ()  # b is never taken for a


def test_chains_of_confusion_do_not_merge_into_one() -> None:
    seen = dict.fromkeys("abc", 2)
    chain = Counter({("a", "b"): 2, ("b", "a"): 1, ("b", "c"): 1, ("c", "b"): 1})
    assert merge(chain, seen) == (("a", "b"),)
    ring = chain + Counter({("a", "c"): 1, ("c", "a"): 1})
    assert merge(ring, seen) == (("a", "b", "c"),)


def test_variation_keeps_a_picture_in_range_and_is_repeated_by_its_seed() -> None:
    pictures = plain(255, 0, 128, 30).contiguous()
    some = augment(pictures, torch.Generator().manual_seed(1))
    torch.testing.assert_close(some, augment(pictures, torch.Generator().manual_seed(1)), rtol=0, atol=0)
    assert not torch.equal(some, augment(pictures, torch.Generator().manual_seed(2)))
    assert some.abs().max() <= 1
    assert (some.mean((1, 2, 3)).argsort() == pictures.mean((1, 2, 3)).argsort()).all()  # black stays black


def test_a_judge_learns_the_trained_rows_and_reloads_from_its_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge_job, "WIDTHS", (16, 32))
    settings = JudgeSettings(steps=60, batch=16)
    told: list[str] = []
    job = JudgeJob(data=folder, out=tmp_path / "judge", settings=settings, left_out=("d",))
    judge = job.run(told.append)
    ceiling = judge.card["ceiling"]
    assert ceiling["held out"]["n"] == 1
    assert ceiling["trained"]["n"] == 15
    assert ceiling["without d"]["n"] == 4
    assert ceiling["trained"]["first"] == 1
    assert judge.verdicts(judge.read(plain(0, 255)).names, ["grey 0", "grey 3"]).first.all()
    larger = plain(0, 255).repeat_interleave(4, 2).repeat_interleave(4, 3)
    torch.testing.assert_close(judge.read(larger).names, judge.read(plain(0, 255)).names)
    assert any("without d: 60/60" in line for line in told)
    weights = tmp_path / "judge" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(JudgeError, match="train-judge"):
        Judge.of(tmp_path / "judge")


@pytest.mark.usefixtures("two_threads")
def test_a_judge_is_fixed_by_its_seed(folder: Path) -> None:
    real = RealPictures.of(folder, 32)

    def weights(seed: int) -> Tensor:
        return train(real, real.rows(False), JudgeSettings(steps=3, batch=8, seed=seed), (4, 8)).name.weight

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_leaving_out_an_unknown_label_is_refused(folder: Path, tmp_path: Path) -> None:
    job = JudgeJob(data=folder, out=tmp_path / "judge", settings=JudgeSettings(steps=1), left_out=("z",))
    with pytest.raises(JudgeError, match="has no z to leave out"):
        job.run(lambda line: None)
