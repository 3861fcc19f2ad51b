"""Events of a fake engine for likelihood jobs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.jobs.likelihood import Elbo, ElboTerms, Likelihood, LogDensity, Working
from engine.spec.request import RequestError
from tests.fakes.engine import FakeEngine

SIGMAS = np.array([10.0, 1.0, 0.1, 0.01])
BITS = np.array([0.5, 2.0, 0.25])


def surprise(width: int = 24, height: int = 16) -> NDArray[np.float64]:
    """Bits by pixel (height, width): 1 everywhere, and 9 in the region of 4 × 4 at row 1, column 2."""
    pixels = np.ones((height, width))
    pixels[4:8, 8:12] = 9.0
    return pixels


def terms(job: Elbo) -> ElboTerms:
    height, width = job.rgb.shape[:2]
    return ElboTerms(
        sigmas=SIGMAS, terms=BITS, l_T=0.125, l_0=1.0, total=3.875, stderr=0.02, rate=np.array([0.0, 0.5, 2.5, 2.75]),
        distortion=np.array([90.0, 60.0, 20.0, 4.0]), pixels=surprise(width, height), done=1, draws=1, calls=3,
        dims=3 * width * height,
    )  # fmt: skip


def density(probe: int, probes: int) -> LogDensity:
    error = float("nan") if probe == 1 else 0.05
    return LogDensity(
        probe=probe, probes=probes, calls=100 * probe, logp=-1234.5, stderr=60 * error, bits_dim=3.5 + probe / 100,
        bits_stderr=error, dims=1152, sigma_min=0.01, sigma_max=80.0, prior_std=80.0, tol=1e-3,
    )  # fmt: skip


class Judge:
    """Answers for a FakeEngine: a word of progress and the terms, then a density for each probe.

    failing -- what goes wrong along the flow, in a sentence
    """

    def __init__(self, fake: FakeEngine, failing: str = "") -> None:
        self.failing = failing
        fake.answers[Elbo] = self._elbo
        fake.answers[Likelihood] = self._flow

    def _elbo(self, job: Elbo) -> Iterator[object]:
        yield Working(0.5, 1)
        yield terms(job)

    def _flow(self, job: Likelihood) -> Iterator[object]:
        if self.failing:
            raise RequestError(self.failing)
        for probe in range(1, job.probes + 1):
            yield density(probe, job.probes)
