"""List the models in the user's folders, in a helper thread: what did not change since the last time is not read again.

Only headers are read, where they are. Nothing is moved, renamed or written.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.core.models.model_file import ModelFile, describe, preview_of, stamp
from engine.checkpoints.hashes import Hashes
from engine.checkpoints.scan import look_at, places
from engine.checkpoints.settings import ModelSettings
from engine.errors import Cancelled, why

EVERY = 0.3  # seconds between two batches: each sorts the whole list again


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found: the paths of all models, the folders that were looked into, and those that cannot be read."""

    paths: frozenset[Path]
    walked: tuple[Path, ...]
    unreadable: tuple[tuple[str, str], ...] = field(default=())


def list_models(
    settings: ModelSettings,
    known: Mapping[Path, ModelFile],
    hashes: Hashes,
    report: Callable[[list[ModelFile]], object],
    cancelled: Callable[[], bool],
) -> Listing:
    """List the models; `report` is called with those that are new or have changed, a batch at a time.

    known -- what the last listing found. Raises Cancelled.
    """
    walked: list[Path] = []
    unreadable: dict[str, str] = {}

    def complain(error: OSError) -> None:
        unreadable[str(error.filename)] = why(error)

    batch: list[ModelFile] = []
    paths: set[Path] = set()
    due = time.monotonic() + EVERY
    for path in places(settings.folders, settings.files, complain, walked.append):
        if cancelled():
            raise Cancelled
        try:
            made = look(path, settings, known.get(path), hashes)
        except OSError as error:
            if not os.path.lexists(path):
                continue
            made = ModelFile(path, problem=f"{path} cannot be read ({why(error)}).")
        paths.add(path)
        if made is not known.get(path):
            batch.append(made)
        if batch and time.monotonic() >= due:
            report(batch)
            batch, due = [], time.monotonic() + EVERY
    if batch:
        report(batch)
    walked += [path.parent for path in settings.files if path.parent.is_dir()]
    return Listing(frozenset(paths), tuple(dict.fromkeys(walked)), tuple(unreadable.items()))


def look(path: Path, settings: ModelSettings, known: ModelFile | None, hashes: Hashes) -> ModelFile:
    """Return what is at `path`: `known` itself where nothing changed. Raises OSError where it is gone."""
    by_hand = settings.of(path)
    if known is None or known.missing or not _is_same(known, by_hand):
        return describe(look_at(path, settings), by_hand, hashes.known(path) or "" if path.is_file() else "")
    preview = preview_of(path)
    sha256 = hashes.known(path) or "" if path.is_file() else ""
    if (preview, sha256) == (known.preview, known.sha256):
        return known
    return replace(known, preview=preview, sha256=sha256)


def _is_same(known: ModelFile, by_hand: Mapping[str, object]) -> bool:
    changed, size = stamp(known.path)
    same = (changed, size or known.bytes) == (known.changed, known.bytes)
    return same and dict(by_hand) == dict(known.by_hand)
