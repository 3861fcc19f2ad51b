"""The job that makes the frames of a morph, and its events, in NumPy and without torch."""

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
    """`done` of `total` passes of the nets over one picture; `keys`: the passes still find starts of keys, not
    frames.
    """

    done: int
    total: int
    keys: bool


@dataclass(frozen=True, slots=True, eq=False)
class Norms(Event):
    """‖x_T‖ of every frame, spherical and linear, as shares of √d·std, the norm of pure noise: (frames,)."""

    slerp: NDArray[np.float64]
    linear: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MorphFrame(Event):
    """Frame `index`, finished: rgb (H, W, 3).

    seconds -- its share of the time of its batch
    psnr    -- where the frame is a key with an encoded picture: its PSNR against that picture, in dB; else None
    """

    index: int
    rgb: Pixels
    seconds: float
    psnr: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Morphing(Job):
    """Make the frames of `morph`, in order.

    pictures -- the pictures of its keys, by digest, each (height, width, 3) of the size of the first stage

    Raises MorphError and RequestError for impossible settings, before anything is computed; Cancelled; OutOfMemory.
    """

    kind: ClassVar[str] = "morph"

    morph: Morph
    pictures: Mapping[str, Pixels]
