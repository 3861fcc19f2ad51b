"""The job that decodes the x̂₀ of one step of a latent run to a sharp picture. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine.jobs.job import Event, Job
from engine.spec.edit import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class StepDecoded(Event):
    """The decoded x̂₀ of image `image` at step `k` of the run in `path`: uint8 (H, W, 3).

    tiny -- whether a TAESD decoded it
    small -- whether it was decoded at a part of its width and height and enlarged; the whole follows
    """

    path: Path
    k: int
    image: int
    rgb: Pixels
    tiny: bool = False
    small: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeStep(Job):
    """Decode the x̂₀ of image `image` at step `k` of the run in `path`, an index into its file.

    load -- whether to load the run's model if it is not loaded; otherwise nothing is sent then, nor where the model
            keeps only one part in memory
    tiny -- the file of a TAESD, which decodes in place of the model's decoder; the model is not loaded then. Where it
            takes longer than a person waits, it decodes at a half or a quarter of the width and height first

    Sends StepDecoded, one to three. Cancelled between two layers of the decoder. Raises StoreError, RequestError for a
    step or an image that the run does not have, ModelError, CheckpointError for a file that is no TAESD of the model's
    family, OutOfMemory.
    """

    kind: ClassVar[str] = "decode-step"

    path: Path
    k: int
    image: int
    load: bool = True
    tiny: Path | None = None
