"""Jobs that load what a run or a score will need, which takes seconds. They tell nothing. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.jobs.job import Job


@dataclass(frozen=True, slots=True)
class LoadModel(Job):
    """Have the model of that id ready. Raises CatalogError for one that is not here, ModelError for a damaged one."""

    kind: ClassVar[str] = "load-model"

    model: str


@dataclass(frozen=True, slots=True)
class LoadClip(Job):
    """Have the CLIP of that name ready. Raises ModelError for one that cannot be used."""

    kind: ClassVar[str] = "load-clip"

    clip: str
