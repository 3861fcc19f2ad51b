"""Jobs that use CLIP on pictures: the scores of a run's steps, and the concepts nearest to one picture. Needs no torch.

A score is Σ w·cos(picture, aim) over aims whose absolute weights sum to 1: in [−1, 1], larger is better. It is computed
from the whole picture, without cutouts.
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
    """Scores of consecutive steps of a run, the first of them step k of its file: (steps, images) each.

    guided  -- of the x̂₀ that the step used
    raw     -- of the unguided x̂₀ where there is one, else the same
    seconds -- the time of scoring
    """

    k: int
    guided: Floats
    raw: Floats
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Score(Job):
    """Score each step of the run in `path` against the aims, from step `start` to the last step there; sends
    StepScores.

    pictures -- the aim pictures, uint8 (H, W, 3); those of the run itself may be left out
    stop     -- the step before which to stop; None: after the last one

    Raises StoreError, ModelError, RequestError for a missing picture, Cancelled.
    """

    kind: ClassVar[str] = "score"

    path: Path
    clip: str
    aims: tuple[Aim, ...]
    pictures: tuple[Pixels, ...] = ()
    start: int = 0
    stop: int | None = None


def rank_images(scores: Floats) -> tuple[int, ...]:
    """Order the images of a batch by their scores (B,), the best first; equal scores keep their order."""
    return tuple(int(k) for k in np.argsort(-scores, kind="stable"))


@dataclass(frozen=True, slots=True, eq=False)
class Concepts(Event):
    """The names of a vocabulary that are nearest to one picture, the best first, and the cosines (n,) of their
    texts.
    """

    k: int
    image: int
    names: tuple[str, ...]
    cosines: Floats


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Look(Job):
    """Find what CLIP sees in image `image` of the x̂₀ of step k of the run in `path`; sends one Concepts of `count`
    names.

    vocabulary -- the names to choose from; their texts are encoded once in a session
    raw        -- whether to use the unguided x̂₀

    Raises StoreError, ModelError, RequestError for a step or an image that the run does not have, Cancelled.
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
    """Return the names that a model's pictures may show: those that its judge knows, else its labels."""
    try:
        config = json.loads((resource_root() / "judges" / info.id / "config.json").read_text(encoding="utf-8"))
        return tuple(str(name) for name in config["names"])
    except (OSError, ValueError, KeyError, TypeError):
        return info.labels


def clip_aims(request: Request) -> tuple[Aim, ...]:
    """Return the default aims for scoring a run: those of its first CLIP guide, else its prompt, else ()."""
    for guide in request.guides:
        if isinstance(guide, ClipGuide):
            return guide.aims
    return (Aim(request.prompt),) if request.prompt.strip() else ()
