"""The job that makes the frames of a morph, and what it tells, in NumPy and without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.jobs.job import Event, Job
from engine.spec.edit import Pixels
from engine.spec.morph import Morph


@dataclass(frozen=True, slots=True)
class MorphProgress(Event):
    """`done` of `total` passes of the nets over one picture; `keys`: to find where a key starts, not yet a frame."""

    done: int
    total: int
    keys: bool


@dataclass(frozen=True, slots=True, eq=False)
class Norms(Event):
    """‖x_T‖ of every frame on both ways, as shares of √d·std, which is what the norm of pure noise is: (frames,)."""

    slerp: NDArray[np.float64]
    linear: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MorphFrame(Event):
    """Frame `index`, finished: rgb (H, W, 3); seconds -- that it took, its share of those made with it.

    psnr -- where the frame is a key whose picture was encoded: how near it came to that, in dB; else None
    """

    index: int
    rgb: Pixels
    seconds: float
    psnr: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Morphing(Job):
    """Make the frames of `morph`, in order. `pictures` holds those that its keys name, by their digests, each of the
    size (height, width, 3) of the first stage's pictures.

    Raises MorphError and RequestError for what cannot be, before anything is computed; Cancelled; OutOfMemory.
    """

    kind: ClassVar[str] = "morph"

    morph: Morph
    pictures: Mapping[str, Pixels]
