"""List the checkpoints in the user's folders: single files and diffusers folders, where they are. Needs no torch.

Nothing is moved, renamed or written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.checkpoints.errors import CheckpointError, UnknownCheckpoint
from engine.checkpoints.folder import INDEX
from engine.checkpoints.recognise import Found, recognise
from engine.checkpoints.settings import ModelSettings

ENDINGS = (".safetensors",)
PICKLES = (".ckpt", ".pt", ".pth", ".bin")  # listed with the reason why they are not opened
MOST = 20_000  # files that are looked at


@dataclass(frozen=True, slots=True)
class Listed:
    """A file or folder: what it is, or the sentence that says why it cannot be used, with the nearest kinds."""

    path: Path
    found: Found | None
    problem: str = ""
    nearest: tuple[str, ...] = ()


def places(folders: Sequence[Path]) -> Iterator[Path]:
    """Find every checkpoint below the folders, in order of their names; links are followed, each folder once."""
    seen: set[str] = set()
    count = 0
    for top in folders:
        for where, names, files in os.walk(top, followlinks=True):
            here = Path(where)
            if os.path.realpath(where) in seen:
                names.clear()
                continue
            seen.add(os.path.realpath(where))
            if INDEX in files:
                names.clear()
                yield here
                continue
            names[:] = sorted(name for name in names if not name.startswith("."))
            for name in sorted(files):
                if name.endswith((*ENDINGS, *PICKLES)) and not name.startswith("."):
                    yield here / name
                    count += 1
                    if count >= MOST:
                        return


def look_at(path: Path, settings: ModelSettings) -> Listed:
    """Say what is at `path`; raises nothing that concerns the file."""
    try:
        return Listed(path, recognise(path, settings.of(path)))
    except UnknownCheckpoint as error:
        return Listed(path, None, error.sentence, error.nearest)
    except CheckpointError as error:
        return Listed(path, None, error.sentence)


def scan(settings: ModelSettings) -> Iterator[Listed]:
    """List every checkpoint in the user's folders."""
    for path in places(settings.folders):
        yield look_at(path, settings)
