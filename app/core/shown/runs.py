"""The runs on disk: one file each, named so that a person finds them, and the tree that forks make of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from engine.pictures.naming import free_path, stem_of
from engine.spec.request import Request, RequestError
from engine.store import RunReader, StoreError

SUFFIX = ".twrun"


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run in the library. parent: what it was forked from, as (the stem of that file, the step), or None."""

    path: Path
    request: Request
    ended: str | None
    steps: int
    parent: tuple[str, int] | None


class RunLibrary:
    """Run files in `root`, finished pictures in `pictures`; neither folder is made before something goes into it."""

    def __init__(self, root: Path, pictures: Path) -> None:
        self.root, self.pictures = root, pictures

    def new_path(self, request: Request) -> Path:
        """Where a new run of `request` goes: a name that no run in the library has, newest last when sorted."""
        self.root.mkdir(parents=True, exist_ok=True)
        now = datetime.now(timezone.utc)
        return free_path(self.root, f"{now:%Y%m%d-%H%M%S-%f}-{stem_of(request)}", SUFFIX)

    def paths(self) -> list[Path]:
        """The run files, newest first."""
        return sorted(self.root.glob(f"*{SUFFIX}"), reverse=True)

    def newest(self) -> Path | None:
        return next(iter(self.paths()), None)

    def entry(self, path: Path) -> RunEntry:
        """What is in a run file. Raises StoreError or RequestError where it cannot be read."""
        run = RunReader(path)
        parent = run.header.get("parent")
        forked = (str(parent["run"]), int(parent["step"])) if parent else None
        return RunEntry(path, run.request, run.ended, len(run.steps), forked)

    def children(self, path: Path) -> list[RunEntry]:
        """The runs forked from the run in `path`, oldest first; unreadable files are passed over."""
        found = []
        for other in reversed(self.paths()):
            try:
                entry = self.entry(other)
            except (StoreError, RequestError, OSError):
                continue
            if entry.parent and entry.parent[0] == path.stem:
                found.append(entry)
        return found
