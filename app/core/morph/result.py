"""The frames of a morph so far, as a timeline shows them; and the time that one takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from app.core.morph.key_frames import KeyFrame
from engine.jobs.morph import MorphFrame, Norms
from engine.spec.cost import work
from engine.spec.edit import Pixels
from engine.spec.morph import AT_ONCE, Morph, price
from engine.spec.request import Request
from engine.store import StepInfo


@dataclass(frozen=True, slots=True)
class Film:
    """The frames so far as a timeline shows them. An app.core.shown.timeline.TimelineRun."""

    request: Request
    steps: tuple[StepInfo, ...]
    total: int
    inherited: int = 0
    levels: tuple[float, ...] = ()
    calls: tuple[int, ...] = ()
    planned: tuple[int, ...] = ()


@dataclass
class MorphResult:
    """The result of one start. `morph` has the settings; frames grow until all of them are there."""

    morph: Morph
    keys: tuple[KeyFrame, ...]
    frames: list[Pixels] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    psnr: dict[int, float] = field(default_factory=dict)
    norms: Norms | None = None
    seconds: float = 0.0
    share: float = 0.0
    keys_first: bool = False  # starts are still being found

    @property
    def whole(self) -> bool:
        return len(self.frames) == self.morph.frames

    def take(self, frame: MorphFrame) -> KeyFrame | None:
        """One more; the key frame that it is, if it is one."""
        self.changes.append(_difference(self.frames[-1] if self.frames else None, frame.rgb))
        self.frames.append(frame.rgb)
        self.seconds += frame.seconds
        if frame.psnr is not None:
            self.psnr[frame.index] = frame.psnr
        key = self.morph.places()[frame.index].key
        return None if key is None else self.keys[key]

    @property
    def film(self) -> Film:
        steps = (StepInfo(k, 0.0, 0.0, "solve", 0, 0.0, 0.0, change) for k, change in enumerate(self.changes))
        return Film(self.morph.request, tuple(steps), self.morph.frames)


def estimate_seconds(seconds: Callable[[Request], float | None], morph: Morph) -> float | None:
    """The seconds that a morph takes, from those of runs; None before a run of its model was measured."""
    batch = _batch(morph)
    first, whole = seconds(batch), seconds(replace(batch, enlargement=morph.request.enlargement))
    if first is None or whole is None:
        return None
    costs, size = price(morph), len(batch.seeds)
    return first / _passes(batch) * (costs.keys + costs.frames) + (whole - first) / size * morph.frames


def measured_run(morph: Morph, seconds: float) -> tuple[Request, float] | None:
    """The seconds of a run, from a morph's frames that took `seconds`. None with a second stage."""
    costs, batch = price(morph), _batch(morph)
    return None if costs.second else (batch, seconds / costs.frames * _passes(batch))


def _batch(morph: Morph) -> Request:
    """A run of as many pictures as frames are made at once, without a second stage."""
    return replace(morph.request, enlargement=None, seeds=(0,) * min(AT_ONCE, morph.frames))


def _passes(batch: Request) -> float:
    return sum(work(batch)) * len(batch.seeds)


def _difference(a: NDArray[np.uint8] | None, b: NDArray[np.uint8]) -> float:
    """RMS between two frames, of the whole range."""
    if a is None:
        return float("nan")
    return float(np.sqrt(np.mean((a.astype(np.float32) - b.astype(np.float32)) ** 2)) / 255)
