"""RunLibrary: the runs on disk, one readable file name each, and the tree of their forks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from engine.pictures.naming import free_path, stem_of
from engine.spec.picture_text import COMPLETE
from engine.spec.request import Request, RequestError
from engine.store import RunReader, StoreError

SUFFIX = ".twrun"
STAMP, STAMP_LENGTH = "%Y%m%d-%H%M%S-%f", 22  # what a name begins with, and how long that is


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run in the library. parent: the stem of its parent's file and the step, or None."""

    path: Path
    request: Request
    ended: str | None
    steps: int
    parent: tuple[str, int] | None


class RunLibrary:
    """Run files in `root`, finished pictures in `pictures`; a folder is created when its first file is written.

    text    -- what later pictures say about how they were made
    exports -- the same of those that are exported or saved under another name
    """

    def __init__(self, root: Path, pictures: Path) -> None:
        self.root, self.pictures = root, pictures
        self.text = self.exports = COMPLETE

    def new_path(self, request: Request) -> Path:
        """Return the path of a new run of `request`: an unused name, newest last when sorted.

        It begins with the time, or, where the clock went back, with the time just after that of the newest run.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        if (newest := self._newest_stamp()) is not None and newest >= now:
            now = newest + timedelta(microseconds=1)
        return free_path(self.root, f"{now.strftime(STAMP)}-{stem_of(request)}", SUFFIX)

    def paths(self) -> list[Path]:
        """The run files, newest first."""
        return sorted(self.root.glob(f"*{SUFFIX}"), reverse=True)

    def newest(self) -> Path | None:
        return next(iter(self.paths()), None)

    def _newest_stamp(self) -> datetime | None:
        """The time in the name of the newest run; None where no name begins with a time."""
        for path in self.paths():
            try:
                found = datetime.strptime(path.name[:STAMP_LENGTH], STAMP)
            except ValueError:
                continue  # a file that a person named
            if found.year < datetime.max.year:
                return found
        return None

    def entry(self, path: Path) -> RunEntry:
        """Read the entry of a run file. Raises StoreError or RequestError where it cannot be read."""
        run = RunReader(path)
        parent = run.header.get("parent")
        forked = (str(parent["run"]), int(parent["step"])) if parent else None
        return RunEntry(path, run.request, run.ended, len(run.steps), forked)

    def children(self, path: Path) -> list[RunEntry]:
        """Return the forks of the run in `path`, oldest first; unreadable files are skipped."""
        found = []
        for other in reversed(self.paths()):
            try:
                entry = self.entry(other)
            except (StoreError, RequestError, OSError):
                continue
            if entry.parent and entry.parent[0] == path.stem:
                found.append(entry)
        return found
