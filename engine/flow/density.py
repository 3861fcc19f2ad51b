"""Bits per dimension of 8-bit pictures, by the change of variables along the flow."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.jobs.likelihood import (
    OFFSET,
    LogDensity,
    Working,
    bits_per_dim,
    check_picture,
    conditional_request,
    pixel_model,
)
from engine.layout import canonical, from_array
from engine.noise import DEQUANTISE, Noise
from engine.ode import SolveProgress, density
from engine.plan import plan
from engine.precision import wide
from engine.spec.request import RequestError

if TYPE_CHECKING:
    from engine.jobs.job import Caller, Event
    from engine.jobs.likelihood import Likelihood
    from engine.session import Session
    from engine.spec.edit import Pixels
    from engine.spec.request import Request
    from engine.types import Model

PAUSE = 0.05  # seconds between two progress events within a solve


class Bits(NamedTuple):
    """For each picture, (B,): bits per dimension with the offset added, and the log density in nats."""

    bits_dim: Tensor
    logp: Tensor
    calls: int


def levels(rgb: Pixels, model: Model) -> Tensor:
    """Convert pictures (B, h, w, 3) to the levels of the model's channels, (B, C, h, w) in 0 … 255: grey for a grey
    model.

    Raises RequestError for a model of latents.
    """
    if not model.codec.identity:
        raise RequestError(f"Bits are of pixels, and the model “{model.id}” works on latents: choose another.")
    image = from_array(rgb, model.device).permute(0, 3, 1, 2)
    state = model.codec.encode(canonical(wide(image) / 127.5 - 1))
    return canonical((state + 1) * 127.5).round()


def dequantise(level: Tensor, noise: Noise, draw: int = 0) -> Tensor:
    """Levels 0 … 255 (B, …) → float32 pictures, each number uniform in its bin: (k + u − ½)/127.5 − 1, 0 ≤ u ≤ 1.

    The middle of a bin is k/127.5 − 1, the value that models are trained on: the outermost bins reach past −1 and 1.
    """
    normal = noise.of(DEQUANTISE).normal(level, draw)
    return ((level + torch.special.ndtr(normal) - 0.5) / 127.5 - 1).float()


def bits(
    model: Model,
    request: Request,
    level: Tensor,
    seeds: Sequence[int],
    draw: int = 0,
    tol: float = 1e-3,
    sigma_min: float | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Generator[SolveProgress, None, Bits]:
    """Solve once for each of several pictures, given as levels (B, C, h, w), with its own dequantisation noise and
    probe.

    Other values of `draw` give independent noise and probes. The mean over draws is the estimate, and their spread
    includes both sources of error. Yields the progress and returns Bits. Raises the errors of engine.ode.density.
    """
    low, high = ends(request, sigma_min)
    found = yield from density(
        plan(request, model, cancelled).denoiser,
        dequantise(level, Noise(seeds), draw),
        low,
        high,
        model.schedule.start_std(high),
        Noise(seeds),
        1,
        tol,
        first=draw,
        cancelled=cancelled,
    )
    dims = level[0].numel()
    return Bits(-found.logp / (dims * math.log(2)) + OFFSET, found.logp, found.calls)


def ends(request: Request, sigma_min: float | None = None) -> tuple[float, float]:
    """Return the lowest and the highest level of the flow: the request's last level above 0, or sigma_min, and its
    first.
    """
    low = min(s for s in request.sigmas if s > 0) if sigma_min is None else sigma_min
    if not 0 < low < request.sigmas[0]:
        raise RequestError(f"The law's noise level must lie above 0 and below {request.sigmas[0]:g}.")
    return low, request.sigmas[0]


def likelihood(job: Likelihood, session: Session, caller: Caller) -> Iterator[Event]:
    """The doer of engine.jobs.likelihood.Likelihood."""
    info = pixel_model(session.infos, job.model)
    request, rgb = conditional_request(info, job.prompt, job.label), check_picture(info, job.rgb)
    model = session.model(request)
    level = levels(rgb[None], model)
    (low, high), dims = ends(request, job.sigma_min), level.numel()
    found: list[float] = []
    calls, last_sent = 0, -math.inf
    for draw in range(job.probes):
        solve = bits(model, request, level, [job.seed], draw, job.tol, job.sigma_min, caller.cancelled)
        while True:
            try:
                along = next(solve)
            except StopIteration as end:
                one: Bits = end.value
                break
            if time.monotonic() - last_sent > PAUSE:
                last_sent = time.monotonic()
                yield Working((draw + along.done) / job.probes, calls + along.calls)
        found.append(one.logp.item())
        calls += one.calls
        mean, stderr = mean_and_stderr(np.array(found))
        yield LogDensity(
            probe=draw + 1,
            probes=job.probes,
            calls=calls,
            logp=mean,
            stderr=stderr,
            bits_dim=bits_per_dim(mean, dims),
            bits_stderr=stderr / (dims * math.log(2)),
            dims=dims,
            sigma_min=low,
            sigma_max=high,
            prior_std=model.schedule.start_std(high),
            tol=job.tol,
        )


def mean_and_stderr(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean and its standard error, NaN for a single value."""
    spread = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return float(values.mean()), float(spread)
