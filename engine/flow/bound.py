"""The variational bound (ELBO), term by term: at which noise levels and in which pixels the bits of a picture are.

A chain σ_0 > σ_1 > … > σ_n with the means of D and the variances β̃ has the bound (Ho et al. 2020, equation 5, in σ)

    L_T = KL(N(x0, σ_0²) ‖ N(0, prior²))
    L_k = KL(q(x_σ' | x_σ, x0) ‖ p(x_σ' | x_σ)) = ½(1/σ'² − 1/σ²)·‖x0 − D(x_σ, σ)‖²
    L_0 = −log P(x0 | x_σn)

P is a normal law around D(x_σn) of deviation σ_n; each level 0 … 255 has its own interval of it, and the outermost
intervals reach to infinity. All terms are sums over the numbers of a picture, so each pixel has its share.

For data from N(m, s²) the sum of the L_k tends to ½ ln(1 + s²/σ_n²) as the steps become many: ∫ ½ mmse dSNR (Guo,
Shamai & Verdú 2005; Kingma et al. 2021 for its use here).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.flow.density import PAUSE, ends, levels, mean_and_stderr
from engine.jobs.likelihood import ElboTerms, Working, check_picture, conditional, model_info
from engine.noise import FORWARD, Noise
from engine.plan import MICRO_BATCH, plan
from engine.precision import wide

if TYPE_CHECKING:
    from engine.jobs.job import Caller, Event
    from engine.jobs.likelihood import Elbo
    from engine.session import Session
    from engine.types import Denoiser, NoiseSource

HALF = 1 / 255  # half a level in [−1, 1]
BITS = 1 / math.log(2)


class Terms(NamedTuple):
    """One draw of every term of a picture x0 (C, h, w), in nats, for each number.

    prior (C, h, w) -- L_T
    steps (n, C, h, w) -- L_k of the step from sigmas[k] to sigmas[k + 1]
    last (C, h, w) -- L_0
    error (n + 1, C, h, w) -- x̂₀ − x0 at each level
    """

    prior: Tensor
    steps: Tensor
    last: Tensor
    error: Tensor


def weights(sigmas: Sequence[float]) -> Tensor:
    """Return ½(1/σ'² − 1/σ²) of each step of a descending chain, (n,) float64."""
    snr = torch.tensor(sigmas, dtype=torch.float64) ** -2
    return 0.5 * (snr[1:] - snr[:-1])


def prior_term(x0: Tensor, sigma: float, std: float) -> Tensor:
    """Return KL(N(x0, σ²) ‖ N(0, std²)) of each number, in nats."""
    ratio = (sigma / std) ** 2
    return 0.5 * (ratio - 1 - math.log(ratio)) + x0.double() ** 2 / (2 * std**2)


def last_term(x0: Tensor, mean: Tensor, sigma: float, half: float = HALF) -> Tensor:
    """Return −log of the probability that N(mean, σ²) gives to the level of x0, in nats; the outermost levels are half
    lines.
    """
    x0, mean = x0.double(), mean.double()
    above = torch.where(x0 > 1 - half, torch.inf, (x0 + half - mean) / sigma)
    below = torch.where(x0 < -1 + half, -torch.inf, (x0 - half - mean) / sigma)
    # in the tail compute Φ(b) − Φ(a) on the side where both are small, to keep the digits
    flip = below > 0
    upper, lower = torch.where(flip, -below, above), torch.where(flip, -above, below)
    log_upper, log_lower = torch.special.log_ndtr(upper), torch.special.log_ndtr(lower)
    return -(log_upper + torch.log1p(-(log_lower - log_upper).exp()))


def draw(
    d: Denoiser, x0: Tensor, sigmas: Sequence[float], std: float, noise: NoiseSource, number: int
) -> Iterator[float | Terms]:
    """Draw all terms once, with its own noise at each level. Yields the progress, 0 … 1, and at the end the Terms.

    d is called with x0 (C, h, w) plus noise at MICRO_BATCH levels at once.
    """
    errors: list[Tensor] = []
    at = noise.of(FORWARD)
    for k in range(0, len(sigmas), MICRO_BATCH):
        some = torch.tensor(sigmas[k : k + MICRO_BATCH], dtype=torch.float64)
        fresh = torch.cat([at.at(k + j).normal(x0[None], number) for j in range(len(some))])
        column = some.to(wide(x0)).reshape(-1, *[1] * x0.ndim)
        states = (wide(x0)[None] + column * wide(fresh)).to(x0.dtype)
        with torch.no_grad():
            errors.append(wide(d(states, some.to(x0.device))) - wide(x0)[None])
        yield min(1.0, (k + MICRO_BATCH) / len(sigmas))
    error = torch.cat(errors).cpu().double()
    picture = x0.cpu().double()
    w = weights(sigmas).reshape(-1, *[1] * x0.ndim)
    yield Terms(
        prior_term(picture, sigmas[0], std),
        w * error[:-1] ** 2,
        last_term(picture, picture + error[-1], sigmas[-1]),
        error,
    )


class Mean:
    """The mean of all terms over several draws, in bits."""

    def __init__(self, sigmas: Sequence[float], draws: int) -> None:
        self.sigmas, self.draws = np.array(sigmas), draws
        self._totals: list[float] = []
        self._sums: tuple[Tensor, ...] = ()

    def add(self, terms: Terms) -> None:
        bits = (terms.prior + terms.steps.sum(0) + terms.last) * BITS
        curve, square = terms.steps.flatten(1).sum(1) * BITS, terms.error.flatten(1).square().mean(1)
        ends = torch.stack([terms.prior.sum(), terms.last.sum()]) * BITS
        parts = bits.sum(0), curve, square, ends
        self._sums = tuple(map(torch.add, self._sums, parts)) if self._sums else parts
        self._totals.append(bits.sum().item())
        self.dims = bits.numel()

    def terms(self, calls: int) -> ElboTerms:
        pixels, curve, square, ends = (part.numpy() / len(self._totals) for part in self._sums)
        total, stderr = mean_and_stderr(np.array(self._totals) / self.dims)
        terms, (l_T, l_0) = curve / self.dims, ends / self.dims
        return ElboTerms(
            sigmas=self.sigmas,
            terms=terms,
            l_T=float(l_T),
            l_0=float(l_0),
            total=total,
            stderr=stderr,
            rate=l_T + np.concatenate([[0.0], terms.cumsum()]),
            distortion=np.sqrt(square) * 127.5,
            pixels=pixels,
            done=len(self._totals),
            draws=self.draws,
            calls=calls,
            dims=self.dims,
        )


def chain(high: float, low: float, n: int) -> tuple[float, ...]:
    """Return n steps even in log σ from `high` down to `low`, both exactly included."""
    return (high, *np.geomspace(high, low, n + 1)[1:-1].tolist(), low)


def elbo(job: Elbo, session: Session, caller: Caller) -> Iterator[Event]:
    """The doer of engine.jobs.likelihood.Elbo."""
    info = model_info(session.infos, job.model)
    request, rgb = conditional(info, job.prompt, job.label), check_picture(info, job.rgb)
    model = session.model(request)
    planned = plan(request, model, caller.cancelled)
    x0 = (levels(rgb[None], model)[0] / 127.5 - 1).float()
    low, high = ends(request)
    sigmas = chain(high, low, job.levels)
    mean, last_sent = Mean(sigmas, job.draws), -math.inf
    for number in range(job.draws):
        for part in draw(planned.denoiser, x0, sigmas, model.schedule.start_std(high), Noise([job.seed]), number):
            if isinstance(part, Terms):
                mean.add(part)
            elif time.monotonic() - last_sent > PAUSE:
                last_sent = time.monotonic()
                yield Working((number + part) / job.draws, planned.meter.calls)
        yield mean.terms(planned.meter.calls)
