"""The database of the history: every earlier version opens with all it held, and damage is told from bad luck."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from engine.history.errors import DamagedHistory, HistoryError
from engine.history.query import Filter
from engine.history.schema import MIGRATIONS, migrate, open_database, set_aside, version_of
from engine.history.store import PictureStore

INSERT = (
    "INSERT INTO pictures (path, bytes, changed, head, width, height, made, day, parameters, model, prompt, negative, "
    "loras, program) VALUES ('/p/Rocket-7.png', 9, 8, 'ab', 4, 2, 1.5, '1970-01-01', 'x', 'emoji', 'Ångström apple', "
    "'blue', '', 'Tweedie Studio')"
)


def of_version(path: Path, version: int) -> None:
    """A history as the studio of that version left it, with one picture."""
    db = sqlite3.connect(path, isolation_level=None)
    db.create_function("name_of", 1, lambda text: Path(text).stem)
    migrate(db, path, version)
    assert version_of(db) == version
    db.execute(INSERT)
    if version >= 2:
        db.execute("UPDATE pictures SET starred = 1")
        db.execute("INSERT INTO tags VALUES (1, 'fruit')")
    db.close()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_every_earlier_version_opens_with_what_it_held(version: int, tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    of_version(path, version)
    store = PictureStore(path)
    found = store.picture(1)
    assert found is not None
    assert (found.path.name, found.facts.prompt, found.starred) == ("Rocket-7.png", "Ångström apple", version >= 2)
    if version < 3:  # the words of that time are searched now
        for text in ("angstrom", "rock", "emo", *(("fruit",) if version == 2 else ())):
            assert [row.id for row in store.rows(Filter(text=text))] == [1], text
    store.rate([1], 4)
    store.close()
    db = open_database(path)
    assert version_of(db) == len(MIGRATIONS)
    db.close()


def test_a_newer_history_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(HistoryError, match="update the studio") as caught:
        open_database(path)
    assert not isinstance(caught.value, DamagedHistory)


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.db"
    of_version(path, 1)

    def fail(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half (x)")
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("engine.history.schema.MIGRATIONS", (MIGRATIONS[0], MIGRATIONS[1], fail))
        with pytest.raises(HistoryError, match="disk is full"):
            open_database(path)
    db = sqlite3.connect(path)
    assert version_of(db) == 1
    assert not db.execute("SELECT * FROM sqlite_master WHERE name = 'half'").fetchall()
    db.close()


@pytest.mark.parametrize("damage", ["overwritten", "middle"])
def test_a_damaged_history_is_told_and_set_aside(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    of_version(path, len(MIGRATIONS))
    data = bytearray(path.read_bytes())
    if damage == "overwritten":
        data[:] = b"no database at all" * 400
    else:
        data[4096:12288] = b"\xff" * 8192
    path.write_bytes(data)
    with pytest.raises(DamagedHistory):
        open_database(path, check=True)
    aside = set_aside(path)
    assert aside is not None
    assert aside.read_bytes()[4096:12288] == data[4096:12288]
    assert not path.exists()
    open_database(path, check=True).close()
    assert set_aside(tmp_path / "none.db") is None
