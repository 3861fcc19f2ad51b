"""How much of the disk the studio's folders take, and which runs could go."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.core.shown.runs import SUFFIX
from engine.errors import Cancelled
from engine.pictures.unsaved import note_path
from engine.spec.request import RequestError
from engine.store import RunReader, StoreError


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that is measured. bytes, files -- None before it is measured"""

    name: str
    title: str
    path: Path
    bytes: int | None = None
    files: int = 0


@dataclass(frozen=True, slots=True)
class RunFile:
    """A run file. at -- when it was changed last, seconds since 1970"""

    path: Path
    bytes: int
    at: float


def measure(place: Place, cancelled: Callable[[], bool]) -> Place:
    """Add up the files below a folder; links are not followed, what cannot be read is left out. Raises Cancelled."""
    sizes = list(_sizes(place.path, cancelled))
    return Place(place.name, place.title, place.path, sum(sizes), len(sizes))


def surplus(
    folder: Path, limit: int, keep: Collection[Path], cancelled: Callable[[], bool] = lambda: False
) -> list[RunFile]:
    """Return the runs, oldest first, without which the runs in `folder` take at most `limit` bytes.

    Runs in `keep`, unfinished ones, and those that a run which stays was forked from are never among them, so the rest
    may still take more. Raises Cancelled.
    """
    runs = sorted(_runs(folder), key=lambda run: (run.at, run.path))
    excess = sum(run.bytes for run in runs) - limit
    if excess <= 0:
        return []
    parents = {run.path: parent for run in runs if (parent := _parent(run.path, cancelled)) is not None}
    forks = Counter(parents.values())
    left = [run for run in runs if run.path not in keep and not note_path(run.path).exists()]
    found: list[RunFile] = []
    while excess > 0 and (run := next((run for run in left if not forks[run.path]), None)) is not None:
        left.remove(run)
        found.append(run)
        excess -= run.bytes
        if (parent := parents.get(run.path)) is not None:
            forks[parent] -= 1
    return sorted(found, key=lambda run: (run.at, run.path))


def _parent(path: Path, cancelled: Callable[[], bool]) -> Path | None:
    if cancelled():
        raise Cancelled
    with suppress(StoreError, RequestError, OSError, KeyError, TypeError):
        parent = RunReader(path).header.get("parent")
        if parent:
            return path.with_name(f"{parent['run']}{SUFFIX}")
    return None


def _runs(folder: Path) -> Iterable[RunFile]:
    for path in folder.glob(f"*{SUFFIX}"):
        with suppress(OSError):
            found = path.stat()
            yield RunFile(path, found.st_size, found.st_mtime)


def _sizes(folder: Path, cancelled: Callable[[], bool]) -> Iterator[int]:
    waiting = [folder]
    while waiting:
        if cancelled():
            raise Cancelled
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        yield entry.stat(follow_symlinks=False).st_size
