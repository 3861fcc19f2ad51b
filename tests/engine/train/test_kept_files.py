"""A damaged checkpoint is one sentence, a damaged cache is computed again, and neither runs code."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.train import kept_files
from engine.train.kept_files import CheckpointError
from tests.fuzz.trainings import SmallTraining

Change = Callable[[dict[str, Any]], object]
TEXTS = ["a", "b"]
ROWS = {"states": (torch.float16, (3,))}


class Canary:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    run = SmallTraining()
    next(run.steps())
    run.save(tmp_path / "checkpoint.pt")
    return tmp_path / "checkpoint.pt"


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.pop("average"),
        lambda held: held["net"].pop("out.bias"),
        lambda held: held["net"]["out.bias"].fill_(torch.nan),
        lambda held: held["average"].update({"out.bias": torch.zeros(3)}),
        lambda held: held["average"].update({"out.bias": torch.zeros(2).double()}),
        lambda held: held.update(step=-1),
        lambda held: held.update(step=2**32),
        lambda held: held.update(step=True),
        lambda held: held.update(seconds=float("inf")),
        lambda held: held.update(mean="0"),
        lambda held: held.update(config=[]),
        lambda held: held["config"].update(precision="float8"),
        lambda held: held["optimizers"].pop(),
        lambda held: held["optimizers"][0]["state"][0].update(mean=torch.zeros(4, 5)),
        lambda held: held["optimizers"][1]["param_groups"][0].update(eps=10**30),
        lambda held: held["optimizers"][1]["param_groups"][0].update(betas=(0.9, "x")),
        lambda held: held["optimizers"][1]["param_groups"][0].update(params=[0]),
        lambda held: held["optimizers"][1]["state"].update({99: {}}),
    ],
)
def test_a_damaged_checkpoint_is_one_sentence_and_changes_nothing(checkpoint: Path, change: Change) -> None:
    held = torch.load(checkpoint, weights_only=True)
    change(held)
    torch.save(held, checkpoint)
    run = SmallTraining()
    before = {name: value.clone() for name, value in run.net.state_dict().items()}
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt is damaged, or is of another net: remove it"):
        run.resume(checkpoint)
    assert (run.step, run.seconds, run.mean) == (0, 0.0, 0.0)
    assert all(torch.equal(before[name], value) for name, value in run.net.state_dict().items())


def test_a_whole_checkpoint_goes_on(checkpoint: Path) -> None:
    run = SmallTraining()
    run.resume(checkpoint)
    assert next(run.steps()).step == 2


def test_a_checkpoint_with_code_is_refused_and_the_code_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    for written in (pickle.dumps(Canary(tmp_path / "ran")), None):
        if written is None:
            torch.save({"net": Canary(tmp_path / "ran")}, path)
        else:
            path.write_bytes(written)
        with pytest.raises(CheckpointError):
            SmallTraining().resume(path)
        assert kept_files.cache(path, "texts", **ROWS)["texts"] == []
    assert not (tmp_path / "ran").exists()
    pickle.loads(pickle.dumps(Canary(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()


def test_a_missing_checkpoint_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SmallTraining().resume(tmp_path / "checkpoint.pt")


@pytest.mark.parametrize(
    "held",
    [
        {"texts": TEXTS},
        {"texts": ["a", "a"], "states": torch.zeros(2, 3).half()},
        {"texts": ["a", 3], "states": torch.zeros(2, 3).half()},
        {"texts": "ab", "states": torch.zeros(2, 3).half()},
        {"texts": TEXTS, "states": torch.zeros(1, 3).half()},
        {"texts": TEXTS, "states": torch.zeros(2, 4).half()},
        {"texts": TEXTS, "states": torch.zeros(2, 3)},
        {"texts": TEXTS, "states": torch.zeros(2, 3).half().to_sparse()},
        [],
    ],
)
def test_a_damaged_cache_is_empty(tmp_path: Path, held: Any) -> None:
    torch.save(held, tmp_path / "a.pt")
    found = kept_files.cache(tmp_path / "a.pt", "texts", **ROWS)
    assert found["texts"] == []
    assert found["states"].shape == (0, 3)


def test_a_whole_cache_comes_back(tmp_path: Path) -> None:
    states = torch.randn(2, 3).half()
    kept_files.keep(tmp_path / "a.pt", {"texts": TEXTS, "states": states})
    found = kept_files.cache(tmp_path / "a.pt", "texts", **ROWS)
    assert found["texts"] == TEXTS
    assert torch.equal(found["states"], states)


def test_kept_pictures_of_another_shape_or_type_are_not_used(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.npy", np.arange(2 * 5 * 3, dtype=np.uint8).reshape(2, 5, 3)
    np.save(path, whole)
    found = kept_files.pictures(path, (2, None, 3))
    assert found is not None
    assert np.array_equal(found, whole)
    assert kept_files.pictures(path, (3, None, 3)) is None
    assert kept_files.pictures(path, (2, None)) is None
    np.save(path, whole.astype(np.int16))
    assert kept_files.pictures(path, (2, None, 3)) is None
    np.save(path, np.array([None]), allow_pickle=True)
    assert kept_files.pictures(path, (1,)) is None
    path.write_bytes(b"\x93NUMPY\1\0\x46\0{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, 5, 3)}\n")
    assert kept_files.pictures(path, (None, None, 3)) is None
    assert kept_files.pictures(tmp_path / "none.npy", (1,)) is None
