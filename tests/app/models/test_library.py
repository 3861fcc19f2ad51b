"""The library of the user's models: what is listed, what it remembers, and that it changes no file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.core.models.model_file import ModelFile, from_json, to_json
from app.core.models.record import FILE
from app.core.models.studio_models import StudioModels
from app.core.models.usual_places import usual_places
from engine.checkpoints.errors import CheckpointError
from tests.app.models.conftest import LORA, notices, settle
from tests.fakes.checkpoints import single_file, write_hollow


def add(qtbot: QtBot, models: StudioModels, *paths: Path) -> None:
    models.library.add(paths)
    settle(qtbot, models)


def by_name(models: StudioModels) -> dict[str, ModelFile]:
    return {file.stem: file for file in models.library.files.values()}


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    found = (path for path in [root, *root.rglob("*")])
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in found}


def test_a_folder_lists_every_model_and_changes_none(qtbot: QtBot, models: StudioModels, shelf: Path) -> None:
    before = snapshot(shelf)
    add(qtbot, models, shelf)
    found = by_name(models)
    assert {name: (file.role, file.badge) for name, file in found.items()} == {
        "dream": ("model", "SD 1"),
        "mse": ("vae", "SD 1 · SD 2 …"),
        "water": ("adapter", "SD 1"),
        "sharp": ("upscaler", ""),
        "odd": ("unknown", ""),
    }
    assert found["dream"].licence == "OpenRAIL-M"
    assert found["dream"].predicts == "eps"
    assert found["dream"].bytes == (shelf / "dream.safetensors").stat().st_size
    assert found["water"].words == ("watercolour", "wet paper")
    assert found["dream"].usable
    assert not found["sharp"].usable
    assert "cannot be used here yet" in found["sharp"].problem
    assert found["odd"].unknown
    assert snapshot(shelf) == before


def test_what_did_not_change_is_not_read_again(
    qtbot: QtBot, models: StudioModels, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.core.models import listing

    add(qtbot, models, shelf)
    seen: list[Path] = []
    look_at = listing.look_at

    def look(path: Path, settings: object) -> object:
        seen.append(path)
        return look_at(path, settings)  # type: ignore[arg-type]

    monkeypatch.setattr(listing, "look_at", look)
    write_hollow(shelf / "new.safetensors", LORA)
    models.library.refresh()
    settle(qtbot, models)
    assert seen == [shelf / "new.safetensors"]


def test_a_new_file_in_a_folder_comes_by_itself(qtbot: QtBot, models: StudioModels, shelf: Path) -> None:
    add(qtbot, models, shelf)
    write_hollow(shelf / "vae" / "new.safetensors", LORA)
    qtbot.waitUntil(lambda: "new" in by_name(models))


def test_the_next_session_lists_at_once_what_this_one_found(
    qtbot: QtBot, make_models: Callable[[], StudioModels], shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = make_models()
    add(qtbot, models, shelf)
    found = dict(models.library.files)
    monkeypatch.setattr("app.core.models.listing.look_at", lambda *_: pytest.fail("it was read again"))
    assert dict(make_models().library.files) == found


def test_a_damaged_record_costs_nothing_but_a_new_listing(
    qtbot: QtBot, make_models: Callable[[], StudioModels], shelf: Path, tmp_path: Path
) -> None:
    models = make_models()
    add(qtbot, models, shelf)
    found = dict(models.library.files)
    models.close()
    (tmp_path / "config" / FILE).write_text('{"version": 1, "files": [{"path": 3}]}', encoding="utf-8")
    assert dict(make_models().library.files) == found


def test_a_file_is_the_same_after_json(qtbot: QtBot, models: StudioModels, shelf: Path) -> None:
    add(qtbot, models, shelf)
    assert [from_json(to_json(file)) for file in models.library.files.values()] == list(models.library.files.values())


def test_a_file_that_moved_away_is_missing_until_it_is_forgotten(
    qtbot: QtBot, models: StudioModels, shelf: Path
) -> None:
    add(qtbot, models, shelf)
    path = shelf / "lora" / "water.safetensors"
    path.rename(shelf / "elsewhere.txt")
    models.library.refresh()
    settle(qtbot, models)
    assert models.library.missing == [path]
    assert not by_name(models)["water"].usable
    models.library.forget([path])
    settle(qtbot, models)
    assert path not in models.library.files


def test_a_file_that_came_back_is_no_longer_missing(qtbot: QtBot, models: StudioModels, shelf: Path) -> None:
    add(qtbot, models, shelf)
    path, away = shelf / "dream.safetensors", shelf / "away.txt"
    for old, new in ((path, away), (away, path)):
        old.rename(new)
        models.library.refresh()
        settle(qtbot, models)
    assert models.library.missing == []


def test_removing_a_folder_takes_its_models_from_the_list_and_leaves_its_files(
    qtbot: QtBot, models: StudioModels, shelf: Path
) -> None:
    add(qtbot, models, shelf)
    models.library.remove_folder(shelf)
    assert not models.library.files
    settle(qtbot, models)
    assert models.library.empty
    assert (shelf / "dream.safetensors").is_file()


def test_a_single_file_is_added_and_one_in_a_folder_is_not_listed_twice(
    qtbot: QtBot, models: StudioModels, shelf: Path
) -> None:
    add(qtbot, models, shelf / "dream.safetensors")
    assert list(models.library.files) == [shelf / "dream.safetensors"]
    add(qtbot, models, shelf)
    assert len(models.library.files) == 5


def test_copies_are_told_by_name_and_size_and_surely_by_hash(qtbot: QtBot, models: StudioModels, shelf: Path) -> None:
    one, two = shelf / "lora" / "water.safetensors", shelf / "copy" / "water.safetensors"
    two.parent.mkdir()
    two.write_bytes(one.read_bytes())
    other = shelf / "copy" / "renamed.safetensors"
    other.write_bytes(one.read_bytes())
    add(qtbot, models, shelf)
    assert models.library.duplicates() == {one: (two, False), two: (one, False)}
    models.library.hashing.compute([one, two, other])
    qtbot.waitUntil(lambda: not models.library.hashing.busy)
    assert {path: sure for path, (_, sure) in models.library.duplicates().items()} == {
        one: True, two: True, other: True,
    }  # fmt: skip


def test_files_of_one_name_and_size_with_other_hashes_are_no_copies(
    qtbot: QtBot, models: StudioModels, shelf: Path
) -> None:
    one, two = shelf / "lora" / "water.safetensors", shelf / "copy" / "water.safetensors"
    two.parent.mkdir()
    two.write_bytes(one.read_bytes()[:-1] + b"1")
    add(qtbot, models, shelf)
    assert set(models.library.duplicates()) == {one, two}
    models.library.hashing.compute([one, two])
    qtbot.waitUntil(lambda: not models.library.hashing.busy)
    assert models.library.duplicates() == {}


def test_a_hash_is_that_of_the_file_and_is_remembered(
    qtbot: QtBot, make_models: Callable[[], StudioModels], shelf: Path
) -> None:
    models, path = make_models(), shelf / "lora" / "water.safetensors"
    add(qtbot, models, shelf)
    with qtbot.waitSignal(models.library.hashing.computed):
        models.library.hashing.compute([path])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert models.library.files[path].sha256 == digest
    assert make_models().library.files[path].sha256 == digest


def test_cancelling_hashes_leaves_those_that_wait(qtbot: QtBot, models: StudioModels, shelf: Path) -> None:
    add(qtbot, models, shelf)
    models.library.hashing.compute([shelf / "dream.safetensors", shelf / "odd.safetensors"])
    models.library.hashing.cancel()
    qtbot.waitUntil(lambda: not models.library.hashing.busy)
    assert models.library.files[shelf / "odd.safetensors"].sha256 == ""


def test_a_folder_that_cannot_be_read_says_so_once(
    qtbot: QtBot, models: StudioModels, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, scandir = notices(models), os.scandir

    def scan(path: Any) -> Any:
        if Path(path) == shelf / "vae":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)
    add(qtbot, models, shelf)
    models.library.refresh()
    settle(qtbot, models)
    assert "mse" not in by_name(models)
    assert [notice.text for notice in heard] == [
        f"The folder {shelf / 'vae'} cannot be read (Permission denied): its models are not listed."
    ]


def test_a_folder_that_is_gone_says_so_once_and_its_models_are_missing(
    qtbot: QtBot, models: StudioModels, shelf: Path
) -> None:
    add(qtbot, models, shelf)
    heard = notices(models)
    shelf.rename(shelf.with_name("unplugged"))
    for _ in range(2):
        models.library.refresh()
        settle(qtbot, models)
    assert len(heard) == 1
    assert str(shelf) in heard[0].text
    assert len(models.library.missing) == 5


def test_a_file_that_fits_nothing_is_set_by_hand(
    qtbot: QtBot, make_models: Callable[[], StudioModels], shelf: Path
) -> None:
    models, path = make_models(), shelf / "odd.safetensors"
    add(qtbot, models, shelf)
    models.library.set_by_hand(path, {"family": "sd1", "predicts": "v"})
    settle(qtbot, models)
    file = models.library.files[path]
    assert (file.role, file.family, file.predicts, file.said_by) == ("model", "sd1", "v", "the user")
    assert make_models().library.files[path] == file
    with pytest.raises(CheckpointError, match="There is no family"):
        models.library.set_by_hand(path, {"family": "sd99"})


def test_a_preview_beside_the_file_is_its_picture(qtbot: QtBot, models: StudioModels, shelf: Path) -> None:
    add(qtbot, models, shelf)
    (shelf / "dream.png").write_bytes(b"")
    models.library.refresh()
    settle(qtbot, models)
    assert models.library.files[shelf / "dream.safetensors"].preview == shelf / "dream.png"


def test_the_usual_places_of_other_studios_are_found_once(tmp_path: Path) -> None:
    for place in ("ComfyUI/models", "models"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "Models").exists()  # the same folder where names have no case
    assert usual_places({}, tmp_path)[:2] == [tmp_path / "ComfyUI/models", tmp_path / "models"]


def test_a_checkpoint_that_says_no_prediction_asks_for_it(qtbot: QtBot, models: StudioModels, shelf: Path) -> None:
    write_hollow(shelf / "two.safetensors", single_file("unet-v2-sd"))
    add(qtbot, models, shelf)
    file = by_name(models)["two"]
    assert not file.usable
    assert file.problem == "Nothing in the file says whether it predicts ε or v: set it by hand."
