"""A sweep of a guidance scale: the same seeds at each value, what it gains and what it costs. An errand; torch-free.

CLIP's score says what is gained. What is lost is the look of the model's own pictures: `strain` says how far from them
the made ones are, and `diversity` how alike they have become. The points that nothing beats are the front.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engine.evaluate.pareto import Point, front
from engine.jobs.score import TOLD_EVERY, Floats
from engine.spec.guides import MAX_SCALE, Aim, aimed_at, pictures_of
from engine.spec.request import Request, RequestError

if TYPE_CHECKING:
    from torch import Tensor

    from engine.session import Session
    from engine.spec.edit import Inputs, Pixels
    from engine.types import Cond, Denoiser

STRAIN_SIGMA = 0.5
MAX_VALUES = 32


@dataclass(frozen=True, slots=True, eq=False)
class SweepStep:
    """How far a sweep is: `done` of `total` steps of all its runs."""

    done: int
    total: int


@dataclass(frozen=True, slots=True, eq=False)
class SweepPoint:
    """One value of a sweep.

    request   -- what makes these pictures (with its second stage, which the sweep leaves out)
    rgb       -- the pictures, uint8 (B, H, W, 3)
    scores    -- CLIP's, (B,)
    diversity -- how unlike the pictures are: mean of 1 − cosine over pairs, as CLIP sees them; NaN for one picture
    strain    -- how unlike the model's own they are: root mean square of x0 − D(x0 + σ·ε) at σ = ½ with the same
                 noise at every value, without a condition. What the model would not draw itself it does not get back
    seconds   -- that the runs took
    """

    value: float
    request: Request
    rgb: Pixels
    scores: Floats
    diversity: float
    strain: float
    seconds: float

    @property
    def score(self) -> float:
        """The mean of the pictures' scores."""
        return float(self.scores.mean())


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Sweep:
    """The same seeds at each of `values` of γ (over "guidance") or of the scale of guide `guide` (over "scale").

    Yields a SweepPoint for each, in the order given, and SweepSteps between. clip and aims say who scores: it may be
    another CLIP than the one that guides.
    """

    request: Request
    over: str
    values: tuple[float, ...]
    clip: str
    aims: tuple[Aim, ...]
    guide: int = 0
    pictures: tuple[Pixels, ...] = ()
    inputs: Inputs | None = None

    def requests(self) -> tuple[Request, ...]:
        """What is run, one for each value. RequestError for what cannot be swept."""
        if not 1 <= len(self.values) <= MAX_VALUES:
            raise RequestError(f"A sweep has 1 to {MAX_VALUES} values: choose fewer.")
        if self.over == "guidance":
            return tuple(replace(self.request, guidance=float(value)) for value in self.values)
        if self.over != "scale":
            raise RequestError(f"There is no sweep over “{self.over}”: choose guidance or scale.")
        guides = self.request.guides
        if not 0 <= self.guide < len(guides):
            raise RequestError("There is no such guide to sweep: add one.")
        before, after = guides[: self.guide], guides[self.guide + 1 :]
        swept = (replace(guides[self.guide], scale=float(value)) for value in self.values)
        return tuple(replace(self.request, guides=(*before, one, *after)) for one in swept)

    def run(self, session: Session, cancelled: Callable[[], bool]) -> Iterator[SweepStep | SweepPoint]:
        """Raises what a run raises, ModelError and RequestError."""
        from engine.guidance.clip_images import encode_images, to_numpy
        from engine.guidance.compose import encode_aims
        from engine.paths import path_of
        from engine.plan import plan

        clip = session.library.clip(self.clip)
        aims = encode_aims(clip, self.aims, aimed_at(self.aims, self.pictures))
        requests = [_small(request) for request in self.requests()]
        total, done, told = sum(len(path_of(request)) for request in requests), 0, 0.0
        for value, request, whole in zip(self.values, requests, self.requests(), strict=True):
            began, model = time.monotonic(), session.model(request)
            pictures = pictures_of(request.guides, self.pictures)
            planned = plan(request, model, cancelled, self.inputs, pictures, session.library)
            for step in planned.steps():
                x, done = step.move.x, done + 1
                if time.monotonic() - told > TOLD_EVERY:
                    told = time.monotonic()
                    yield SweepStep(done, total)
            seconds = time.monotonic() - began
            rgb = session.picture(request, x, inputs=self.inputs)
            seen = encode_images(
                clip, (rgb.transpose(0, 3, 1, 2) / np.float32(127.5) - 1).astype(np.float32), cancelled
            )
            strain = _strain(request, model.denoiser, model.condition("", None), x, cancelled)
            scores = to_numpy(aims.score(seen[:, None])[:, 0])
            yield SweepPoint(value, whole, rgb, scores, _diversity(seen), strain, seconds)


def best(points: Sequence[SweepPoint]) -> tuple[int, ...]:
    """Which points nothing else beats in both score and strain, by rising strain: their places in `points`."""
    named = [Point(str(k), point.strain, point.score) for k, point in enumerate(points)]
    return tuple(int(point.name) for point in front(named))


def spread(low: float, high: float, count: int) -> tuple[float, ...]:
    """`count` values from low to high: evenly in the logarithm where both are above 0, else evenly."""
    if not (np.isfinite(low) and np.isfinite(high) and -MAX_SCALE <= low <= high <= MAX_SCALE):
        raise RequestError("A sweep goes from one number up to another: set both.")
    space = np.geomspace if low > 0 else np.linspace
    return tuple(float(f"{value:.3g}") for value in space(low, high, count))


def _small(request: Request) -> Request:
    """Without its second stage, where the first one finishes its pictures."""
    second = request.enlargement
    edits = request.edit is not None  # its picture has the size of what the second stage makes
    return request if second is None or second.truncated or edits else replace(request, enlargement=None)


def _diversity(seen: Tensor) -> float:
    n = len(seen)
    if n < 2:
        return float("nan")
    cosines = (seen @ seen.T).double()
    return float(1 - (cosines.sum() - cosines.trace()) / (n * (n - 1)))


def _strain(request: Request, denoiser: Denoiser, cond: Cond, x0: Tensor, cancelled: Callable[[], bool]) -> float:
    import torch

    from engine.meter import MICRO_BATCH, Meter
    from engine.noise import TRANSFORM, Noise

    with torch.no_grad():
        noisy = x0 + STRAIN_SIGMA * Noise(request.seeds).of(TRANSFORM).normal(x0)
        again = Meter(denoiser, MICRO_BATCH, cancelled=cancelled)(noisy, STRAIN_SIGMA, cond)
        return float((x0 - again).square().mean().sqrt())
