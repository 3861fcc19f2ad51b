"""The record of the models: those that were found, so that the next start lists them at once, and when they were used.

It is kept in model-list.json in the studio's settings folder. A damaged or missing record is no error: the folders are
read again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.core.models.model_file import ModelFile, from_json, to_json
from engine.checkpoints.families import families
from engine.checkpoints.kinds import KINDS
from engine.files import replace_file

FILE = "model-list.json"
VERSION = 3
MAX_BYTES = 64 * 2**20
MOST_USES = 500  # models whose last use is remembered


@dataclass(frozen=True, slots=True)
class Use:
    """The last use of a model: its place in the order of all uses, and the last picture that was made with it."""

    at: int
    picture: Path | None = None


@dataclass(slots=True)
class Record:
    """files -- by path; uses -- by the key of a model: the path of a file, the id of an embedded model;
    rate -- bytes per second of the last load, 0 before the first one.
    """

    files: dict[Path, ModelFile] = field(default_factory=dict)
    uses: dict[str, Use] = field(default_factory=dict)
    rate: float = 0.0

    def use(self, key: str, picture: Path | None = None) -> None:
        """Make the model of that key the last one that was used."""
        before = self.uses.pop(key, Use(0))
        last = max((use.at for use in self.uses.values()), default=0)
        self.uses[key] = Use(last + 1, picture or before.picture)
        while len(self.uses) > MOST_USES:
            del self.uses[min(self.uses, key=lambda name: self.uses[name].at)]


def read(folder: Path) -> Record:
    """Read the record in `folder`. Raises nothing."""
    record = Record()
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        with open(folder / FILE, "rb") as file:
            held = json.loads(file.read(MAX_BYTES))
        for key, (at, picture) in held["uses"].items():
            record.uses[str(key)] = Use(int(at), Path(picture) if picture else None)
        record.rate = max(0.0, float(held.get("rate", 0)))
        if held["version"] == VERSION and held["kinds"] == _kinds():  # else a newer studio may recognise more
            for table in held["files"]:
                found = from_json(table)
                record.files[found.path] = found
    return record


def write(folder: Path, files: Mapping[Path, ModelFile], uses: Mapping[str, Use], rate: float) -> None:
    """Write a record. Raises OSError."""
    held: dict[str, Any] = {
        "version": VERSION,
        "kinds": _kinds(),
        "rate": rate,
        "uses": {key: [use.at, str(use.picture or "")] for key, use in uses.items()},
        "files": [to_json(file) for file in files.values()],
    }
    with replace_file(folder / FILE) as file:
        file.write(json.dumps(held, ensure_ascii=True, separators=(",", ":")).encode())


def _kinds() -> str:
    """A digest of all that files are recognised by."""
    return hashlib.md5(repr((KINDS, tuple(families()))).encode(), usedforsecurity=False).hexdigest()
