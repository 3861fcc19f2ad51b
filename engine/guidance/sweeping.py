"""Perform the job of engine.jobs.sweep: one run for each value, and the figures of its pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.guidance.clip_images import encode_images, to_numpy
from engine.guidance.compose import encode_aims
from engine.guidance.scoring import TOLD_EVERY
from engine.jobs.sweep import SweepPoint, SweepStep
from engine.meter import Meter
from engine.noise import TRANSFORM, Noise
from engine.paths import path_of
from engine.plan import plan
from engine.spec.guides import pictures_of, pictures_of_aims

if TYPE_CHECKING:
    from torch import Tensor

    from engine.jobs.job import Caller, Event
    from engine.jobs.sweep import Sweep
    from engine.session import Session
    from engine.spec.request import Request
    from engine.types import Cond, Model

STRAIN_SIGMA = 0.5


def sweep(job: Sweep, session: Session, caller: Caller) -> Iterator[Event]:
    """Run the request at each value; score the pictures and measure their diversity and strain."""
    clip = session.library.clip(job.clip)
    aims = encode_aims(clip, job.aims, pictures_of_aims(job.aims, job.pictures))
    wholes = job.requests()
    requests = [_without_second_stage(request) for request in wholes]
    total, done, told = sum(len(path_of(request)) for request in requests), 0, 0.0
    for value, request, whole in zip(job.values, requests, wholes, strict=True):
        began, model = time.monotonic(), session.model(request)
        pictures = pictures_of(request.guides, job.pictures)
        planned = plan(request, model, caller.cancelled, job.inputs, pictures, session.library)
        for step in planned.steps():
            x, done = step.move.x, done + 1
            if time.monotonic() - told > TOLD_EVERY:
                told = time.monotonic()
                yield SweepStep(done, total)
        seconds = time.monotonic() - began
        rgb = session.picture(request, x, inputs=job.inputs)
        seen = encode_images(
            clip, (rgb.transpose(0, 3, 1, 2) / np.float32(127.5) - 1).astype(np.float32), caller.cancelled
        )
        nothing = model.condition(replace(request, prompt="", label=None).said)
        strain = _strain(request, model, nothing, x, caller.cancelled)
        scores = to_numpy(aims.score(seen[:, None])[:, 0])
        yield SweepPoint(value, whole, rgb, scores, _diversity(seen), strain, seconds)


def _without_second_stage(request: Request) -> Request:
    """Remove the second stage where the first stage finishes its pictures."""
    second = request.enlargement
    edits = request.edit is not None  # the edited picture has the size of the second stage's pictures
    return request if second is None or second.truncated or edits else replace(request, enlargement=None)


def _diversity(seen: Tensor) -> float:
    """Compute 1 − the mean cosine of all pairs of CLIP vectors (N, d); NaN for one picture."""
    n = len(seen)
    if n < 2:
        return float("nan")
    cosines = (seen @ seen.T).double()
    return float(1 - (cosines.sum() - cosines.trace()) / (n * (n - 1)))


def _strain(request: Request, model: Model, cond: Cond, x0: Tensor, cancelled: Callable[[], bool]) -> float:
    """Measure how far the pictures are from the model's own: the RMS of x0 − D(x0 + σ·ε) at σ = STRAIN_SIGMA."""
    with torch.no_grad():
        noisy = x0 + STRAIN_SIGMA * Noise(request.seeds).of(TRANSFORM).normal(x0)
        again = Meter(model.denoiser, model.micro_batch, cancelled=cancelled)(noisy, STRAIN_SIGMA, cond)
        return float((x0 - again).square().mean().sqrt())
