"""Look through folders for pictures: new, changed, moved, missing and returned files. Interruptible, in short slices.

A file is known by its path, size and time; only then is nothing read. A file at a new path is a moved one if it has
the bytes of a picture whose file is gone, so that it keeps its stars, tags and boards whoever moved or renamed it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.errors import Cancelled, why
from engine.history.facts import Facts, digest_of, facts_of, head_of, is_picture
from engine.history.query import HERE, MISSING, TRASHED
from engine.history.store import PictureStore, Stamp
from engine.store import RunReader, StoreError

SLICE = 0.03  # seconds of reading between two transactions: whoever else writes waits no longer
RUN_ENDING = ".twrun"
DEEPEST = 30  # folders below a watched one


@dataclass(slots=True)
class Scanned:
    """What a scan found.

    missing    -- pictures whose files were there the last time and are not now
    folders    -- all folders that were looked into
    unreadable -- (folder or file, why)
    """

    added: int = 0
    changed: int = 0
    moved: int = 0
    returned: int = 0
    missing: int = 0
    folders: tuple[Path, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()

    @property
    def differs(self) -> bool:
        return bool(self.added or self.changed or self.moved or self.returned or self.missing)


@dataclass(frozen=True, slots=True)
class Found:
    """A file that must be written into the store. id: of the known picture; facts: None where its bytes are known."""

    path: Path
    stamp: Stamp
    id: int | None
    facts: Facts | None
    made: float


def scan(
    store: PictureStore,
    folders: Sequence[Path],
    cancelled: Callable[[], bool],
    report: Callable[[Scanned], object] = lambda _: None,
) -> Scanned:
    """Bring the store up to date with the pictures in `folders` and below. Raises Cancelled and HistoryError.

    report -- called after each slice that changed something, with the counts so far
    """
    scanner = _Scanner(store, cancelled, report)
    for folder in _outermost(folders):
        scanner.walk(folder)
    scanner.flush()
    scanner.find_missing()
    return scanner.result


def take_files(store: PictureStore, paths: Sequence[Path], run: Path | None = None) -> Scanned:
    """Bring some picture files into the store, and the run file that made them. Raises HistoryError."""
    scanner = _Scanner(store, lambda: False, lambda _: None, paths)
    for path in paths:
        with suppress(OSError):  # deleted meanwhile
            scanner.look_at(path, path.stat())
    scanner.flush()
    if run is not None:
        with suppress(OSError):
            stat = run.stat()
            _write_runs(store, [(run, stat.st_size, stat.st_mtime_ns, *run_facts(run))])
    return scanner.result


class _Scanner:
    """paths -- the files that it will look at; None: it may be any."""

    def __init__(
        self,
        store: PictureStore,
        cancelled: Callable[[], bool],
        report: Callable[[Scanned], object],
        paths: Sequence[Path] | None = None,
    ) -> None:
        self._store, self._cancelled, self._report = store, cancelled, report
        self._known = store.known(paths)
        self._seen: set[str] = set()
        self._moved: set[int] = set()
        self._taken: set[str] = set()  # places that files were moved from
        self._batch: list[Found] = []
        self._due = time.monotonic() + SLICE
        self._walked: list[Path] = []
        self._unreadable: list[tuple[str, str]] = []
        self.result = Scanned()

    def walk(self, folder: Path) -> None:
        for path, stat in self._files(folder):
            if self._cancelled():
                raise Cancelled
            self.look_at(path, stat)
            if self._batch and time.monotonic() >= self._due:
                self.flush()
        self.result.folders, self.result.unreadable = tuple(self._walked), tuple(self._unreadable)

    def _files(self, folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
        """The pictures in a folder and below. Links to folders are not followed: they may lead round in a circle."""
        waiting = [(folder, 0)]
        while waiting:
            here, depth = waiting.pop()
            try:
                entries = list(os.scandir(here))
            except OSError as error:
                self._unreadable.append((str(here), why(error)))
                continue
            self._walked.append(here)
            for entry in entries:
                try:
                    if entry.is_dir(follow_symlinks=False):
                        if not entry.name.startswith(".") and depth < DEEPEST:
                            waiting.append((Path(entry.path), depth + 1))
                    elif is_picture(path := Path(entry.path)) and entry.is_file():
                        entry.name.encode()  # what is no Unicode has no place in the database
                        yield path, entry.stat()
                except UnicodeEncodeError:
                    self._unreadable.append((os.fsencode(entry.path).decode("ascii", "replace"), "rename it"))
                except OSError as error:
                    self._unreadable.append((entry.path, why(error)))

    def look_at(self, path: Path, stat: os.stat_result) -> None:
        self._seen.add(str(path))
        id, size, changed, state = self._known.get(str(path), (None, -1, -1, ""))
        same = (size, changed) == (stat.st_size, stat.st_mtime_ns)
        if same and state == HERE:
            return
        try:
            stamp = Stamp(bytes=stat.st_size, changed=stat.st_mtime_ns, head=head_of(path, stat.st_size))
            if id is not None and same:
                self.result.returned += 1
                self._batch.append(Found(path, stamp, id, None, stat.st_mtime))
                return
            if id is None and (before := self._store.moved_from(stamp, self._is_gone)) is not None:
                self.result.moved += 1
                id, old = before
                self._moved.add(id)
                self._taken.add(str(old))
                self._batch.append(Found(path, stamp, id, None, stat.st_mtime))
                return
            facts = facts_of(path)
        except OSError as error:
            if os.path.lexists(path):
                self._unreadable.append((str(path), why(error)))
            return
        self.result.added += id is None
        self.result.changed += id is not None
        self._batch.append(Found(path, stamp, id, facts, stat.st_mtime))

    def _is_gone(self, path: Path) -> bool:
        return str(path) not in self._taken and not os.path.lexists(path)

    def flush(self) -> None:
        batch, self._batch = self._batch, []
        if batch:
            with self._store.writing():
                for found in batch:
                    if found.id is None:
                        self._store.add(found.path, found.stamp, found.facts or Facts(), found.made)
                    else:
                        self._store.change(found.id, found.path, found.stamp, found.facts)
            self._report(self.result)
        self._due = time.monotonic() + SLICE

    def find_missing(self) -> None:
        """Mark the pictures whose files are gone, in folders that are no longer watched too."""
        gone, unwatched = [], []
        for path, (id, _, _, state) in self._known.items():
            if path in self._seen or state == TRASHED or id in self._moved:
                continue
            if self._cancelled():
                raise Cancelled
            there = os.path.lexists(path)
            if state == HERE and not there:
                gone.append(id)
            elif state == MISSING and there:  # in a folder that is not looked into
                unwatched.append(id)
        if gone:
            self._store.set_state(gone, MISSING)
            self.result.missing = len(gone)
        if unwatched:
            self._store.set_state(unwatched, HERE)
            self.result.returned += len(unwatched)


def scan_runs(store: PictureStore, folder: Path, cancelled: Callable[[], bool]) -> int:
    """Bring the run files of a folder into the store; return how many were read. Raises Cancelled and HistoryError.

    Damaged run files make no picture: they are read again at the next scan only if they have changed.
    """
    known, seen, read = store.known_runs(), set[str](), 0
    try:
        entries = [entry for entry in os.scandir(folder) if entry.name.endswith(RUN_ENDING)]
    except OSError:
        return 0
    batch: list[tuple[Path, int, int, str, Sequence[int]]] = []
    due = time.monotonic() + SLICE
    for entry in entries:
        if cancelled():
            raise Cancelled
        seen.add(entry.path)
        try:
            stat = entry.stat()
        except OSError:
            continue
        if known.get(entry.path) != (stat.st_size, stat.st_mtime_ns):
            path = Path(entry.path)
            batch.append((path, stat.st_size, stat.st_mtime_ns, *run_facts(path)))
            read += 1
        if batch and time.monotonic() >= due:
            _write_runs(store, batch)
            batch, due = [], time.monotonic() + SLICE
    _write_runs(store, batch)
    store.forget_runs(path for path in known if path not in seen and Path(path).parent == folder)
    return read


def run_facts(path: Path) -> tuple[str, tuple[int, ...]]:
    """Return the digest of a run's settings and its seeds; ("", ()) for a file that cannot be read."""
    try:
        run = RunReader(path)
    except (StoreError, ValueError, OSError):
        return "", ()
    return digest_of(run.request, run.header["parent"]), run.request.seeds


def _write_runs(store: PictureStore, batch: Iterable[tuple[Path, int, int, str, Sequence[int]]]) -> None:
    with store.writing():
        for run in batch:
            store.set_run(*run)


def _outermost(folders: Sequence[Path]) -> list[Path]:
    """Return the folders that lie in none of the others, each once."""
    ordered = sorted({Path(os.path.abspath(folder)) for folder in folders})
    kept: list[Path] = []
    for folder in ordered:
        if not any(folder.is_relative_to(outer) for outer in kept):
            kept.append(folder)
    return kept
