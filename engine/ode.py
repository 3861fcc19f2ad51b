"""Solve the probability-flow ODE to a tolerance (encode, decode), and compute log densities along it (likelihood).

dx/dσ = ε̂ = (x − D)/σ for every schedule (Song et al. 2021, equation 13, in the notation of docs/engine.md). It is
solved on a circle: with φ = arctan σ, the state y = x·cos φ has unit scale at every level, and

    dy/dφ = v = (ε̂ − σ·D)/√(1+σ²)          tr ∂v/∂y = (d − (1+σ²)·tr ∂D/∂x)/σ

are bounded at both ends (v is the velocity, φ the angle of Salimans & Ho 2022). The solver steps in t = √φ: even steps
in φ are too coarse near the picture, even steps in log σ too fine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.adaptive import FlowError, Integration, StepLimit, Stretch
from engine.errors import Cancelled
from engine.noise import PROBE, Noise
from engine.paths import ascending, descending
from engine.precision import wide
from engine.rules import RULES
from engine.run import run
from engine.types import Hop, Move, Step

if TYPE_CHECKING:
    from engine.types import Denoiser, NoiseSource, Path

TOL = 1e-4  # error of one step, for a picture in [−1, 1] and for noise of unit variance
MAX_CALLS = 2000  # evaluations of D for one picture
FLOOR = 1e-4  # stands for σ = 0, where ε̂ is 0/0

Prior = Callable[[Tensor], Tensor]  # x (B, …) → its log density in nats (B,)

__all__ = [
    "FLOOR",
    "MAX_CALLS",
    "TOL",
    "Density",
    "FlowError",
    "StepLimit",
    "density",
    "SolveProgress",
    "logp",
    "solve",
    "solve_on_levels",
]


def solve(
    denoiser: Denoiser,
    x: Tensor,
    sigma_from: float,
    sigma_to: float,
    tol: float = TOL,
    *,
    floor: float = FLOOR,
    max_calls: int = MAX_CALLS,
    cancelled: Callable[[], bool] = lambda: False,
    whole: bool = True,
) -> Iterator[Step]:
    """Carry x (B, …) along the flow from one noise level to another, up or down; the last Step's move.x is the result.

    Each image has its own error control: it takes the same steps as alone, while D evaluates all images at once, each
    at its own σ. A Step is yielded whenever the slowest image has advanced, from its old level to its new one; for a
    single image these are its own steps. Images that are ahead are interpolated to that level (third order); the result
    is never interpolated. A Step's x̂₀ belongs to its first level.

    tol       -- allowed error of a step: RMS over the picture, relative to 1 + |y|, y the state at unit scale
    floor     -- stands for σ = 0. Downwards the last hop goes to D, as in every sampler. Upwards the first hop is one
                 explicit step, which undoes that one up to the order of floor²
    max_calls -- most evaluations of D for an image
    cancelled -- called before each evaluation; a Meter below D does the same before each net call
    whole     -- whether D must receive the whole batch each time, because its condition has one row for each image;
                 False leaves finished images out

    States keep x's dtype, the arithmetic is float64. Raises FlowError for a state or levels that are not finite and for
    a tolerance that cannot be held; StepLimit, a FlowError, where max_calls do not suffice; Cancelled.
    """
    _check(x, sigma_from, sigma_to, tol)
    flow = _Flow(denoiser, x, cancelled)
    floor = min(floor, max(sigma_from, sigma_to))
    begin, end = sigma_from or floor, sigma_to or floor
    i = 0
    if sigma_from == 0:
        x0 = flow.denoise(x, floor)
        ahead = (2 * wide(x) - wide(x0)).to(x.dtype)  # x + floor·ε̂
        yield _step(i, 0.0, floor, 1, x, x0, ahead)
        x, i = ahead, i + 1
    for step in _steps(flow, x, begin, end, tol, max_calls, whole, i):
        yield step
        x, i = step.move.x, step.i + 1
    if sigma_to == 0:
        x0 = flow.denoise(x, floor)
        yield _step(i, floor, 0.0, 1, x, x0, x0)


def solve_on_levels(denoiser: Denoiser, x: Tensor, sigmas: Sequence[float], rule: str = "heun") -> Iterator[Step]:
    """Follow the flow along fixed levels, all ascending or all descending, with a sampler that draws no noise.

    x (B, …) is a state at sigmas[0], which is above 0 where the levels ascend; `rule` is a key of engine.rules.RULES.
    Raises ValueError for levels that neither ascend nor descend, for an unknown sampler and for one that draws noise.
    """
    if rule not in RULES or RULES[rule].stochastic:
        have = ", ".join(name for name, known in RULES.items() if not known.stochastic)
        raise ValueError(f"The flow cannot be followed by “{rule}”: choose one of {have}.")
    path: Path = ascending(sigmas) if sigmas[0] < sigmas[-1] else descending(sigmas)
    return run(denoiser, path, RULES[rule], x, Noise(range(len(x))))


class SolveProgress(NamedTuple):
    """Progress of a solve: the finished share of the way, 0 … 1, of its slowest image, and the evaluations so far."""

    done: float
    calls: int


class Density(NamedTuple):
    """log p of each picture, and its parts.

    logp, stderr -- (B,) nats; the standard error of the mean over the probes, NaN for one probe
    each  -- (probes, B), log p by each probe
    prior -- (B,) log density of x
    x     -- (B, …) the state at the end of the flow, at sigma_max
    calls -- evaluations of D, each with `probes` backward passes
    """

    logp: Tensor
    stderr: Tensor
    each: Tensor
    prior: Tensor
    x: Tensor
    calls: int


def density(
    denoiser: Denoiser,
    x: Tensor,
    sigma_min: float,
    sigma_max: float,
    prior: Prior | float,
    noise: NoiseSource,
    probes: int = 8,
    tol: float = TOL,
    *,
    first: int = 0,
    max_calls: int = MAX_CALLS,
    cancelled: Callable[[], bool] = lambda: False,
) -> Generator[SolveProgress, None, Density]:
    """Compute logp() as a generator: yield the progress after each round, return a Density.

    `first` is the number of the first probe: probes with different numbers are independent draws.
    """
    _check(x, sigma_min, sigma_max, tol)
    if not 0 < sigma_min < sigma_max:
        raise FlowError("A density needs two noise levels above 0, the smaller one first.")
    if probes < 1:
        raise ValueError("A density needs at least one probe.")
    at = noise.of(PROBE)
    signs = [torch.where(at.normal(x, draw=first + k) < 0, -1.0, 1.0).to(x.dtype) for k in range(probes)]
    flow = _Flow(denoiser, x, cancelled, signs)
    size = x[0].numel()
    start = torch.cat([flow.unit(x, sigma_min), wide(x).new_zeros(len(x), probes)], 1)
    t0, t1 = _t(sigma_min), _t(sigma_max)
    way = Integration(flow.velocity_and_divergence, start, t0, t1, _error(tol, size), max_calls)
    front = _Front(len(x), t0)
    for done in _without_gradients(iter(way)):
        front.advance(done)
        yield SolveProgress((front.t - t0) / (t1 - t0), way.calls)
    end = front.states(t1)[0]
    top = flow.state(sigma_max, end[:, :size])
    with torch.no_grad():
        log_prior = _normal_logp(top, float(prior)) if isinstance(prior, float | int) else prior(top).double()
    scale = 0.5 * size * (math.log1p(sigma_max**2) - math.log1p(sigma_min**2))  # log of the volume of y over that of x
    each = log_prior + scale + size * end[:, size:].T.double()
    spread = each.std(0) / math.sqrt(probes) if probes > 1 else torch.full_like(log_prior, math.nan)
    return Density(each.mean(0), spread, each, log_prior, top, way.calls)


def logp(
    denoiser: Denoiser,
    x: Tensor,
    sigma_min: float,
    sigma_max: float,
    prior: Prior | float,
    noise: NoiseSource,
    probes: int = 8,
    tol: float = TOL,
    *,
    max_calls: int = MAX_CALLS,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Tensor, Tensor]:
    """Compute (log p, its standard error), (B,) float64 in nats, of states x (B, …) under the model at sigma_min.

    The instantaneous change of variables (Chen et al. 2018; Song et al. 2021, equation 39):

        log p(x) = log prior(x_T) + ∫ tr(∂ε̂/∂x) dσ     from sigma_min to sigma_max along the flow from x to x_T

    The trace is estimated by Hutchinson's zᵀ(∂ε̂/∂x)z, z of random signs, with one z per probe for the whole solve
    (Grathwohl et al. 2019): each probe gives an unbiased estimate, and the standard error is over the probes (NaN with
    one). All probes share one trajectory: an evaluation costs one forward pass and `probes` backward passes.

    prior -- log density of x_T at sigma_max, a function (B, …) → (B,), or the std of a normal prior
    noise -- the probes are drawn from it; one seed per image
    tol   -- as in solve(), also for the log density per dimension
    Raises as solve() does.
    """
    found = _return_value(
        density(denoiser, x, sigma_min, sigma_max, prior, noise, probes, tol, max_calls=max_calls, cancelled=cancelled)
    )
    return found.logp, found.stderr


def _return_value(parts: Generator[SolveProgress, None, Density]) -> Density:
    while True:
        try:
            next(parts)
        except StopIteration as end:
            return end.value


def _normal_logp(x: Tensor, std: float) -> Tensor:
    """Compute log N(x; 0, std²I), (B,) float64."""
    flat = x.flatten(1).double()
    return -0.5 * (flat.square().sum(1) / std**2 + flat.shape[1] * math.log(2 * math.pi * std**2))


@dataclass(frozen=True, slots=True)
class _Flow:
    """The vector field dy/dt of the flow, for states like `like`; `signs` are the probes of its divergence."""

    denoiser: Denoiser
    like: Tensor
    cancelled: Callable[[], bool]
    signs: Sequence[Tensor] = ()

    @torch.no_grad()
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        self._check_cancelled()
        return self.denoiser(x, sigma)

    def velocity(self, t: np.ndarray, y: Tensor, at: np.ndarray) -> Tensor:
        """Compute dy/dt (B, n)."""
        self._check_cancelled()
        s, sigma = self._levels(t, y)
        x = (y * (1 + s * s).sqrt()).to(self.like.dtype).reshape(len(y), *self.like.shape[1:])
        with torch.no_grad():
            x0 = self.denoiser(x, sigma)
        return self._slope(y, wide(x0).flatten(1), s, t)

    def velocity_and_divergence(self, t: np.ndarray, y: Tensor, at: np.ndarray) -> Tensor:
        """Compute dy/dt and, in one more column for each probe, d(log density)/dt per dimension: (B, n + probes)."""
        self._check_cancelled()
        size = y.shape[1] - len(self.signs)
        s, sigma = self._levels(t, y)
        x = (y[:, :size] * (1 + s * s).sqrt()).to(self.like.dtype).reshape(len(y), *self.like.shape[1:])
        traces: list[Tensor] = []
        with torch.enable_grad():
            x.requires_grad_()
            x0 = self.denoiser(x, sigma)
            for k, signs in enumerate(self.signs):
                if not x0.requires_grad:  # D does not depend on x
                    traces.append(y.new_zeros(len(y)))
                    continue
                (back,) = torch.autograd.grad(x0, x, signs[at], retain_graph=k + 1 < len(self.signs))
                traces.append((wide(back) * wide(signs[at])).flatten(1).sum(1))
        spread = (size - (1 + s * s) * torch.stack(traces, 1)) / s
        step = torch.from_numpy(2 * t).to(y)[:, None]
        return torch.cat([self._slope(y[:, :size], wide(x0.detach()).flatten(1), s, t), step * spread / size], 1)

    def unit(self, x: Tensor, sigma: float) -> Tensor:
        """Scale a state at one level to y, (B, n)."""
        return wide(x).flatten(1) / math.sqrt(1 + sigma**2)

    def state(self, sigma: float, y: Tensor) -> Tensor:
        """Scale y (B, n) at one level back to a state, in the shape and dtype of `like`."""
        return (y * math.sqrt(1 + sigma**2)).to(self.like.dtype).reshape(self.like.shape)

    def x0(self, sigma: float, y: Tensor, slope: Tensor) -> Tensor:
        """Compute x̂₀ = y·cos φ − v·sin φ from y and dy/dt at one level."""
        v = slope / (2 * _t(sigma))
        return ((y - sigma * v) / math.sqrt(1 + sigma**2)).to(self.like.dtype).reshape(self.like.shape)

    def _levels(self, t: np.ndarray, y: Tensor) -> tuple[Tensor, float | Tensor]:
        """Return σ of each row as a column, and σ as D's argument: one float where all rows share it, else (B,)."""
        levels = np.tan(t**2)
        column = torch.from_numpy(levels).to(y)[:, None]
        return column, float(levels[0]) if (levels == levels[0]).all() else column[:, 0]

    @staticmethod
    def _slope(y: Tensor, x0: Tensor, s: Tensor, t: np.ndarray) -> Tensor:
        """Compute dy/dt = 2t·v from y, x̂₀ and σ."""
        n = (1 + s * s).sqrt()
        return torch.from_numpy(2 * t).to(y)[:, None] * (y - n * x0) / s

    def _check_cancelled(self) -> None:
        if self.cancelled():
            raise Cancelled


