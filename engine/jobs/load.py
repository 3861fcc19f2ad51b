"""Jobs that load a model or a CLIP before it is needed, which takes seconds. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine.jobs.job import Event, Job


@dataclass(frozen=True, slots=True)
class LoadModel(Job):
    """Load the model of that id, and send Progress.

    Raises CatalogError for an unknown model, ModelError or CheckpointError for a damaged one, and Cancelled.
    """

    kind: ClassVar[str] = "load-model"

    model: str


@dataclass(frozen=True, slots=True)
class FileHashed(Event):
    """The SHA-256 of the file at `path` is known."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class HashFile(Job):
    """Compute the SHA-256 of a checkpoint, and remember it; sends Progress, and FileHashed at the end.

    Raises CheckpointError for a file that cannot be read, and Cancelled.
    """

    kind: ClassVar[str] = "hash-file"

    path: Path


@dataclass(frozen=True, slots=True)
class LoadClip(Job):
    """Load the CLIP of that name. Raises ModelError for one that cannot be used."""

    kind: ClassVar[str] = "load-clip"

    clip: str
