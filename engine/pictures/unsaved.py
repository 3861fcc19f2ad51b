"""Note beside a run file which of its pictures are not saved yet, so that the next start finishes what was killed.

The note is a small file, locked by the process that makes the run: one that is not locked was left by a process that
was killed or closed. Line by line it holds JSON: first where the pictures go, then each picture that is saved.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.files import lock

SUFFIX = ".unsaved"
MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class UnsavedRun:
    """What a note says. saved -- the pictures of the batch, counted from 0, that are whole on disk"""

    run_path: Path
    pictures: Path
    saved: frozenset[int]


class Note:
    """The note of a run that is being made. No method raises: a run does not fail because it cannot be noted."""

    def __init__(self, run_path: Path, pictures: Path) -> None:
        self._path = note_path(run_path)
        self._file: IO[bytes] | None = None
        self.saved: frozenset[int] = frozenset()
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self._path, "a+b")  # noqa: SIM115 -- held open, and so locked, for the run
            lock(self._file)
            if (found := _read(self._file, run_path)) is not None:
                self.saved = found.saved
            else:
                self._write({"pictures": str(pictures)})

    def add(self, image: int) -> None:
        """Picture `image` of the batch is whole on disk."""
        self.saved |= {image}
        self._write({"saved": image})

    def done(self) -> None:
        """All pictures are saved, or there is nothing to save."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Leave the note to the next start."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def _write(self, line: dict[str, object]) -> None:
        if self._file is not None:
            with suppress(OSError, ValueError):
                self._file.write(json.dumps(line).encode() + b"\n")
                self._file.flush()


def note_path(run_path: Path) -> Path:
    return run_path.with_name(run_path.name + SUFFIX)


def forget(run_path: Path) -> None:
    """Remove the note of a run: nobody wants its pictures. Raises nothing."""
    with suppress(OSError):
        note_path(run_path).unlink(missing_ok=True)


def unsaved_runs(folder: Path) -> Iterator[UnsavedRun]:
    """What the notes in a folder of run files say whose processes are gone. Raises nothing."""
    with suppress(OSError):
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            with suppress(OSError), open(path, "r+b") as file:
                if lock(file):
                    run_path = path.with_name(path.name.removesuffix(SUFFIX))
                    found = _read(file, run_path)
                    if found is not None and run_path.exists():
                        yield found
                    else:
                        path.unlink()


def _read(file: IO[bytes], run_path: Path) -> UnsavedRun | None:
    file.seek(0)
    pictures, saved = None, set[int]()
    for line in file.read(MAX_BYTES).splitlines():
        try:
            entry = json.loads(line)
            if "pictures" in entry:
                pictures = Path(str(entry["pictures"]))
            else:
                saved.add(int(entry["saved"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            continue  # a line that was being written
    return None if pictures is None else UnsavedRun(run_path, pictures, frozenset(saved))