class _Front:
    """Tracks the slowest row and interpolates the other rows to its t; keeps only the steps that this needs."""

    def __init__(self, rows: int, t: float) -> None:
        self.t = t
        self._ahead: list[list[Stretch]] = [[] for _ in range(rows)]

    def advance(self, done: Sequence[tuple[int, Stretch]]) -> float | None:
        """Add accepted steps; return the old t of the slowest row if it has advanced, else None."""
        for row, stretch in done:
            self._ahead[row].append(stretch)
        before, reached = self.t, [steps[-1] if steps else None for steps in self._ahead]
        if any(stretch is None for stretch in reached):
            return None
        ends = [stretch.t2 for stretch in reached if stretch is not None]
        up = reached[0] is not None and reached[0].t2 > reached[0].t
        self.t = min(ends) if up else max(ends)
        return None if self.t == before else before

    def states(self, t: float) -> tuple[Tensor, Tensor]:
        """Return (y, dy/dt) of all rows at t, (B, n) each; forget the steps before t."""
        found = []
        for steps in self._ahead:
            while len(steps) > 1 and not min(steps[0].t, steps[0].t2) <= t <= max(steps[0].t, steps[0].t2):
                steps.pop(0)
            found.append(steps[0].at(t))
        return torch.stack([y for y, _ in found]), torch.stack([slope for _, slope in found])


