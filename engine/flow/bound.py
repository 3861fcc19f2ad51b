"""The variational bound (ELBO), term by term: at which noise levels and in which pixels the bits of a picture are.

It bounds the same quantity as engine.flow.density: −log p of the dequantised picture x, taken as a state at the least
level σ_n, in the same bins. The chain σ_0 > σ_1 > … > σ_n moves as the sampler DDPM does, by D with the variance β̃ (Ho
et al. 2020, equation 7, in σ),

    p(x_σ' | x_σ) = N(D + (σ'²/σ²)(x_σ − D), β)        β = σ'²(σ² − σ'²)/σ²

and x gets noise from σ_n on: x_σ = x + τ·ε with τ² = σ² − σ_n². What D says of x itself is x̂ = x_σ + (τ²/σ²)(D − x_σ).
Then the bound (Ho et al. 2020, equation 5) is L_T + Σ L_k + L_0 with

    L_T = KL(N(x, τ_0²) ‖ N(0, prior²))
    L_k = KL(q(x_σ' | x_σ, x) ‖ p(x_σ' | x_σ)) = ½·w·(x̂ − x)² + ½(r − 1 − ln r)
          w = σ²(σ² − σ'²)/(τ⁴σ'²)        r = τ'²σ²/(τ²σ'²)
    L_0 = −log p(x | x_σ(n−1)) = ½(x̂ − x)²/β + ½ ln(2πβ)

All are sums over the numbers of a picture, so each pixel has its share. With σ_n → 0 the weights of the L_k are Ho et
al.'s own, w = 1/σ'² − 1/σ² and r = 1.

Under the exact D of a normal law the mean of the bound over pictures of that law is at least the mean of −log p, and
as the steps become many it tends to −log p for each picture. For a trained net the bound is of the chain's law and
the change of variables of the flow's law: two models, neither of which is promised to be the larger.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.adaptive import FlowError
from engine.flow.density import PAUSE, dequantise, ends, levels, mean_and_stderr
from engine.jobs.likelihood import OFFSET, ElboTerms, Working, check_picture, conditional_request, pixel_model
from engine.meter import MICRO_BATCH
from engine.noise import FORWARD, Noise
from engine.plan import plan
from engine.precision import wide

if TYPE_CHECKING:
    from engine.jobs.job import Caller, Event
    from engine.jobs.likelihood import Elbo
    from engine.session import Session
    from engine.types import Denoiser, NoiseSource

BITS = 1 / math.log(2)


class Terms(NamedTuple):
    """One draw of every term for a picture x (C, h, w), in nats, number by number.

    prior (C, h, w) -- L_T
    steps (n − 1, C, h, w) -- L_k of the step from sigmas[k] to sigmas[k + 1]
    last (C, h, w) -- L_0, of a density: L_0 is negative where the last step is shorter than a level
    error (n, C, h, w) -- x̂ − x at sigmas[0] … sigmas[n − 1]
    """

    prior: Tensor
    steps: Tensor
    last: Tensor
    error: Tensor


def noise_in(sigmas: Tensor) -> Tensor:
    """τ² of each level of a descending chain, (n + 1,) float64: the variance that x has got there, 0 at the last."""
    low = sigmas[-1]
    return (sigmas - low) * (sigmas + low)


def prior_term(x: Tensor, tau: float, std: float) -> Tensor:
    """KL(N(x, τ²) ‖ N(0, std²)) of each number, in nats."""
    ratio = (tau / std) ** 2
    return 0.5 * (ratio - 1 - math.log(ratio)) + x.double() ** 2 / (2 * std**2)


def step_terms(error: Tensor, sigmas: Sequence[float]) -> Tensor:
    """L_k of each step but the last, in nats: error (n, …), x̂ − x at each level, → (n − 1, …)."""
    s = torch.tensor(sigmas, dtype=torch.float64)
    tau = noise_in(s)
    high, low = s[:-2], s[1:-1]
    weight = high**2 * (high - low) * (high + low) / (tau[:-2] ** 2 * low**2)
    ratio = tau[1:-1] * high**2 / (tau[:-2] * low**2)
    column = -1, *[1] * (error.ndim - 1)
    return 0.5 * (weight.view(column) * error[:-1] ** 2 + (ratio - 1 - ratio.log()).view(column))


def last_term(error: Tensor, sigma: float, low: float) -> Tensor:
    """L_0 of each number in nats, of the step from σ down to the picture at `low`, by its x̂ − x at σ."""
    variance = low**2 * (sigma - low) * (sigma + low) / sigma**2
    return 0.5 * (error**2 / variance + math.log(2 * math.pi * variance))


def draw(
    d: Denoiser, x: Tensor, sigmas: Sequence[float], std: float, noise: NoiseSource, number: int
) -> Iterator[float | Terms]:
    """One draw of all terms: each level has noise of its own. Yields the share that is done, 0 … 1, then the Terms.

    x (C, h, w) is a state at sigmas[-1]; D sees it with further noise, at MICRO_BATCH levels in one call.
    """
    errors: list[Tensor] = []
    at = noise.of(FORWARD)
    chained = torch.tensor(sigmas, dtype=torch.float64)
    variance = noise_in(chained)
    for k in range(0, len(sigmas) - 1, MICRO_BATCH):
        some = chained[:-1][k : k + MICRO_BATCH]
        fresh = torch.cat([at.at(k + j).normal(x[None], number) for j in range(len(some))])
        level, tau2 = (v.to(wide(x)).reshape(-1, *[1] * x.ndim) for v in (some, variance[k : k + len(some)]))
        states = (wide(x)[None] + tau2.sqrt() * wide(fresh)).to(x.dtype)
        with torch.no_grad():
            estimate = wide(d(states, some.to(x.device)))
        errors.append(wide(states) + tau2 / level**2 * (estimate - wide(states)) - wide(x)[None])
        yield min(1.0, (k + MICRO_BATCH) / (len(sigmas) - 1))
    error = torch.cat(errors).cpu().double()
    if not error.isfinite().all():
        raise FlowError("The model returned values that are not numbers: its weights are damaged, install it again.")
    yield Terms(
        prior_term(x.cpu(), variance[0].sqrt().item(), std),
        step_terms(error, sigmas),
        last_term(error[-1], sigmas[-2], sigmas[-1]),
        error,
    )


class Mean:
    """The mean of all terms over several draws, in bits."""

    def __init__(self, sigmas: Sequence[float], draws: int) -> None:
        self.sigmas, self.draws = np.array(sigmas[:-1]), draws
        self._totals: list[float] = []
        self._sums: tuple[Tensor, ...] = ()

    def add(self, terms: Terms) -> None:
        last = terms.last * BITS + OFFSET
        bits = (terms.prior + terms.steps.sum(0)) * BITS + last
        curve, square = terms.steps.flatten(1).sum(1) * BITS, terms.error.flatten(1).square().mean(1)
        ends = torch.stack([terms.prior.sum() * BITS, last.sum()])
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
    info = pixel_model(session.infos, job.model)
    request, rgb = conditional_request(info, job.prompt, job.label), check_picture(info, job.rgb)
    model = session.model(request)
    planned = plan(request, model, caller.cancelled)
    level = levels(rgb[None], model)
    low, high = ends(request, job.sigma_min)
    sigmas = chain(high, low, job.levels)
    mean, last_sent = Mean(sigmas, job.draws), -math.inf
    noise = Noise([job.seed])
    for number in range(job.draws):
        x = dequantise(level, noise, number)[0]
        for part in draw(planned.denoiser, x, sigmas, model.schedule.start_std(high), noise, number):
            if isinstance(part, Terms):
                mean.add(part)
            elif time.monotonic() - last_sent > PAUSE:
                last_sent = time.monotonic()
                yield Working((number + part) / job.draws, planned.meter.calls)
        yield mean.terms(planned.meter.calls)
