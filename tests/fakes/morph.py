"""Morphs without a net, for FakeEngine.answers: key frames that fade into each other, and norms that are known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.jobs.job import Event
from engine.jobs.morph import MorphFrame, Morphing, MorphProgress, Norms
from engine.spec.edit import Pixels
from engine.spec.morph import Key, price
from tests.fakes.engine import target_picture


def morphed(job: Morphing) -> Iterator[Event]:
    """The starts, the norms, then a word of progress and the frame for every frame; PSNR 40 where one is encoded."""
    morph, places = job.morph, job.morph.places()
    total = price(morph).calls
    yield MorphProgress(0, total, True)
    t = np.array([place.t for place in places])
    yield Norms(np.ones(len(t)), np.sqrt(t**2 + (1 - t) ** 2))
    for n, place in enumerate(places):
        yield MorphProgress(total * (n + 1) // len(places), total, False)
        a, b = (_picture(morph.keys[k], job).astype(np.float32) for k in (place.a, place.b))
        rgb = np.rint(a + np.float32(place.t) * (b - a)).astype(np.uint8)
        key = None if place.key is None else morph.keys[place.key]
        yield MorphFrame(n, rgb, 0.01, 40.0 if key is not None and key.picture else None)


def _picture(key: Key, job: Morphing) -> Pixels:
    if key.picture:
        return job.pictures[key.picture]
    request = job.morph.request
    target = target_picture(key.seed, request.width, request.height)
    return np.rint((target.transpose(1, 2, 0) + 1) * 127.5).astype(np.uint8)