def _steps(
    flow: _Flow, x: Tensor, begin: float, end: float, tol: float, max_calls: int, whole: bool, first: int
) -> Iterator[Step]:
    if begin == end:
        return
    t0, t1 = _t(begin), _t(end)
    way = Integration(flow.velocity, flow.unit(x, begin), t0, t1, _error(tol), max_calls - first, whole)
    front, counted, i = _Front(len(x), t0), 0, first
    for done in _without_gradients(iter(way)):
        before = front.advance(done)
        if before is None:
            continue
        (s, s2) = (begin if t == t0 else end if t == t1 else math.tan(t**2) for t in (before, front.t))
        x0 = flow.x0(s, *front.states(before))
        ahead = flow.state(s2, front.states(front.t)[0])
        yield _step(i, s, s2, way.calls - counted, x, x0, ahead)
        x, counted, i = ahead, way.calls, i + 1


def _without_gradients(rounds: Iterator[list[tuple[int, Stretch]]]) -> Iterator[list[tuple[int, Stretch]]]:
    """Compute each round without gradients; they are on again at each yield."""
    while True:
        with torch.no_grad():
            done = next(rounds, None)
        if done is None:
            return
        yield done


def _step(i: int, s: float, s2: float, nfe: int, x: Tensor, x0: Tensor, ahead: Tensor) -> Step:
    return Step(i, Hop(s, s2), nfe, x, (), Move(ahead, x0, x, s, ahead, 0.0, ()), x0)


def _t(sigma: float) -> float:
    return math.sqrt(math.atan(sigma))


def _error(tol: float, size: int | None = None) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return the error measure of a row, in units of the tolerance.

    It is the larger of the RMS over the first `size` columns (by default all) and the largest of the other columns.
    """

    def error(wrong: Tensor, y: Tensor, new: Tensor) -> Tensor:
        part = wrong / (tol * (1 + torch.maximum(y.abs(), new.abs())))
        picture = part[:, :size].square().mean(1).sqrt()
        return picture if size is None else torch.maximum(picture, part[:, size:].abs().amax(1))

    return error


def _check(x: Tensor, sigma_from: float, sigma_to: float, tol: float) -> None:
    if not torch.isfinite(x).all():
        raise FlowError("The picture holds values that are not finite (NaN or infinite): replace them first.")
    if not all(math.isfinite(s) and s >= 0 for s in (sigma_from, sigma_to)) or sigma_from == sigma_to:
        raise FlowError("The flow needs two different noise levels, finite and 0 or more: choose two.")
    if not 0 < tol < 1:
        raise FlowError("The tolerance must lie above 0 and below 1, as 0.0001 does.")
