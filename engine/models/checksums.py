"""Check the files of a model against the names and SHA-256 in its config."""

from __future__ import annotations

import hashlib
from pathlib import Path

from engine.models.errors import REMEDY, ModelError


def check_name(name: str) -> str:
    """The name of something in a folder of its own; ValueError for one that leads out of it."""
    if Path(name).name != name:
        raise ValueError(f"{name!r} is no plain name")
    return name


def digest(path: Path) -> str:
    """The SHA-256 of a file. Raises OSError where it cannot be read."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def check(path: Path, sha256: str) -> None:
    """Raises ModelError unless the file at `path` has that SHA-256."""
    try:
        found = digest(path)
    except OSError as error:
        raise ModelError(f"{path} is missing or cannot be read: {REMEDY}.") from error
    if found != sha256:
        raise ModelError(f"{path} is damaged (its checksum is wrong): {REMEDY}.")
