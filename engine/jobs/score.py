"""Jobs that ask CLIP about pictures: the scores of a run's steps, and what it sees in one. Needs no torch.

A score is Σ w·cos(picture, aim) over aims whose weights' sizes sum to 1: in [−1, 1], larger is better. It looks at the
whole picture once, whatever cutouts guided it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.jobs.job import Event, Job
from engine.spec.catalog import ModelInfo, resource_root
from engine.spec.edit import Pixels
from engine.spec.guides import Aim, ClipGuide
from engine.spec.request import Request

Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class StepScores(Event):
    """Scores of consecutive steps of a run, the first of them number k in its file: (steps, images) each.

    guided -- of the x̂₀ that the step moved by; raw -- of the unguided one where there is one, else the same
    seconds -- that they took to score
    """

    k: int
    guided: Floats
    raw: Floats
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Score(Job):
    """How well each step of the run in `path` fits the aims, from step `start` to the last that is there: StepScores.

    pictures -- those that aims are, uint8 (H, W, 3); the run's own need not be given
    stop     -- the step before which to stop; None: the last that is there
    Raises StoreError, ModelError, RequestError for a picture that is missing, Cancelled.
    """

    kind: ClassVar[str] = "score"

    path: Path
    clip: str
    aims: tuple[Aim, ...]
    pictures: tuple[Pixels, ...] = ()
    start: int = 0
    stop: int | None = None


def ranked(scores: Floats) -> tuple[int, ...]:
    """The images of a batch by their scores (B,), the best first; equal ones in their order."""
    return tuple(int(k) for k in np.argsort(-scores, kind="stable"))


@dataclass(frozen=True, slots=True, eq=False)
class Concepts(Event):
    """The nearest of a vocabulary to one picture, the best first: names, and the cosines (n,) of their texts."""

    k: int
    image: int
    names: tuple[str, ...]
    cosines: Floats


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Look(Job):
    """What a CLIP sees in image `image` of the x̂₀ of step k of the run in `path`: one Concepts of `count` names.

    vocabulary -- what it chooses among; its texts are read once in a session
    raw        -- whether the unguided x̂₀ is looked at
    Raises StoreError, ModelError, RequestError for a step or an image that is not there, Cancelled.
    """

    kind: ClassVar[str] = "look"

    path: Path
    k: int
    image: int
    clip: str
    vocabulary: tuple[str, ...]
    count: int = 8
    raw: bool = False


def vocabulary(info: ModelInfo) -> tuple[str, ...]:
    """What a model's pictures may show, by name: the names its judge knows, else its labels."""
    try:
        config = json.loads((resource_root() / "judges" / info.id / "config.json").read_text(encoding="utf-8"))
        return tuple(str(name) for name in config["names"])
    except (OSError, ValueError, KeyError, TypeError):
        return info.labels


def clip_aims(request: Request) -> tuple[Aim, ...]:
    """What a run is scored by unless something else is asked: its first CLIP guide's aims, else its prompt; or ()."""
    for guide in request.guides:
        if isinstance(guide, ClipGuide):
            return guide.aims
    return (Aim(request.prompt),) if request.prompt.strip() else ()
