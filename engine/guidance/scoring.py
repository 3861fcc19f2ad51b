"""Perform the jobs of engine.jobs.score: a CLIP encodes the x̂₀ of a run and compares them with aims or words.

The x̂₀ of a latent model is decoded for it: a linear preview is too coarse to be judged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.guidance.clip_images import encode_images, to_numpy
from engine.guidance.compose import encode_aims
from engine.jobs.score import Concepts, StepScores
from engine.layout import from_array
from engine.spec.guides import pictures_of_aims
from engine.spec.request import RequestError
from engine.store import RunReader

if TYPE_CHECKING:
    from engine.jobs.job import Caller, Event
    from engine.jobs.load import LoadClip
    from engine.jobs.score import Floats, Look, Score
    from engine.session import Session

TOLD_EVERY = 1 / 30  # seconds between two events, at least


def score(job: Score, session: Session, caller: Caller) -> Iterator[Event]:
    """Score the steps of a run; send the scores of each TOLD_EVERY seconds in one event."""
    reader = RunReader(job.path)
    picture = _decoder(reader, session, caller)
    clip = session.library.clip(job.clip)
    aims = encode_aims(clip, job.aims, pictures_of_aims(job.aims, (*job.pictures, *reader.aims())))
    guided: list[Floats] = []
    raw: list[Floats] = []
    first = job.start
    began = time.monotonic()  # of the scores that are not sent yet
    for k in range(job.start, len(reader.steps) if job.stop is None else min(job.stop, len(reader.steps))):
        x0, x0_raw = reader.x0(k), reader.x0_raw(k)
        seen = encode_images(clip, picture(x0), caller.cancelled)
        guided.append(to_numpy(aims.score(seen[:, None])[:, 0]))
        same = x0.shape == x0_raw.shape and bool((x0 == x0_raw).all())
        other = seen if same else encode_images(clip, picture(x0_raw), caller.cancelled)
        raw.append(to_numpy(aims.score(other[:, None])[:, 0]))
        if time.monotonic() - began > TOLD_EVERY:
            yield StepScores(first, np.stack(guided), np.stack(raw), time.monotonic() - began)
            first, guided, raw, began = k + 1, [], [], time.monotonic()
    if guided:
        yield StepScores(first, np.stack(guided), np.stack(raw), time.monotonic() - began)


def nearest_words(job: Look, session: Session, caller: Caller) -> Iterator[Event]:
    """Find the words of the vocabulary that are nearest to one picture."""
    reader = RunReader(job.path)
    if not (0 <= job.k < len(reader.steps) and 0 <= job.image < len(reader.request.seeds)):
        raise RequestError(f"This run has no image {job.image} at step {job.k}: choose another image or step.")
    if not job.vocabulary:
        raise RequestError("There are no words to compare with: give CLIP a vocabulary.")
    x0 = (reader.x0_raw if job.raw else reader.x0)(job.k)[job.image : job.image + 1]
    picture = _decoder(reader, session, caller)
    clip = session.library.clip(job.clip)
    words = session.library.encode_texts(job.clip, job.vocabulary, caller.cancelled)
    cosines = to_numpy((words @ encode_images(clip, picture(x0), caller.cancelled).T)[:, 0])
    best = np.argsort(-cosines, kind="stable")[: job.count]
    yield Concepts(job.k, job.image, tuple(job.vocabulary[i] for i in best), cosines[best])


def _decoder(reader: RunReader, session: Session, caller: Caller) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function from states (B, C, h, w) of the run to pictures (B, 3, H, W) in [−1, 1]."""
    if not reader.latent:
        return reader.preview
    codec = session.model(reader.request).codec

    def decoded(x0: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            rgb = codec.decode(from_array(x0, session.device), caller.cancelled).clamp(-1, 1)
        return np.asarray(rgb.float().cpu(), np.float32)

    return decoded


def load_clip(job: LoadClip, session: Session, caller: Caller) -> Iterator[Event]:
    session.library.clip(job.clip)
    yield from ()
