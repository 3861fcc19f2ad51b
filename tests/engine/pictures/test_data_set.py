"""A data set is checked where it is read: its table, and that its pictures fit it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import LONGEST, EngineError, one_line
from engine.pictures.data_set import DataSetError, read_array, read_table

ROW = {"name": "apple", "label": "a", "captions": ["an apple"]}
TABLE: dict[str, Any] = {"id": "d", "title": "D", "labels": ["a"], "rows": [ROW, ROW | {"label": "", "weight": 2}]}


def write(folder: Path, table: object, shape: tuple[int, ...] = (2, 8, 8, 3)) -> None:
    (folder / "rows.json").write_text(json.dumps(table))
    np.save(folder / "pictures.npy", np.zeros(shape, np.uint8))


def test_a_whole_data_set_is_read(tmp_path: Path) -> None:
    write(tmp_path, TABLE)
    assert read_array(tmp_path, read_table(tmp_path)).shape == (2, 8, 8, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"rows": [ROW | {"label": "unknown"}]}, {"rows": [ROW | {"captions": "text"}]},
        {"rows": [ROW | {"weight": -1}]}, {"rows": [ROW | {"weight": float("nan")}]}, {"rows": "x"},
        {"labels": None}, {"id": 3},
    ],
)  # fmt: skip
def test_a_damaged_table_is_one_sentence(change: dict[str, Any], tmp_path: Path) -> None:
    write(tmp_path, TABLE | change)
    with pytest.raises(DataSetError, match=r"is no data set, or its rows\.json is damaged: build it"):
        read_table(tmp_path)


def test_pictures_that_do_not_fit_the_table_are_one_sentence(tmp_path: Path) -> None:
    write(tmp_path, TABLE, (3, 8, 8, 3))
    with pytest.raises(DataSetError, match=r"do not fit its rows\.json, or are damaged"):
        read_array(tmp_path, TABLE)


def test_a_header_that_claims_more_than_the_file_holds_takes_no_memory(tmp_path: Path) -> None:
    write(tmp_path, TABLE)
    path = tmp_path / "pictures.npy"
    header, claim = b"(2, 8, 8, 3), }      ", b"(2, 16384, 16384, 3)}"
    assert len(header) == len(claim)
    assert header in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(header, claim))
    with pytest.raises(DataSetError, match="are damaged"):
        read_array(tmp_path, TABLE)


def test_the_sentence_of_an_error_is_one_readable_line() -> None:
    said = str(EngineError("There is no “a\nb\ud800\u202e\0” 👍🏽 here: choose another one."))
    assert said == "There is no “a\\nb\\ud800\\u202e\\x00” 👍🏽 here: choose another one."
    long = one_line("x" * 10**6)
    assert len(long) <= LONGEST
    assert "…" in long
