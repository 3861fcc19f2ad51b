"""A note beside a run file says which of its pictures are not saved; a note of a live process is left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.pictures.unsaved import Note, forget, note_path, unsaved_runs


def test_a_note_is_read_once_its_process_is_gone_and_not_before(tmp_path: Path) -> None:
    run, pictures = tmp_path / "a.twrun", tmp_path / "pictures"
    run.touch()
    note = Note(run, pictures)
    note.add(2)
    if os.name != "nt":
        assert list(unsaved_runs(tmp_path)) == [], "it is being made"
    note.close()
    (found,) = unsaved_runs(tmp_path)
    assert (found.run_path, found.pictures, found.saved) == (run, pictures, frozenset({2}))
    again = Note(run, tmp_path / "other")
    assert again.saved == {2}
    again.done()
    assert [path.name for path in tmp_path.iterdir()] == ["a.twrun"]


@pytest.mark.parametrize("text", [b"", b"nonsense", b'{"saved": 1}', b'[1]\n"a"\n', b"\xff\n"])
def test_a_damaged_note_and_one_without_its_run_are_removed(tmp_path: Path, text: bytes) -> None:
    run = tmp_path / "a.twrun"
    run.touch()
    note_path(run).write_bytes(text)
    Note(tmp_path / "gone.twrun", tmp_path).close()
    assert list(unsaved_runs(tmp_path)) == []
    assert list(tmp_path.iterdir()) == [run]


def test_a_torn_line_costs_that_line_alone(tmp_path: Path) -> None:
    run = tmp_path / "a.twrun"
    run.touch()
    note = Note(run, tmp_path)
    note.add(0)
    note.close()
    with open(note_path(run), "ab") as file:
        file.write(b'{"sav')
    (found,) = unsaved_runs(tmp_path)
    assert found.saved == {0}
    forget(run)
    forget(run)
    assert list(unsaved_runs(tmp_path)) == []
