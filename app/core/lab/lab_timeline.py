"""The noise levels of the lab's run as a timeline shows them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate

from app.core.lab.track import Track
from engine.spec.cost import passes
from engine.spec.request import Request
from engine.store import StepInfo


@dataclass(frozen=True, slots=True)
class LabTimelineModel:
    """One level more than the run has steps, since the end can be looked at too."""

    request: Request
    steps: tuple[StepInfo, ...]
    inherited: int = 0
    planned: tuple[int, ...] = ()

    @classmethod
    def of(cls, request: Request, track: Track) -> LabTimelineModel:
        """All the levels; those that `track` has come to with their model calls and how far their estimates moved."""
        sigmas, steps = request.sigmas, []
        for k, s in enumerate(sigmas):
            shot = track.shots[k] if k < len(track.shots) else None
            nfe, change = (shot.nfe, shot.change) if shot else (0, math.nan)
            s2 = sigmas[min(k + 1, len(sigmas) - 1)]
            steps.append(StepInfo(k, s, s2, "solve", nfe, 0.0, s, change))
        return cls(request, tuple(steps))

    @property
    def total(self) -> int:
        return len(self.steps)

    @property
    def levels(self) -> tuple[float, ...]:
        return self.request.sigmas

    @property
    def calls(self) -> tuple[int, ...]:
        """The model calls that it takes to reach each level, the first of which is reached by none."""
        return tuple(accumulate(passes(self.request), initial=0))
