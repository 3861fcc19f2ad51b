"""Runs and pictures have readable names, and no two have the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.files.folders import Folders
from app.core.shown import runs
from app.core.shown.runs import RunLibrary
from engine.pictures.naming import free_path, next_path, save_new, slug
from engine.spec.request import Request
from engine.store import RunWriter, StoreError

Make = Callable[..., Request]


@pytest.fixture
def library(tmp_path: Path) -> RunLibrary:
    return RunLibrary(tmp_path / "runs", tmp_path / "pictures")


def write(path: Path, request: Request, parent: dict[str, Any] | None = None, outcome: str | None = "finished") -> None:
    with RunWriter(path, request, {"id": path.stem, "parent": parent, "environment": {}, "preview": None}) as file:
        file.start(np.zeros((1, 3, 4, 4), np.float32))
        if outcome:
            file.end(outcome)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Red apple!", "red-apple"),
        ("café — crème", "cafe-creme"),
        ("../../etc/passwd", "etc-passwd"),
        ("", "picture"),
        ("猫", "picture"),
        ("x" * 99, "x" * 40),
    ],
)
def test_prompts_become_safe_names(text: str, name: str) -> None:
    assert slug(text) == name


def test_new_runs_sort_by_age_and_are_listed_newest_first(library: RunLibrary, request_of: Make) -> None:
    assert library.paths() == []
    assert library.newest() is None
    made = []
    for k in range(5):
        path = library.new_path(request_of(prompt="red apple", seed=k))
        write(path, request_of(seed=k))
        made.append(path)
    assert library.paths() == made[::-1]
    assert library.newest() == made[-1]
    assert "red-apple" in made[0].name


def test_a_clock_that_goes_back_makes_no_run_older(
    library: RunLibrary, request_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = iter((9, 23, 4, 12, 1))

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return cls(2030, 5, 17, next(hours), tzinfo=tz)

    monkeypatch.setattr(runs, "datetime", Clock)
    library.root.mkdir()
    for odd in ("99991231-235959-999999-far.twrun", "by hand.twrun"):
        write(library.root / odd, request_of())
    made = []
    for k in range(5):
        made.append(library.new_path(request_of(seed=k)))
        write(made[-1], request_of(seed=k))
    assert [path for path in library.paths() if path in made] == made[::-1]


def test_what_is_set_aside_is_numbered_by_what_is_there(tmp_path: Path) -> None:
    assert next_path(tmp_path, "a[1]", ".txt").name == "a[1]-1.txt"
    for name in ("a[1]-1.txt", "a[1]-20301231-120000.txt", "a[1]-12.txt", "a[1]-13.png", "b-99.txt"):
        (tmp_path / name).touch()
    assert next_path(tmp_path, "a[1]", ".txt").name == "a[1]-13.txt"


def test_the_tree_knows_parents_and_children(library: RunLibrary, request_of: Make) -> None:
    root, fork, other = (library.new_path(request_of(seed=k)) for k in range(3))
    write(root, request_of())
    write(fork, request_of(), {"run": root.stem, "step": 3}, "cancelled")
    write(other, request_of(), outcome=None)
    (library.root / "broken.twrun").write_bytes(b"nothing")
    assert library.entry(root).parent is None
    assert library.entry(fork).parent == (root.stem, 3)
    assert [library.entry(p).ended for p in (root, fork, other)] == ["finished", "cancelled", None]
    assert [e.path for e in library.children(root)] == [fork]
    with pytest.raises(StoreError):
        library.entry(library.root / "broken.twrun")


def test_a_taken_name_is_numbered(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        path = free_path(tmp_path, "a", ".png")
        path.touch()
        names.append(path.name)
    assert names == ["a.png", "a-2.png", "a-3.png"]


def test_a_new_picture_never_takes_the_name_of_another(tmp_path: Path, request_of: Make) -> None:
    request, rgb = request_of(prompt="rocket", batch=2, seed=5), np.zeros((4, 4, 3), np.uint8)
    paths = [save_new(tmp_path / "new", rgb, request, k) for k in (0, 1, 0)]
    assert [p.name.split("-", 3)[3] for p in paths] == ["rocket-5.png", "rocket-6.png", "rocket-5-2.png"]
    assert all(p.stat().st_size for p in paths)


def test_one_variable_moves_every_folder(tmp_path: Path) -> None:
    folders = Folders.of_user({"TWEEDIE_HOME": str(tmp_path)})
    assert folders == Folders.under(tmp_path)
    assert {folders.config, folders.runs, folders.pictures, folders.log} == {
        tmp_path / name for name in ("config", "runs", "pictures", "log")
    }
    assert Folders.of_user({}).runs.is_absolute()
