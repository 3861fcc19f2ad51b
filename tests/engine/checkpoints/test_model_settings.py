"""What the user sets for models: kept, checked, and applied to the description of a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.hashes import Hashes
from engine.checkpoints.scan import scan
from engine.checkpoints.settings import FILE, ModelSettings, check_defaults, load, save
from engine.spec.catalog import checkpoint, own_checkpoint
from tests.fakes.checkpoints import single_file, write_hollow


@pytest.fixture
def dream(tmp_path: Path) -> Path:
    return write_hollow(tmp_path / "shelf" / "dream.safetensors", single_file("unet-v1-sd"))


def test_settings_are_read_as_they_were_written(tmp_path: Path, dream: Path) -> None:
    settings = ModelSettings((tmp_path / "models",), files=(dream,))
    settings = settings.with_choices(dream, {"family": "sd1"}).with_defaults(dream, {"steps": 7, "size": [640, 512]})
    save(settings, tmp_path)
    assert load(tmp_path) == settings
    assert load(tmp_path).with_defaults(dream, {}).defaults == {}


@pytest.mark.parametrize(
    "defaults",
    [
        3,
        {"steps": 0},
        {"steps": True},
        {"guidance": "7"},
        {"size": [512]},
        {"size": [512, 0]},
        {"sampler": ""},
        {"x": 1},
    ],
)
def test_impossible_defaults_are_refused(defaults: object, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        check_defaults(defaults)
    (tmp_path / FILE).write_text(json.dumps({"defaults": {"a": defaults}}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="is damaged"):
        load(tmp_path)


def test_own_defaults_are_those_of_the_checkpoint(dream: Path) -> None:
    own = {"steps": 7, "guidance": 2.5, "size": [640, 512], "sampler": "gone", "precision": "bfloat16"}
    plain, info = checkpoint(dream), checkpoint(dream, ModelSettings().with_defaults(dream, own))
    assert (info.defaults["steps"], info.defaults["guidance"]) == (7, 2.5)
    assert info.size == (640, 512)
    assert info.defaults["sampler"] == plain.defaults["sampler"]  # one that is no longer there
    assert info.defaults.keys() == plain.defaults.keys()


def test_a_model_without_a_precision_of_its_own_has_the_general_one(tmp_path: Path, dream: Path) -> None:
    settings = ModelSettings(precision="bfloat16")
    save(settings, tmp_path)
    assert load(tmp_path).precision == "bfloat16"
    assert own_checkpoint(dream, settings, Hashes(tmp_path)).compute_dtype == "bfloat16"
    own = settings.with_defaults(dream, {"precision": "float32"})
    assert own_checkpoint(dream, own, Hashes(tmp_path)).compute_dtype == "float32"


@pytest.mark.parametrize("size", [[641, 512], [512, 16384]])
def test_a_size_that_the_model_cannot_make_is_left_out(dream: Path, size: list[int]) -> None:
    assert checkpoint(dream, ModelSettings().with_defaults(dream, {"size": size})).size == (512, 512)


def test_single_files_are_listed_after_those_in_the_folders(tmp_path: Path, dream: Path) -> None:
    other = write_hollow(tmp_path / "else" / "other.safetensors", single_file("unet-v1-sd"))
    settings = ModelSettings((dream.parent,), files=(other, dream, tmp_path / "gone.safetensors"))
    assert [listed.path for listed in scan(settings)] == [dream, other]
