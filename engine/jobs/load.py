"""Jobs that load a model or a CLIP before it is needed, which takes seconds. They send no events. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.jobs.job import Job


@dataclass(frozen=True, slots=True)
class LoadModel(Job):
    """Load the model of that id. Raises CatalogError for an unknown model, ModelError for a damaged one."""

    kind: ClassVar[str] = "load-model"

    model: str


@dataclass(frozen=True, slots=True)
class LoadClip(Job):
    """Load the CLIP of that name. Raises ModelError for one that cannot be used."""

    kind: ClassVar[str] = "load-clip"

    clip: str
