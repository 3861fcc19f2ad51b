"""The database of the history: opening it, its migrations, and setting a damaged one aside. SQLite in WAL mode.

Each migration brings the database from one `user_version` to the next. They are never changed once released; a new
version of the tables is one more function at the end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from engine.errors import why
from engine.history.errors import DamagedHistory, HistoryError

Migration: TypeAlias = Callable[[sqlite3.Connection], object]
PATIENCE = 5.0  # seconds that a writer waits for another one; each writes for some milliseconds
COMPANIONS = ("", "-wal", "-shm")  # the files of a database in WAL mode


def pictures_and_runs(db: sqlite3.Connection) -> None:
    """Version 1: the picture files, and the pictures of the run files by what made them. No id is used twice."""
    db.execute(
        """CREATE TABLE pictures (
            id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE,
            bytes INTEGER NOT NULL, changed INTEGER NOT NULL, head TEXT NOT NULL,
            width INTEGER NOT NULL, height INTEGER NOT NULL, made REAL NOT NULL, day TEXT NOT NULL,
            seed INTEGER, parameters TEXT NOT NULL, model TEXT NOT NULL, prompt TEXT NOT NULL,
            negative TEXT NOT NULL, loras TEXT NOT NULL, program TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'here', since REAL NOT NULL DEFAULT 0)"""
    )
    db.execute("CREATE INDEX pictures_made ON pictures (made DESC, id DESC)")
    db.execute("CREATE INDEX pictures_parameters ON pictures (parameters, seed)")
    db.execute("CREATE INDEX pictures_head ON pictures (head)")
    db.execute("CREATE TABLE runs (path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, changed INTEGER NOT NULL)")
    db.execute(
        """CREATE TABLE run_pictures (
            run TEXT NOT NULL REFERENCES runs (path) ON DELETE CASCADE, image INTEGER NOT NULL,
            parameters TEXT NOT NULL, seed INTEGER NOT NULL, PRIMARY KEY (run, image))"""
    )
    db.execute("CREATE INDEX run_pictures_parameters ON run_pictures (parameters, seed)")


def marks(db: sqlite3.Connection) -> None:
    """Version 2: stars, ratings, tags and boards."""
    db.execute("ALTER TABLE pictures ADD COLUMN starred INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE pictures ADD COLUMN rating INTEGER NOT NULL DEFAULT 0")
    db.execute(
        """CREATE TABLE tags (
            picture INTEGER NOT NULL REFERENCES pictures (id) ON DELETE CASCADE, tag TEXT NOT NULL,
            PRIMARY KEY (picture, tag)) WITHOUT ROWID"""
    )
    db.execute("CREATE INDEX tags_tag ON tags (tag)")
    db.execute("CREATE TABLE boards (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)")
    db.execute(
        """CREATE TABLE board_pictures (
            board INTEGER NOT NULL REFERENCES boards (id) ON DELETE CASCADE,
            picture INTEGER NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
            PRIMARY KEY (board, picture)) WITHOUT ROWID"""
    )
    db.execute("CREATE INDEX board_pictures_picture ON board_pictures (picture)")


def words(db: sqlite3.Connection) -> None:
    """Version 3: full-text search. Words are found by their beginning, with or without accents."""
    db.execute(
        """CREATE VIRTUAL TABLE words USING fts5 (
            name, prompt, negative, model, loras, tags,
            tokenize = "unicode61 remove_diacritics 2", prefix = '1 2 3')"""
    )
    index_words(db)


MIGRATIONS: tuple[Migration, ...] = (pictures_and_runs, marks, words)


def index_words(db: sqlite3.Connection, ids: str | None = None) -> None:
    """Index the words of pictures again; `ids` is a JSON list, None for all of them."""
    chosen = "" if ids is None else " WHERE {} IN (SELECT value FROM json_each(?))"
    given = () if ids is None else (ids,)
    db.execute("DELETE FROM words" + chosen.format("rowid"), given)
    db.execute(
        "INSERT INTO words (rowid, name, prompt, negative, model, loras, tags) "
        "SELECT id, name_of(path), prompt, negative, model, loras, "
        "ifnull((SELECT group_concat(tag, ' ') FROM tags WHERE picture = id), '') FROM pictures" + chosen.format("id"),
        given,
    )


def open_database(path: Path, check: bool = False) -> sqlite3.Connection:
    """Open the history at `path` with its newest tables; the file is made where there is none.

    check -- also read the whole file for damage (about 30 ms for 10,000 pictures)

    Raises DamagedHistory, and HistoryError for a file that cannot be opened or that a newer studio wrote.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise HistoryError(f"The history {path} cannot be opened: {_why(error)}.") from error
    try:
        db.create_function("name_of", 1, lambda text: Path(text).stem, deterministic=True)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        if check and (found := db.execute("PRAGMA quick_check (1)").fetchone()[0]) != "ok":
            raise DamagedHistory(f"The history {path} is damaged: {found}.")
        migrate(db, path)
    except BaseException as error:
        db.close()
        if isinstance(error, sqlite3.Error):
            raise told(error, path) from error
        raise
    return db


def migrate(db: sqlite3.Connection, path: Path, version: int | None = None) -> None:
    """Bring the tables to `version`, None for the newest. Raises HistoryError for a newer one, sqlite3.Error."""
    wanted = len(MIGRATIONS) if version is None else version
    if (found := version_of(db)) > len(MIGRATIONS):
        raise HistoryError(f"A newer version of the studio wrote the history {path}: update the studio to see it.")
    if found >= wanted:
        return
    with transaction(db):
        found = version_of(db)  # another window may have done it meanwhile
        for number in range(found, wanted):
            MIGRATIONS[number](db)
            db.execute(f"PRAGMA user_version = {number + 1}")


def version_of(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of the block or nothing of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def told(error: sqlite3.Error, path: Path) -> HistoryError:
    """Return SQLite's error as one of the history: damage, or what else the disk refuses."""
    if isinstance(error, sqlite3.OperationalError | sqlite3.InterfaceError | sqlite3.ProgrammingError):
        return HistoryError(f"The history {path} cannot be used: {error}.")
    return DamagedHistory(f"The history {path} is damaged: {error}.")


def set_aside(path: Path) -> Path | None:
    """Rename a damaged database and its companions; return its new name, None where nothing was there.

    Raises HistoryError where it cannot be renamed.
    """
    aside = path.with_name(f"{path.stem}-damaged-{datetime.now():%Y-%m-%d-%H%M%S-%f}{path.suffix}")
    found = False
    for end in COMPANIONS:
        try:
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
            found = found or not end
        except FileNotFoundError:
            continue
        except OSError as error:
            raise HistoryError(f"The damaged history {path} cannot be set aside: {why(error)}.") from error
    return aside if found else None


def _why(error: OSError | sqlite3.Error) -> str:
    return why(error) if isinstance(error, OSError) else str(error)
