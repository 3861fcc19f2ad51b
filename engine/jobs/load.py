"""Jobs that load what a run or a score will need, which takes seconds. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.jobs.job import Job


@dataclass(frozen=True, slots=True)
class LoadClip(Job):
    """Have the CLIP of that name ready; it tells nothing. Raises ModelError for one that cannot be used."""

    kind: ClassVar[str] = "load-clip"

    clip: str
