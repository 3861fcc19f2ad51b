"""Space on the disk: what is measured, which runs are offered, and that nothing goes unasked."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.core.notices import Notice
from app.core.storage.storage import RUNS, Storage, to_trash
from app.core.storage.usage import Place, measure, surplus
from app.ui.preferences.storage import StorageUse
from engine.pictures.unsaved import note_path
from engine.spec.request import Request
from engine.store import RunWriter
from tests.app.conftest import PATIENCE

SIZE = 5000  # bytes of each run, and some hundreds more
Make = Callable[..., Path]


@pytest.fixture
def run(tmp_path: Path, request_of: Callable[..., Request]) -> Make:
    """Write run `name`, `age` seconds older than now, forked from `parent`."""
    folder = tmp_path / "runs"
    folder.mkdir()

    def make(name: str, age: int, parent: str | None = None) -> Path:
        path = folder / f"{name}.twrun"
        forked = {"run": parent, "step": 0} if parent else None
        header = {"id": name, "parent": forked, "environment": {"filling": "x" * SIZE}, "preview": None}
        RunWriter(path, request_of(), header).close()
        os.utime(path, (10**9 - age, 10**9 - age))
        return path

    return make


def names(folder: Path, limit: int, keep: tuple[Path, ...] = ()) -> list[str]:
    return [found.path.stem for found in surplus(folder, limit, keep)]


def test_the_oldest_runs_that_nothing_needs_are_offered(run: Make, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    oldest, parent, fork, newest = run("a", 40), run("b", 30), run("c", 20, parent="b"), run("d", 10)
    assert names(folder, 5 * SIZE) == []
    assert names(folder, 4 * SIZE) == ["a"]
    assert names(folder, 3 * SIZE) == ["a", "c"], "a run stays as long as its fork does"
    assert names(folder, 2 * SIZE) == ["a", "b", "c"]
    assert names(folder, 0, (oldest, fork)) == ["d"]
    note_path(newest).touch()
    assert names(folder, 0, (oldest,)) == ["b", "c"], "an unfinished run stays"
    assert parent.exists()


def test_a_folder_is_measured_with_what_is_below_it(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for path in (tmp_path / "one", tmp_path / "deep" / "er" / "two"):
        path.write_bytes(b"x" * 1000)
    (tmp_path / "link").symlink_to(tmp_path)
    found = measure(Place("x", "X", tmp_path), lambda: False)
    assert (found.bytes, found.files) == (2000, 2)
    assert measure(Place("x", "X", tmp_path / "none"), lambda: False).bytes == 0


def test_only_checked_runs_go_and_only_by_the_button(run: Make, tmp_path: Path, qtbot: QtBot) -> None:
    paths = [run(name, age) for name, age in (("a", 30), ("b", 20), ("c", 10), ("d", 0))]
    used, gone, said = {paths[0]}, list[Path](), list[Notice]()

    def discard(path: Path) -> bool:
        gone.append(path)
        path.unlink()
        return True

    storage = Storage((Place(RUNS, "Runs", tmp_path / "runs"),), lambda: used, discard)
    storage.notice_raised.connect(said.append)
    page = StorageUse(storage, lambda path: None)
    qtbot.addWidget(page)
    storage.set_limit(2 * SIZE)
    qtbot.waitUntil(lambda: not storage.busy and page.list.count() == 3, timeout=PATIENCE)
    assert [run.path.stem for run in storage.surplus] == ["b", "c", "d"]
    assert gone == []
    page.list.item(1).setCheckState(page.list.item(1).checkState().Unchecked)
    used.add(paths[3])  # it came into use while the list was open
    assert page.delete.text().startswith("Move 2 runs to the trash")
    page.delete.click()
    qtbot.waitUntil(lambda: not storage.busy and bool(gone), timeout=PATIENCE)
    assert gone == [paths[1]]
    assert said == []
    storage.close()


def test_a_run_that_cannot_be_moved_is_told(run: Make, tmp_path: Path, qtbot: QtBot) -> None:
    path = run("a", 0)
    storage = Storage((Place(RUNS, "Runs", tmp_path / "runs"),), set, lambda path: False)
    said: list[Notice] = []
    storage.notice_raised.connect(said.append)
    storage.set_limit(1)
    qtbot.waitUntil(lambda: not storage.busy and bool(storage.surplus), timeout=PATIENCE)
    storage.delete({path})
    qtbot.waitUntil(lambda: bool(said) and not storage.busy, timeout=PATIENCE)
    assert "could not be moved to the trash" in said[0].text
    assert path.exists()
    storage.close()


def test_the_trash_is_that_of_the_desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    path = tmp_path / "a.twrun"
    path.touch()
    if sys.platform.startswith("linux"):
        assert to_trash(path)
        assert (tmp_path / "data" / "Trash" / "files" / "a.twrun").exists()
        assert not path.exists()
    assert not to_trash(tmp_path / "none")
