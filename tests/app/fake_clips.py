"""Descriptions of fake CLIPs and a fake classifier, and the fake engine's events for them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from app.core.document import Document
from engine.jobs.load import LoadClip
from engine.jobs.score import Concepts, Look, Score, StepScores
from engine.jobs.sweep import Sweep, SweepPoint, SweepStep
from engine.spec.guide_models import GuideInfo
from engine.spec.request import RequestError
from engine.store import RunReader
from tests.fakes.engine import FakeEngine, targets

CLIP = GuideInfo("emoji-clip", "Emoji CLIP", "in the box")
NOISED = GuideInfo("emoji-clip-noised", "Emoji CLIP, noised", "in the box", noisy=True)
STYLES = GuideInfo("styles", "Emoji styles", "in the box", noisy=True, labels=("noto", "twemoji", "3d"))
BROKEN = "/nowhere/broken.safetensors"
WHY_BROKEN = "The file broken.safetensors is cut short: copy it again."


def offer(document: Document) -> None:
    document.guidance.steering.offer([CLIP, NOISED], [STYLES])


def answer(fake: FakeEngine) -> None:
    """Scores that rise with the steps and differ by picture; concepts that go through the vocabulary with the steps."""
    fake.answers |= {Score: scored, Look: looked, LoadClip: loaded, Sweep: swept}


def score_of(k: int, image: int) -> float:
    """Of the guided x̂₀; pictures with odd numbers are better."""
    return 0.1 + 0.01 * k + (0.05 if image % 2 else 0.0)


def scored(job: Score) -> Iterator[StepScores]:
    loaded(LoadClip(job.clip))
    reader = RunReader(job.path)
    for k in range(job.start, len(reader.steps) if job.stop is None else job.stop):
        guided = np.array([[score_of(k, image) for image in range(len(reader.request.seeds))]], np.float32)
        yield StepScores(k, guided, guided / np.float32(2), 0.001)


def looked(job: Look) -> Iterator[Concepts]:
    loaded(LoadClip(job.clip))
    names = (job.vocabulary * 3)[job.k : job.k + job.count]
    yield Concepts(job.k, job.image, names, np.linspace(0.4, 0.1, len(names)).astype(np.float32))


def loaded(job: LoadClip) -> tuple[object, ...]:
    if job.clip == BROKEN:
        raise RequestError(WHY_BROKEN)
    return ()


def swept(job: Sweep) -> Iterator[SweepStep | SweepPoint]:
    for n, (value, request) in enumerate(zip(job.values, job.requests(), strict=True)):
        yield SweepStep(n, len(job.values))
        rgb = ((targets(request).transpose(0, 2, 3, 1) + 1) * 127.5).astype(np.uint8)
        scores = np.full(len(request.seeds), 0.1 + 0.02 * n, np.float32)
        diversity = 0.5 - 0.05 * n if len(request.seeds) > 1 else float("nan")
        yield SweepPoint(value, request, rgb, scores, diversity, 0.01 * (n + 1), 0.1)
