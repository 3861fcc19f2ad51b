"""List the checkpoints in the user's folders: single files and diffusers folders, where they are. Needs no torch.

Nothing is moved, renamed or written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.checkpoints.errors import CheckpointError, UnknownCheckpoint
from engine.checkpoints.folder import INDEX
from engine.checkpoints.recognise import Found, recognise
from engine.checkpoints.settings import ModelSettings

ENDINGS = (".safetensors",)
CLOSED = (".ckpt", ".pt", ".pth", ".bin", ".gguf")  # listed with the reason why they are not opened
MOST = 20_000  # files that are looked at


@dataclass(frozen=True, slots=True)
class Listed:
    """A file or folder: what it is, or the sentence that says why it cannot be used, with the nearest kinds.

    unknown -- whether it can be read and fits no kind: then the user can set what it is
    """

    path: Path
    found: Found | None
    problem: str = ""
    nearest: tuple[str, ...] = ()
    unknown: bool = False


def is_model_file(path: Path) -> bool:
    """Whether a file is listed, by the ending of its name."""
    return path.name.endswith((*ENDINGS, *CLOSED)) and not path.name.startswith(".")


def places(
    folders: Sequence[Path],
    files: Sequence[Path] = (),
    unreadable: Callable[[OSError], object] | None = None,
    walked: Callable[[Path], object] | None = None,
) -> Iterator[Path]:
    """Find every checkpoint below the folders, in order of their names; links are followed, each folder once.

    files      -- single files and model folders, which come after those in the folders
    unreadable -- called with the error of each folder that cannot be read
    walked     -- called with each folder that is looked into
    """
    seen: set[str] = set()
    given = {os.path.realpath(path) for path in files}
    found: set[str] = set()
    count = 0
    for top in folders:
        for where, names, inside in os.walk(top, onerror=unreadable, followlinks=True):
            here = Path(where)
            if os.path.realpath(where) in seen:
                names.clear()
                continue
            seen.add(os.path.realpath(where))
            if walked is not None:
                walked(here)
            if INDEX in inside:
                names.clear()
                found.add(os.path.realpath(here))
                yield here
                continue
            names[:] = sorted(name for name in names if not name.startswith("."))
            for name in sorted(inside):
                if name.startswith(".") or not name.endswith((*ENDINGS, *CLOSED)):
                    continue
                if given:
                    found.add(os.path.realpath(here / name))
                yield here / name
                if (count := count + 1) >= MOST:
                    return
    for path in files:
        if os.path.realpath(path) not in found and os.path.lexists(path):
            yield path


def look_at(path: Path, settings: ModelSettings) -> Listed:
    """Say what is at `path`; raises nothing that concerns the file."""
    try:
        return Listed(path, recognise(path, settings.of(path)))
    except UnknownCheckpoint as error:
        return Listed(path, None, error.sentence, error.nearest, unknown=True)
    except CheckpointError as error:
        return Listed(path, None, error.sentence)


def scan(settings: ModelSettings) -> Iterator[Listed]:
    """List every checkpoint in the user's folders, and the user's single files."""
    for path in places(settings.folders, settings.files):
        yield look_at(path, settings)
