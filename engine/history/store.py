"""PictureStore: the history's pictures with their stars, ratings, tags and boards, in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.history.facts import Facts
from engine.history.query import HERE, MOST_RATING, TRASHED, Filter, Row, select_rows
from engine.history.schema import index_words, open_database, told, transaction

KEPT_DAYS = 30  # after which the marks of a picture in the trash are forgotten
LONGEST_NAME = 80  # characters of a tag or of a board's name
_FACTS = tuple(field.name for field in fields(Facts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a file is recognised by. changed: st_mtime_ns; head: engine.history.facts.head_of."""

    bytes: int
    changed: int
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All that the history knows of a picture. made: seconds since 1970; state: one of engine.history.query."""

    id: int
    path: Path
    stamp: Stamp
    facts: Facts
    made: float
    state: str
    starred: bool
    rating: int
    tags: tuple[str, ...]
    boards: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Marks:
    """What a person has said of a picture."""

    starred: bool = False
    rating: int = 0
    tags: tuple[str, ...] = ()
    boards: tuple[str, ...] = ()


class PictureStore:
    """Of one thread; several may have the same file open, also in several programs.

    Every method may raise HistoryError, and DamagedHistory where the file is damaged.
    """

    def __init__(self, path: Path, check: bool = False) -> None:
        self.path = path
        self._db = open_database(path, check)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write all of the block at once, or nothing of it."""
        with self._errors(), transaction(self._db):
            yield

    # looking

    def rows(self, chosen: Filter) -> list[Row]:
        """Return the rows of a filter, newest first."""
        sql, values = select_rows(chosen)
        return [Row(*found) for found in self._all(sql, values)]

    def picture(self, id: int) -> Picture | None:
        """Return a picture, None where it was forgotten meanwhile."""
        with self._errors():
            self._db.row_factory = sqlite3.Row
            try:
                found = self._db.execute("SELECT * FROM pictures WHERE id = ?", (id,)).fetchone()
            finally:
                self._db.row_factory = None
        return None if found is None else self._picture(found)

    def alike(self, ids: Iterable[int]) -> list[int]:
        """Return all pictures, newest first, with the settings of these ones, but for the seed."""
        found = self._all(
            "SELECT id FROM pictures WHERE state != ? AND (id IN (SELECT value FROM json_each(?)) OR "
            "parameters IN (SELECT parameters FROM pictures WHERE parameters != '' AND "
            "id IN (SELECT value FROM json_each(?)))) ORDER BY made DESC, id DESC",
            (TRASHED, _list(ids), _list(ids)),
        )
        return [id for (id,) in found]

    def run_of(self, picture: Picture) -> tuple[Path, int] | None:
        """Return the run file that made a picture and its place in the batch; None where no run file is known.

        Runs with the same settings and the same seed make the same picture: the newest one is taken.
        """
        if not picture.facts.parameters or picture.facts.seed is None:
            return None
        found = self._all(
            "SELECT run, image FROM run_pictures WHERE parameters = ? AND seed = ? ORDER BY run DESC",
            (picture.facts.parameters, picture.facts.seed),
        )
        return next(((Path(run), image) for run, image in found if Path(run).is_file()), None)

    def counts(self) -> dict[str, int]:
        """Return how many pictures there are, by state."""
        return dict(self._all("SELECT state, count(*) FROM pictures GROUP BY state"))

    def models(self) -> dict[str, int]:
        """Return the models with their numbers of pictures, the most used first."""
        return dict(
            self._all(
                "SELECT model, count(*) FROM pictures WHERE state != ? AND model != '' "
                "GROUP BY model ORDER BY 2 DESC, 1",
                (TRASHED,),
            )
        )

    def tags(self) -> dict[str, int]:
        """Return the tags with their numbers of pictures, by name."""
        return dict(
            self._all(
                "SELECT tag, count(*) FROM tags JOIN pictures ON id = picture WHERE state != ? "
                "GROUP BY tag ORDER BY tag COLLATE NOCASE",
                (TRASHED,),
            )
        )

    def boards(self) -> dict[str, int]:
        """Return the boards with their numbers of pictures, by name; a board may be empty."""
        return dict(
            self._all(
                "SELECT name, (SELECT count(*) FROM board_pictures JOIN pictures ON pictures.id = picture "
                "WHERE board = boards.id AND state != ?) FROM boards ORDER BY name COLLATE NOCASE",
                (TRASHED,),
            )
        )

    # marks

    def marks(self, ids: Iterable[int]) -> dict[int, Marks]:
        """Return what was said of pictures, by id."""
        return {
            id: Marks(bool(starred), rating, self._tags_of(id), self._boards_of(id))
            for id, starred, rating in self._all(
                "SELECT id, starred, rating FROM pictures WHERE id IN (SELECT value FROM json_each(?))", (_list(ids),)
            )
        }

    def mark(self, marks: dict[int, Marks]) -> None:
        """Say again what marks() returned; boards that are gone are made again."""
        with self.writing():
            for id, said in marks.items():
                self._db.execute(
                    "UPDATE pictures SET starred = ?, rating = ? WHERE id = ?", (said.starred, said.rating, id)
                )
                self._db.execute("DELETE FROM tags WHERE picture = ?", (id,))
                self._db.execute("DELETE FROM board_pictures WHERE picture = ?", (id,))
                for tag in said.tags:
                    self._db.execute("INSERT OR IGNORE INTO tags SELECT id, ? FROM pictures WHERE id = ?", (tag, id))
                for board in said.boards:
                    self._to_board((id,), board)
            index_words(self._db, _list(marks))

    def star(self, ids: Iterable[int], starred: bool) -> None:
        self._set(ids, "starred", int(starred))

    def rate(self, ids: Iterable[int], rating: int) -> None:
        """Rate pictures, 0 (not rated) … 5. Raises ValueError for another number."""
        if not 0 <= rating <= MOST_RATING:
            raise ValueError(f"A rating lies between 0 and {MOST_RATING}.")
        self._set(ids, "rating", rating)

    def tag(self, ids: Iterable[int], tags: Sequence[str]) -> None:
        """Add tags, which tidy() has read."""
        given = _list(ids)
        with self.writing():
            for tag in tags:
                self._db.execute(
                    "INSERT OR IGNORE INTO tags SELECT id, ? FROM pictures "
                    "WHERE id IN (SELECT value FROM json_each(?))",
                    (tag, given),
                )
            index_words(self._db, given)

    def untag(self, ids: Iterable[int], tag: str) -> None:
        given = _list(ids)
        with self.writing():
            self._db.execute(
                "DELETE FROM tags WHERE tag = ? AND picture IN (SELECT value FROM json_each(?))", (tag, given)
            )
            index_words(self._db, given)

    def add_to_board(self, ids: Iterable[int], board: str) -> None:
        """Put pictures on a board, which is made where it is new."""
        with self.writing():
            self._to_board(ids, board)

    def take_off_board(self, ids: Iterable[int], board: str) -> None:
        with self.writing():
            self._db.execute(
                "DELETE FROM board_pictures WHERE board = (SELECT id FROM boards WHERE name = ?) "
                "AND picture IN (SELECT value FROM json_each(?))",
                (board, _list(ids)),
            )

    def remove_board(self, board: str) -> None:
        """Remove a board; its pictures stay."""
        with self.writing():
            self._db.execute("DELETE FROM boards WHERE name = ?", (board,))

    # pictures come and go: engine.history.scan, and a person who deletes

    def known(self, paths: Sequence[Path] | None = None) -> dict[str, tuple[int, int, int, str]]:
        """Return (id, bytes, changed, state) of pictures by path: of all of them, or of those in `paths`."""
        sql, values = "SELECT path, id, bytes, changed, state FROM pictures", list[str]()
        if paths is not None:
            sql += " WHERE path IN (SELECT value FROM json_each(?))"
            values.append(json.dumps([str(path) for path in paths]))
        return {path: (id, size, changed, state) for path, id, size, changed, state in self._all(sql, values)}

    def moved_from(self, stamp: Stamp, gone: Callable[[Path], bool]) -> tuple[int, Path] | None:
        """Return the picture, and its old path, whose file has these bytes and is no longer where it was."""
        found = self._all("SELECT id, path FROM pictures WHERE head = ? AND bytes = ?", (stamp.head, stamp.bytes))
        return next(((id, Path(path)) for id, path in found if gone(Path(path))), None)

    def add(self, path: Path, stamp: Stamp, facts: Facts, made: float) -> int:
        """Add a picture, or take again what is known of the file at that path. Inside writing()."""
        day = datetime.fromtimestamp(made).strftime("%Y-%m-%d")
        values = {"path": str(path), "made": made, "day": day} | _columns(stamp, facts)
        names = ", ".join(values)
        self._db.execute(
            f"INSERT INTO pictures ({names}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())
        )
        id = int(self._db.execute("SELECT last_insert_rowid()").fetchone()[0])
        index_words(self._db, _list((id,)))
        return id

    def change(self, id: int, path: Path, stamp: Stamp, facts: Facts | None = None) -> None:
        """Say where the file of a picture is, and what it holds where that changed; marks stay. Inside writing()."""
        values: dict[str, Any] = {"path": str(path), "state": HERE, "since": 0.0} | _columns(stamp, facts)
        settings = ", ".join(f"{name} = ?" for name in values)
        self._db.execute(f"UPDATE pictures SET {settings} WHERE id = ?", (*values.values(), id))
        index_words(self._db, _list((id,)))

    def set_state(self, ids: Iterable[int], state: str) -> None:
        """Say that files are here, missing or in the trash."""
        with self.writing():
            self._db.execute(
                "UPDATE pictures SET state = ?, since = ? WHERE id IN (SELECT value FROM json_each(?))",
                (state, 0.0 if state == HERE else time.time(), _list(ids)),
            )

    def forget(self, ids: Iterable[int]) -> None:
        """Forget pictures with all that was said of them; no file is touched."""
        given = _list(ids)
        with self.writing():
            self._db.execute("DELETE FROM words WHERE rowid IN (SELECT value FROM json_each(?))", (given,))
            self._db.execute("DELETE FROM pictures WHERE id IN (SELECT value FROM json_each(?))", (given,))

    def forget_trash(self, now: float | None = None) -> None:
        """Forget pictures that have been in the trash for KEPT_DAYS."""
        before = (time.time() if now is None else now) - KEPT_DAYS * 86_400
        old = self._all("SELECT id FROM pictures WHERE state = ? AND since < ?", (TRASHED, before))
        if old:
            self.forget(id for (id,) in old)

    def heads(self) -> set[str]:
        """Return the digests of all files that a thumbnail may be wanted of."""
        return {head for (head,) in self._all("SELECT head FROM pictures WHERE state != ?", (TRASHED,))}

    def by_head(self, heads: Iterable[str]) -> dict[int, str]:
        """Return the pictures whose files have one of these digests, by id."""
        given = json.dumps(list(heads))
        return dict(self._all("SELECT id, head FROM pictures WHERE head IN (SELECT value FROM json_each(?))", (given,)))

    def marked(self) -> Iterator[tuple[Stamp, Marks]]:
        """Yield the pictures of which a person said something."""
        rows = self._all(
            "SELECT id, bytes, changed, head, starred, rating FROM pictures WHERE starred OR rating "
            "OR id IN (SELECT picture FROM tags) OR id IN (SELECT picture FROM board_pictures)"
        )
        for id, size, changed, head, starred, rating in rows:
            stamp = Stamp(bytes=size, changed=changed, head=head)
            yield stamp, Marks(bool(starred), rating, self._tags_of(id), self._boards_of(id))

    # run files

    def known_runs(self) -> dict[str, tuple[int, int]]:
        """Return (bytes, changed) of the run files by path."""
        return {path: (size, changed) for path, size, changed in self._all("SELECT path, bytes, changed FROM runs")}

    def set_run(self, path: Path, size: int, changed: int, parameters: str, seeds: Sequence[int]) -> None:
        """Say what a run file makes. Inside writing()."""
        self._db.execute("DELETE FROM runs WHERE path = ?", (str(path),))
        self._db.execute("INSERT INTO runs VALUES (?, ?, ?)", (str(path), size, changed))
        rows = [(str(path), image, parameters, seed) for image, seed in enumerate(seeds)]
        self._db.executemany("INSERT INTO run_pictures VALUES (?, ?, ?, ?)", rows)

    def forget_runs(self, paths: Iterable[str]) -> None:
        with self.writing():
            self._db.executemany("DELETE FROM runs WHERE path = ?", [(path,) for path in paths])

    # inside

    def _set(self, ids: Iterable[int], column: str, value: int) -> None:
        with self.writing():
            self._db.execute(
                f"UPDATE pictures SET {column} = ? WHERE id IN (SELECT value FROM json_each(?))", (value, _list(ids))
            )

    def _to_board(self, ids: Iterable[int], board: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO boards (name) VALUES (?)", (board,))
        self._db.execute(
            "INSERT OR IGNORE INTO board_pictures SELECT (SELECT id FROM boards WHERE name = ?), id FROM pictures "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (board, _list(ids)),
        )

    def _tags_of(self, id: int) -> tuple[str, ...]:
        return tuple(
            tag for (tag,) in self._all("SELECT tag FROM tags WHERE picture = ? ORDER BY tag COLLATE NOCASE", (id,))
        )

    def _boards_of(self, id: int) -> tuple[str, ...]:
        found = self._all(
            "SELECT name FROM boards JOIN board_pictures ON boards.id = board WHERE picture = ? "
            "ORDER BY name COLLATE NOCASE",
            (id,),
        )
        return tuple(name for (name,) in found)

    def _picture(self, found: sqlite3.Row) -> Picture:
        return Picture(
            id=found["id"],
            path=Path(found["path"]),
            stamp=Stamp(bytes=found["bytes"], changed=found["changed"], head=found["head"]),
            facts=Facts(**{name: found[name] for name in _FACTS}),
            made=found["made"],
            state=found["state"],
            starred=bool(found["starred"]),
            rating=found["rating"],
            tags=self._tags_of(found["id"]),
            boards=self._boards_of(found["id"]),
        )

    def _all(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        with self._errors():
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise told(error, self.path) from error


def tidy(text: str) -> tuple[str, ...]:
    """Return the tags or the name in what a person typed: separated by commas, in one line, without doubles."""
    parts = (" ".join(part.split())[:LONGEST_NAME].strip() for part in text.split(","))
    printable = ("".join(c for c in part if c.isprintable()) for part in parts)
    return tuple(dict.fromkeys(part for part in printable if part))


def _list(ids: Iterable[int]) -> str:
    return json.dumps(list(ids))


def _columns(stamp: Stamp, facts: Facts | None) -> dict[str, Any]:
    columns: dict[str, Any] = {"bytes": stamp.bytes, "changed": stamp.changed, "head": stamp.head}
    if facts is not None:
        columns |= {name: getattr(facts, name) for name in _FACTS}
    return columns
