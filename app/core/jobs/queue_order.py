"""The order of the queue and what is paused in it, kept for the next start in one small file beside the run files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.core.jobs.submission import Submission
from engine.files import replace_file

NAME, VERSION = "queue.json", 1
MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class QueueOrder:
    """names -- of the run files of the jobs to come, in their order
    stopped -- those that the user paused
    paused  -- whether the whole queue is paused
    """

    names: tuple[str, ...] = ()
    stopped: frozenset[str] = frozenset()
    paused: bool = False

    def sort(self, submissions: Iterable[Submission]) -> list[Submission]:
        """Return the submissions in this order; those that it does not name come first, as they are."""
        places = {name: place for place, name in enumerate(self.names)}
        return sorted(submissions, key=lambda one: places.get(one.run_path.name, -1))


def save(order: QueueOrder, folder: Path) -> None:
    """Write the order into a folder of run files; an empty one removes the file. Raises OSError."""
    path = folder / NAME
    if not order.names and not order.paused:
        path.unlink(missing_ok=True)
        return
    jobs = [{"run": name, "paused": name in order.stopped} for name in order.names]
    with replace_file(path) as file:
        file.write(json.dumps({"version": VERSION, "paused": order.paused, "jobs": jobs}).encode())


def load(folder: Path) -> QueueOrder:
    """Read the order; an empty one where there is none or it is damaged. Raises nothing."""
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        with open(folder / NAME, "rb") as file:
            data = json.loads(file.read(MAX_BYTES))
        if data["version"] == VERSION:
            jobs = [(str(job["run"]), job["paused"] is True) for job in data["jobs"]]
            stopped = frozenset(name for name, paused in jobs if paused)
            return QueueOrder(tuple(name for name, _ in jobs), stopped, data["paused"] is True)
    return QueueOrder()
