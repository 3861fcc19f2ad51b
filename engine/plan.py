"""Request + Model → everything that run() needs, and its price."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from engine.constraints import Pinned
from engine.guidance.compose import Guidance, guidance
from engine.meter import MICRO_BATCH, Meter
from engine.models.pixel import PixelCodec
from engine.noise import Noise, truncate
from engine.paths import path_of
from engine.rules import RULES, menu
from engine.run import run
from engine.spec.cost import passes, work
from engine.spec.edit import pooled, steps_to_go
from engine.spec.request import Request, RequestError
from engine.transforms import cfg, dynamic_threshold, static_threshold

if TYPE_CHECKING:
    from torch import Tensor

    from engine.cascade import SecondStage
    from engine.guidance.library import Library
    from engine.spec.edit import Inputs, Pixels
    from engine.types import Cond, Constraint, Denoiser, History, Model, Path, Rule, Sigma, Step, Transform


@dataclass(frozen=True, slots=True)
class Price:
    """What a run costs.

    evaluations -- of the denoiser; passes -- of the net per image (two where classifier-free guidance asks twice)
    work        -- its time in unguided passes per image, gradients and CLIPs among it (engine.spec.cost)
    state_bytes -- of one state; graph_bytes -- what gradients of guides keep in memory at a time
    """

    evaluations: int
    passes: int
    work: float
    state_bytes: int
    graph_bytes: int = 0


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
            yield step if raw is None or self.unguided else step._replace(x0_raw=raw)

    @property
    def unguided(self) -> bool:
        """Whether what is estimated is the raw x̂₀ itself."""
        return self.request.guidance == 1 and not any(guide.scale != 0 for guide in self.request.guides)


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


def plan(
    request: Request,
    model: Model,
    cancelled: Callable[[], bool] = lambda: False,
    inputs: Inputs | None = None,
    aims: Mapping[str, Pixels] | None = None,
    library: Library | None = None,
    save: bool | None = None,
) -> Plan:
    """`inputs` are what the request's Edit names, `aims` the pictures that its guides name, by digest; `library` has
    the CLIPs and classifiers of its guides, and may be None where it has none. `save`: whether nets are computed twice
    rather than kept in memory for a guide's gradient, the same pixels for less memory; None: where memory is short.

    Raises RequestError where the model cannot do what is asked, and for inputs that the Request does not name.
    """
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
    _check_inputs(request, inputs)
    path = path_of(request)
    meter = Meter(model.denoiser, MICRO_BATCH, fold=True, cancelled=cancelled)
    cond = model.condition(request.prompt, request.label)
    uncond = model.condition(request.negative, None)
    guide = cfg(request.guidance, cond, uncond, request.guidance_interval)
    guides = guidance(request, model, library, aims or {}, cond, save) if library is not None else _unguided(request)
    meter.save = guides.save
    bound = _threshold(request, model)  # outermost: it is the guided x̂₀ that leaves the range
    noise = Noise(request.seeds)
    shape = (len(request.seeds), *model.codec.latent_shape(request.width, request.height))
    x = torch.empty(shape, dtype=torch.float32, device=model.device)
    partly = request.edit is not None and request.edit.strength < 1
    std = request.sigmas[0] if partly else model.schedule.start_std(request.sigmas[0])
    x = truncate(noise.normal(x), request.truncation).mul_(request.temperature * std)
    constraint = None
    if request.edit is not None and inputs is not None:
        y = encoded(inputs, model, (request.width, request.height))
        x = x + y if partly else x
        if request.edit.pinned:
            constraint = pinned(inputs, y, request.sigmas, steady=not (rule.stochastic or len(path) > request.steps))
    price = Price(rule.cost(path), sum(passes(request)), sum(work(request)), x.nbytes, guides.bytes)
    return Plan(request, bound(guides.transform(guide(meter))), meter, path, rule, x, noise, price, constraint)


def encoded(inputs: Inputs, model: Model, size: tuple[int, int]) -> Tensor:
    """The picture that is worked on as a state (C, h, w) of the model, averaged down to pictures of `size`."""
    image = torch.from_numpy(inputs.source.copy()).to(model.device).permute(2, 0, 1)[None].float() / 127.5 - 1
    factor = inputs.size[0] // size[0]
    if factor > 1:
        image = torch.nn.functional.avg_pool2d(image, factor)
    with torch.no_grad():
        return model.codec.encode(image)[0].float()


def pinned(inputs: Inputs, y: Tensor, sigmas: Sequence[float], steady: bool) -> Pinned:
    """What is kept of y (C, h, w), by the mask of the inputs: a value of y is free where any pixel under it is."""
    assert inputs.mask is not None
    steps = steps_to_go(pooled(inputs.mask, (y.shape[-1], y.shape[-2])), len(sigmas) - 1)
    return Pinned(y, torch.from_numpy(steps).to(y.device), tuple(sigmas), steady)


def _check_inputs(request: Request, inputs: Inputs | None) -> None:
    edit = request.edit
    if edit is None:
        return
    if inputs is None:
        raise RequestError("These settings work on a picture that is not here: open it, or make a new one.")
    if inputs.digests != (edit.source, edit.mask) or inputs.size != request.size:
        raise RequestError("These settings are of another picture or mask: take the ones that are here.")


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


def _unguided(request: Request) -> Guidance:
    if any(guide.scale != 0 for guide in request.guides):
        raise RequestError("These settings are guided, and nothing here can guide: take the guides out.")
    return Guidance(lambda d: d)


def _threshold(request: Request, model: Model) -> Transform:
    if request.threshold == "none":
        return lambda d: d
    if not isinstance(model.codec, PixelCodec):
        raise RequestError(f"A threshold is for pixels, and the model “{model.id}” works on latents: choose none.")
    return static_threshold() if request.threshold == "static" else dynamic_threshold(request.quantile)
