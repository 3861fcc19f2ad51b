"""Request + Model → everything that run() needs, and its price."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from engine.cost import passes
from engine.meter import Meter
from engine.models.pixel import PixelCodec
from engine.noise import Noise
from engine.paths import descending
from engine.request import Request, RequestError
from engine.rules import RULES, menu
from engine.run import run
from engine.transforms import cfg, dynamic_threshold, static_threshold

if TYPE_CHECKING:
    from torch import Tensor

    from engine.cascade import SecondStage
    from engine.types import Cond, Constraint, Denoiser, History, Model, Path, Rule, Sigma, Step, Transform

MICRO_BATCH = 16  # images per net call: bounds memory and the wait for a cancel; fixed, because pixels depend on it


@dataclass(frozen=True, slots=True)
class Price:
    """What a run costs: denoiser evaluations, net passes per image (guided evaluations count twice), state bytes."""

    evaluations: int
    passes: int
    state_bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    request: Request
    denoiser: Denoiser
    meter: Meter
    path: Path
    rule: Rule
    x: Tensor
    noise: Noise
    price: Price
    constraint: Constraint | None = None

    def steps(
        self,
        x: Tensor | None = None,
        past: History = (),
        start: int = 0,
        first: Callable[[Tensor], None] | None = None,
    ) -> Iterator[Step]:
        """The run, from x_T or from a stored step (x, past, start), with the raw x̂₀ of each step.

        `first` is told the first x̂₀ as soon as it is there: within a step of several evaluations, before it is done.
        """
        x = self.x if x is None else x
        self.meter.take_raw()
        d = self.denoiser if first is None else _tell_first(self.denoiser, first)
        for step in run(d, self.path, self.rule, x, self.noise, self.constraint, past, start):
            raw = self.meter.take_raw()
            yield step if raw is None or self.unguided else replace(step, x0_raw=raw)

    @property
    def unguided(self) -> bool:
        return self.request.guidance == 1


def _tell_first(d: Denoiser, first: Callable[[Tensor], None]) -> Denoiser:
    told = False

    def telling(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        nonlocal told
        x0 = d(x, sigma, cond)
        if not told:
            told = True
            first(x0)
        return x0

    return telling


def plan(request: Request, model: Model, cancelled: Callable[[], bool] = lambda: False) -> Plan:
    """Raises RequestError where the model cannot do what is asked."""
    if request.model_sha256 != model.sha256:
        raise RequestError(
            f"These settings are of another version of the model “{request.model}”: "
            "choose the model again to use the one here."
        )
    rule = RULES.get(request.sampler)
    if rule is None:
        raise RequestError(f"There is no sampler “{request.sampler}”: choose one of {', '.join(menu())}.")
    try:
        rule = rule.with_options(**dict(request.options))
    except ValueError as error:
        raise RequestError(str(error)) from error
    second_stage(request, model)  # to be told now, not after the last step
    path = descending(request.sigmas)
    meter = Meter(model.denoiser, MICRO_BATCH, fold=True, cancelled=cancelled)
    cond = model.condition(request.prompt, request.label)
    uncond = model.condition(request.negative, None)
    guide = cfg(request.guidance, cond, uncond, request.guidance_interval)
    bound = _threshold(request, model)  # outermost: it is the guided x̂₀ that leaves the range
    noise = Noise(request.seeds)
    shape = (len(request.seeds), *model.codec.latent_shape(request.width, request.height))
    x = torch.empty(shape, dtype=torch.float32, device=model.device)
    x = noise.normal(x).mul_(request.temperature * model.schedule.start_std(request.sigmas[0]))
    price = Price(rule.cost(path), sum(passes(request)), x.nbytes)
    return Plan(request, bound(guide(meter)), meter, path, rule, x, noise, price)


def second_stage(request: Request, model: Model) -> SecondStage | None:
    """The model's, where one is asked for. Raises RequestError where it has none that does what is asked."""
    wanted = request.enlargement
    if wanted is None:
        return None
    if model.second is None or model.second.factor != wanted.factor:
        raise RequestError(f"The model “{request.model}” has no such second stage: choose its own size.")
    if wanted.sampler not in RULES:
        raise RequestError(f"There is no sampler “{wanted.sampler}”: choose one of {', '.join(menu())}.")
    return model.second


def _threshold(request: Request, model: Model) -> Transform:
    if request.threshold == "none":
        return lambda d: d
    if not isinstance(model.codec, PixelCodec):
        raise RequestError(f"A threshold is for pixels, and the model “{model.id}” works on latents: choose none.")
    return static_threshold() if request.threshold == "static" else dynamic_threshold(request.quantile)
