"""Scanning: files that other programs move, rename, change, delete or bring back keep what was said of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine.errors import Cancelled
from engine.history.marks import restore_marks, save_marks
from engine.history.query import Filter
from engine.history.scan import Scanned, scan, scan_runs, take_files
from engine.history.store import PictureStore
from engine.history.thumbnails import ThumbnailFolder
from engine.pictures.image_file import ImageError
from engine.store import RunWriter
from tests.engine.history.conftest import SavePicture, request_of

Rescan = Callable[[], Scanned]
FORKED = {"run": "a", "step": 3}


def counts(found: Scanned) -> dict[str, int]:
    names = "added", "changed", "moved", "returned", "missing"
    return {name: value for name in names if (value := getattr(found, name))}


def only(store: PictureStore) -> int:
    (row,) = store.rows(Filter())
    return row.id


def test_new_files_are_read_once(save: SavePicture, rescan: Rescan, monkeypatch: pytest.MonkeyPatch) -> None:
    save("a.png")
    save("b/c.png", seed=2)
    assert counts(rescan()) == {"added": 2}
    monkeypatch.setattr("engine.history.scan.head_of", pytest.fail)
    assert counts(rescan()) == {}


def test_a_moved_file_keeps_its_marks(save: SavePicture, rescan: Rescan, store: PictureStore, folder: Path) -> None:
    path = save("a.png", prompt="apple")
    rescan()
    id = only(store)
    store.star([id], True)
    target = folder / "elsewhere" / "renamed.png"
    target.parent.mkdir()
    path.rename(target)
    os.utime(target, (1, 1))
    assert counts(rescan()) == {"moved": 1}
    assert only(store) == id
    moved = store.picture(id)
    assert moved is not None
    assert (moved.path, moved.starred) == (target, True)
    assert [row.id for row in store.rows(Filter(text="renamed apple"))] == [id]


def test_a_copy_is_another_picture(save: SavePicture, rescan: Rescan, store: PictureStore, folder: Path) -> None:
    path = save("a.png")
    rescan()
    store.star([only(store)], True)
    shutil.copy2(path, folder / "b.png")
    assert counts(rescan()) == {"added": 1}
    assert sorted(row.starred for row in store.rows(Filter())) == [0, 1]


def test_two_copies_of_a_lost_file_do_not_share_its_marks(
    save: SavePicture, rescan: Rescan, store: PictureStore, folder: Path
) -> None:
    path = save("a.png")
    rescan()
    shutil.copy(path, folder / "b.png")
    shutil.copy(path, folder / "c.png")
    path.unlink()
    assert counts(rescan()) == {"added": 1, "moved": 1}


def test_a_changed_file_is_read_again_and_keeps_its_marks(
    save: SavePicture, rescan: Rescan, store: PictureStore
) -> None:
    save("a.png", prompt="apple")
    rescan()
    store.rate([only(store)], 3)
    save("a.png", prompt="rocket", seed=9)
    assert counts(rescan()) == {"changed": 1}
    assert store.rows(Filter(text="apple")) == []
    (row,) = store.rows(Filter(text="rocket"))
    assert row.rating == 3


def test_a_missing_file_is_told_and_comes_back(
    save: SavePicture, rescan: Rescan, store: PictureStore, folder: Path, tmp_path: Path
) -> None:
    path = save("a.png")
    save("b.png", seed=2)
    rescan()
    away = tmp_path / "away.png"
    path.rename(away)
    assert counts(rescan()) == {"missing": 1}
    assert counts(rescan()) == {}, "told once"
    assert store.counts() == {"here": 1, "missing": 1}
    assert len(store.rows(Filter())) == 2, "still listed"
    away.rename(path)
    assert counts(rescan()) == {"returned": 1}
    folder.rename(tmp_path / "unplugged")
    found = rescan()
    assert counts(found) == {"missing": 2}
    assert [name for name, _ in found.unreadable] == [str(folder)]
    (tmp_path / "unplugged").rename(folder)
    assert counts(rescan()) == {"returned": 2}


def test_a_folder_that_is_no_longer_watched_keeps_its_pictures(
    save: SavePicture, rescan: Rescan, store: PictureStore, tmp_path: Path
) -> None:
    path = save("a.png")
    rescan()
    assert counts(scan(store, [tmp_path / "data"], lambda: False)) == {}
    path.unlink()
    assert counts(scan(store, [tmp_path / "data"], lambda: False)) == {"missing": 1}


def test_a_scan_stops_and_the_next_one_goes_on(save: SavePicture, store: PictureStore, folder: Path) -> None:
    for seed in range(6):
        save(f"{seed}.png", seed=seed)
    asked = iter([False, False, False, True])
    with pytest.raises(Cancelled):
        scan(store, [folder], lambda: next(asked))
    assert counts(scan(store, [folder], lambda: False))["added"] + len(store.rows(Filter())) >= 6
    assert len(store.rows(Filter())) == 6


def test_settings_of_other_studios_are_searched_and_odd_files_listed(
    rescan: Rescan, store: PictureStore, folder: Path, save: SavePicture
) -> None:
    folder.mkdir()
    text = PngInfo()
    text.add_text("parameters", "a lighthouse <lora:ink:0.8>\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, "
                  "CFG scale: 7, Seed: 42, Size: 8x8, Model: meadow, Version: v1.9")  # fmt: skip
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "foreign.png", pnginfo=text)
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(folder / "plain.JPG", "JPEG")
    (folder / "damaged.webp").write_bytes(b"RIFF nothing")
    (folder / ".hidden.png").write_bytes(b"")
    (folder / "notes.txt").write_text("no picture")
    (folder / "loop").symlink_to(folder)
    assert counts(rescan()) == {"added": 3}
    (row,) = store.rows(Filter(text="lighthouse fog meadow ink"))
    picture = store.picture(row.id)
    assert picture is not None
    assert (picture.facts.seed, picture.facts.model) == (42, "meadow")
    (plain,) = (store.picture(row.id) for row in store.rows(Filter(text="plain")))
    assert plain is not None
    assert (plain.facts.width, plain.facts.height, plain.facts.parameters) == (6, 4, "")
    (damaged,) = (store.picture(row.id) for row in store.rows(Filter(text="damaged")))
    assert damaged is not None
    assert damaged.facts.width == 0


def test_a_picture_finds_its_run(save: SavePicture, rescan: Rescan, store: PictureStore, tmp_path: Path) -> None:
    """By settings and seed, whichever of both was seen first; a fork of another step is another picture."""
    runs = tmp_path / "runs"
    for name, parent in (("a", None), ("b", FORKED)):
        RunWriter(runs / f"{name}.twrun", request_of(prompt="apple", seeds=(5, 6)), {"parent": parent}).close()
    (runs / "damaged.twrun").write_bytes(b"no run")
    path = save("a.png", prompt="apple", seed=6)
    take_files(store, [path], runs / "a.twrun")
    picture = store.picture(only(store))
    assert picture is not None
    assert store.run_of(picture) == (runs / "a.twrun", 1)
    assert scan_runs(store, runs, lambda: False) == 2
    assert scan_runs(store, runs, lambda: False) == 0
    assert store.run_of(picture) == (runs / "a.twrun", 1)
    (runs / "a.twrun").unlink()
    assert store.run_of(picture) is None
    scan_runs(store, runs, lambda: False)
    assert store.run_of(picture) is None


def test_marks_outlive_the_database(save: SavePicture, rescan: Rescan, store: PictureStore, tmp_path: Path) -> None:
    save("a.png")
    save("b.png", seed=2)
    rescan()
    first = store.rows(Filter())[0].id
    store.star([first], True)
    store.tag([first], ["fruit"])
    store.add_to_board([first], "Posters")
    store.add_to_board([], "Empty")
    save_marks(store, tmp_path)
    again = PictureStore(tmp_path / "again.db")
    scan(again, [tmp_path / "pictures"], lambda: False)
    assert restore_marks(again, tmp_path) == 1
    assert again.marks(again.by_head(again.heads())) == store.marks(store.by_head(store.heads()))
    assert again.boards() == {"Empty": 0, "Posters": 1}
    (tmp_path / "history-marks.json").write_text('{"marks": [["x", 1, 1')
    assert restore_marks(again, tmp_path) == 0
    again.close()


def test_thumbnails_are_small_and_go_with_their_pictures(tmp_path: Path) -> None:
    thumbnails = ThumbnailFolder(tmp_path / "thumbnails")
    large, small = tmp_path / "large.png", tmp_path / "small.png"
    Image.fromarray(np.full((600, 900, 4), (255, 0, 0, 0), np.uint8)).save(large)
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(small)
    made = thumbnails.make(large, "aa11")
    with Image.open(made) as image:
        assert image.size == (256, 171)
        assert image.getpixel((9, 9)) == (255, 255, 255), "clear parts are white, as the canvas shows them"
    assert thumbnails.make(small, "bb22") == small
    assert thumbnails.make(large, "aa11") == made
    assert thumbnails.free({"aa11"}) == 0
    assert thumbnails.free({"bb22"}) == 1
    assert not made.exists()
    small.write_bytes(b"no picture")
    with pytest.raises(ImageError):
        thumbnails.make(small, "cc33")
