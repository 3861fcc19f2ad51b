"""The nearest-picture judge knows what it was shown, and forgives little else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.judge import JudgeError, NearestPicture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight plain pictures, one grey a name, each name in two labels."""
    greys = np.linspace(0, 255, 8).round().astype(np.uint8)
    np.save(tmp_path / "pictures.npy", np.broadcast_to(greys[:, None, None, None], (8, 32, 32, 3)))
    rows = [{"name": f"grey {k // 2}", "label": "ab"[k % 2], "captions": []} for k in range(8)]
    (tmp_path / "rows.json").write_text(json.dumps({"labels": ["a", "b"], "rows": rows}))
    return tmp_path


def plain(grey: float) -> Tensor:
    return torch.full((3, 32, 32), grey / 127.5 - 1)


def test_a_picture_is_named_by_the_nearest_real_one(folder: Path) -> None:
    judge = NearestPicture.of(folder)
    assert judge.judge(plain(3), "grey 0") == (True, True)
    assert judge.judge(plain(3), "grey 3") == (False, True)
    assert judge.judge(plain(3), "grey 9") == (False, False)
    assert judge.judge(plain(250), "grey 3") == (True, True)


def test_the_five_nearest_are_names_not_pictures(folder: Path) -> None:
    """Each name has two pictures: both count as one place."""
    rows = [{"name": f"n{k // 2}", "label": "a"} for k in range(14)]
    features = torch.arange(14.0)[:, None].expand(14, 3 * 16 * 16) / 14
    judge = NearestPicture(features, tuple(r["name"] for r in rows), ("a",) * 14)
    assert judge.judge(torch.zeros(3, 16, 16), "n4") == (False, True)
    assert judge.judge(torch.zeros(3, 16, 16), "n5") == (False, False)


def test_pairs_are_drawn_once_each_and_the_same_for_a_seed(folder: Path) -> None:
    judge = NearestPicture.of(folder)
    assert judge.pairs(5) == judge.pairs(5)
    assert judge.pairs(5, seed=1) != judge.pairs(5)
    assert len(set(judge.pairs(8))) == 8
    with pytest.raises(JudgeError, match="ask for fewer"):
        judge.pairs(9)


def test_what_is_no_data_set_says_how_to_build_one(tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match=r"run\.py data build"):
        NearestPicture.of(tmp_path)
