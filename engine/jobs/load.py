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
class OpenCheckpoint(Job):
    """Make the checkpoint at `path` known to the session as the model `model`, and send CheckpointOpened. Only its
    header is read.

    compute_dtype -- a key of engine.spec.catalog.DTYPES
    vae           -- another VAE for it

    Raises CheckpointError for a file that cannot be sampled.
    """

    kind: ClassVar[str] = "open-checkpoint"

    model: str
    path: Path
    compute_dtype: str = "float32"
    vae: Path | None = None


@dataclass(frozen=True, slots=True)
class CheckpointOpened(Event):
    """What loading a model takes.

    needs, half -- bytes of memory in its compute dtype, and in half precision
    spare       -- bytes that a run needs besides, at least
    free        -- bytes of memory that are free, with those of a model that would go for it; None where unknown
    held        -- whether it is loaded
    precisions  -- in which the device computes without emulation, keys of engine.spec.limits.DTYPES
    best        -- the one of them in which it computes best
    text, vae   -- bytes of the text encoders and of the VAE, in any precision
    """

    model: str
    needs: int
    half: int
    spare: int
    free: int | None
    held: bool
    precisions: tuple[str, ...] = ("float32", "bfloat16")
    best: str = "float32"
    text: int = 0
    vae: int = 0


@dataclass(frozen=True, slots=True)
class Loading(Event):
    """The share of a run's model that is loaded, 0 … 1: a job sends it before its first Progress."""

    share: float

    latest: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Applying(Event):
    """The share of a run's `count` adapters that is applied to its model, 0 … 1: after Loading, before Progress."""

    share: float
    count: int

    latest: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class AdapterApplied(Event):
    """An adapter of a run is on: `tensors` of the `total` tensors of its file change the model."""

    name: str
    tensors: int
    total: int


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
