"""What CLIP says of pictures: the scores of a run's steps, and what it sees in one. Errands; no torch until they run.

A score is Σ w·cos(picture, aim) over aims whose weights' sizes sum to 1: in [−1, 1], larger is better. It looks at the
whole picture once, whatever cutouts guided it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.spec.catalog import ModelInfo, resource_root
from engine.spec.guides import Aim, ClipGuide, aimed_at
from engine.spec.request import Request, RequestError
from engine.store import RunReader

if TYPE_CHECKING:
    from engine.session import Session
    from engine.spec.edit import Pixels

Floats: TypeAlias = NDArray[np.float32]
TOLD_EVERY = 1 / 30  # seconds: news comes no faster


@dataclass(frozen=True, slots=True, eq=False)
class StepScores:
    """Scores of consecutive steps of a run, the first of them number k in its file: (steps, images) each.

    guided -- of the x̂₀ that the step moved by; raw -- of the unguided one where there is one, else the same
    seconds -- that they took to score
    """

    k: int
    guided: Floats
    raw: Floats
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Score:
    """How well each step of the run in `path` fits the aims, from step `start` to the last that is there: StepScores.

    pictures -- those that aims are, uint8 (H, W, 3); the run's own need not be given
    stop     -- the step before which to stop; None: the last that is there
    """

    path: Path
    clip: str
    aims: tuple[Aim, ...]
    pictures: tuple[Pixels, ...] = ()
    start: int = 0
    stop: int | None = None

    def run(self, session: Session, cancelled: Callable[[], bool]) -> Iterator[StepScores]:
        """Raises StoreError, ModelError, RequestError for a picture that is missing, Cancelled."""
        from engine.guidance.clip_images import encode_images, to_numpy
        from engine.guidance.compose import encode_aims

        reader = RunReader(self.path)
        clip = session.library.clip(self.clip)
        aims = encode_aims(clip, self.aims, aimed_at(self.aims, (*self.pictures, *reader.aims())))
        guided: list[Floats] = []
        raw: list[Floats] = []
        k = first = self.start
        told = time.monotonic()  # and since when the scores that are not told yet are made
        for k in range(self.start, len(reader.steps) if self.stop is None else min(self.stop, len(reader.steps))):
            x0, x0_raw = reader.x0(k), reader.x0_raw(k)
            seen = encode_images(clip, reader.preview(x0), cancelled)
            guided.append(to_numpy(aims.score(seen[:, None])[:, 0]))
            same = x0.shape == x0_raw.shape and bool((x0 == x0_raw).all())
            other = seen if same else encode_images(clip, reader.preview(x0_raw), cancelled)
            raw.append(to_numpy(aims.score(other[:, None])[:, 0]))
            if time.monotonic() - told > TOLD_EVERY:
                yield StepScores(first, np.stack(guided), np.stack(raw), time.monotonic() - told)
                first, guided, raw, told = k + 1, [], [], time.monotonic()
        if guided:
            yield StepScores(first, np.stack(guided), np.stack(raw), time.monotonic() - told)


def ranked(scores: Floats) -> tuple[int, ...]:
    """The images of a batch by their scores (B,), the best first; equal ones in their order."""
    return tuple(int(k) for k in np.argsort(-scores, kind="stable"))


@dataclass(frozen=True, slots=True, eq=False)
class Concepts:
    """The nearest of a vocabulary to one picture, the best first: names, and the cosines (n,) of their texts."""

    k: int
    image: int
    names: tuple[str, ...]
    cosines: Floats


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Look:
    """What a CLIP sees in image `image` of the x̂₀ of step k of the run in `path`: one Concepts of `count` names.

    vocabulary -- what it chooses among; its texts are read once in a session
    raw        -- whether the unguided x̂₀ is looked at
    """

    path: Path
    k: int
    image: int
    clip: str
    vocabulary: tuple[str, ...]
    count: int = 8
    raw: bool = False

    def run(self, session: Session, cancelled: Callable[[], bool]) -> Iterator[Concepts]:
        """Raises StoreError, ModelError, RequestError for a step or an image that is not there, Cancelled."""
        from engine.guidance.clip_images import encode_images, to_numpy

        reader = RunReader(self.path)
        if not (0 <= self.k < len(reader.steps) and 0 <= self.image < len(reader.request.seeds)):
            raise RequestError(f"This run has no image {self.image} at step {self.k}: choose one that it has.")
        if not self.vocabulary:
            raise RequestError("There are no words to choose among: give CLIP a vocabulary.")
        x0 = (reader.x0_raw if self.raw else reader.x0)(self.k)[self.image : self.image + 1]
        clip = session.library.clip(self.clip)
        words = session.library.encode_texts(self.clip, self.vocabulary, cancelled)
        cosines = to_numpy((words @ encode_images(clip, reader.preview(x0), cancelled).T)[:, 0])
        best = np.argsort(-cosines, kind="stable")[: self.count]
        yield Concepts(self.k, self.image, tuple(self.vocabulary[i] for i in best), cosines[best])


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
