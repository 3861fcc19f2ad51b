"""From a Request and a Model to everything that run() needs, and the cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from engine.constraints import Pinned
from engine.errors import NotFiniteError
from engine.guidance.compose import Guidance, guidance
from engine.layout import canonical, from_array
from engine.meter import Meter
from engine.models.pixel import from_uint8
from engine.noise import Noise, truncate
from engine.paths import path_of
from engine.run import run
from engine.spec.cost import passes, work
from engine.spec.edit import pool_mask, steps_to_go
from engine.spec.request import Request, RequestError
from engine.spec.sampler import rule_of
from engine.transforms import cfg, threshold

if TYPE_CHECKING:
    from torch import Tensor

    from engine.guidance.library import Library
    from engine.spec.edit import Inputs, Pixels
    from engine.types import (
        Cond,
        Constraint,
        Denoiser,
        History,
        Model,
        NoiseSource,
        Path,
        Rule,
        SecondStage,
        Sigma,
        Step,
        Transform,
    )


GUIDANCE = "the guidance exceeded the range of numbers: lower the guidance, and the scales of its guides"


@dataclass(frozen=True, slots=True)
class Price:
    """The cost of a run.

    evaluations -- of the denoiser
    passes      -- of the net per image (classifier-free guidance takes two for each evaluation)
    work        -- its time in unguided passes per image, with gradients and CLIPs (engine.spec.cost)
    state_bytes -- of one state
    graph_bytes -- memory that the gradients of guides need at a time
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
    noise: NoiseSource
    price: Price
    constraint: Constraint | None = None

    def steps(
        self,
        x: Tensor | None = None,
        past: History = (),
        start: int = 0,
        on_first_x0: Callable[[Tensor], None] | None = None,
    ) -> Iterator[Step]:
        """Run from x_T, or from a stored step (x, past, start); each step has its raw x̂₀.

        `on_first_x0` is called with the first x̂₀ as soon as it is known, within a step of several evaluations.
        """
        x = self.x if x is None else x
        self.meter.take_raw()
        d = self.denoiser if on_first_x0 is None else _report_first(on_first_x0, self.denoiser)
        try:
            for step in run(d, self.path, self.rule, x, self.noise, self.constraint, past, start):
                raw = self.meter.take_raw()
                if raw is not None and not raw.isfinite().all():  # a threshold can make a finite x̂₀ of it
                    raise NotFiniteError(step.i + 1, len(self.path), step.hop.s, "estimate")
                yield step if raw is None or self.unguided else step._replace(x0_raw=raw)
        except NotFiniteError as error:
            raw = self.meter.take_raw()
            if error.cause == "estimate" and raw is not None and raw.isfinite().all():
                raise NotFiniteError(error.step, error.count, error.sigma, error.cause, GUIDANCE) from error
            raise

    @property
    def unguided(self) -> bool:
        """Whether the denoiser gives the raw x̂₀ itself."""
        return self.request.guidance == 1 and not any(guide.scale != 0 for guide in self.request.guides)


def _report_first(on_first_x0: Callable[[Tensor], None], d: Denoiser) -> Denoiser:
    """Wrap D: call `on_first_x0` with its first estimate."""
    called = False

    def denoiser(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        nonlocal called
        x0 = d(x, sigma, cond)
        if not called:
            called = True
            on_first_x0(x0)
        return x0

    return denoiser


class Conditions(NamedTuple):
    """The conditions of a run: `cond`, of one image or with a row for each image of the batch, and `uncond`, the
    condition that guidance leads away from.
    """

    cond: Cond
    uncond: Cond

    @classmethod
    def of(cls, request: Request, model: Model) -> Conditions:
        """The request's prompt and label, and its negative prompt."""
        return cls(model.condition(request.said), model.condition(request.said_negative))


class Guided(NamedTuple):
    """The denoiser of a run with guidance and threshold, the meter that counts the net's calls below them, and the
    bytes of memory that the gradients of guides need at a time.
    """

    denoiser: Denoiser
    meter: Meter
    graph_bytes: int


def guided_denoiser(
    request: Request,
    model: Model,
    conditions: Conditions | None = None,
    scales: float | Tensor | None = None,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    aims: Mapping[str, Pixels] | None = None,
    library: Library | None = None,
    save: bool | None = None,
    micro_batch: int | None = None,
) -> Guided:
    """Wrap the model's net in classifier-free guidance, then in each guide, then in the threshold, which bounds the
    result.

    conditions -- None: the request's own
    scales     -- γ of classifier-free guidance, one number or one for each image, (B,); None: the request's

    The other arguments are those of plan(). Raises RequestError for settings that the model or the library does not
    support.
    """
    cond, uncond = conditions or Conditions.of(request, model)
    scale = request.guidance if scales is None else scales
    guides = guidance(request, model, library, aims or {}, cond, save) if library is not None else _unguided(request)
    meter = Meter(model.denoiser, micro_batch or model.micro_batch, fold=True, cancelled=cancelled, save=guides.save)
    guided = cfg(scale, cond, uncond, request.guidance_interval)(meter)
    return Guided(_threshold(request, model)(guides.transform(guided)), meter, guides.bytes)


def plan(
    request: Request,
    model: Model,
    cancelled: Callable[[], bool] = lambda: False,
    inputs: Inputs | None = None,
    aims: Mapping[str, Pixels] | None = None,
    library: Library | None = None,
    save: bool | None = None,
    *,
    conditions: Conditions | None = None,
    scales: float | Tensor | None = None,
    noise: NoiseSource | None = None,
    micro_batch: int | None = None,
) -> Plan:
    """Plan a run: return everything that run() needs.

    inputs     -- the arrays that the request's Edit names
    aims       -- the pictures that its guides name, by digest
    library    -- provides the CLIPs and classifiers of its guides; may be None for a request without guides
    save       -- whether a guide's gradient recomputes nets instead of keeping them in memory: the same pixels for less
                  memory; None: only where memory is short
    conditions, scales -- as for guided_denoiser(), where images differ in them
    noise      -- None: from the request's seeds
    micro_batch -- the most images in one call of the net, for a run that was begun with that many; None: the model's

    Raises RequestError for settings that the model does not support, and for inputs that the Request does not name.
    """
    if request.model_sha256 != model.sha256:
        raise RequestError(
            f"These settings belong to another version of the model “{request.model}”: "
            "choose the model again to use the installed one."
        )
    rule = rule_of(request.sampler, request.options)
    second_stage(request, model)  # refuse now, not after the last step
    _check_inputs(request, inputs)
    path = path_of(request)
    guided = guided_denoiser(
        request,
        model,
        conditions,
        scales,
        cancelled=cancelled,
        aims=aims,
        library=library,
        save=save,
        micro_batch=micro_batch,
    )
    noise = Noise(request.seeds) if noise is None else noise
    shape = (len(request.seeds), *model.codec.latent_shape(request.width, request.height))
    x = torch.empty(shape, dtype=torch.float32, device=model.device)
    partly = request.edit is not None and request.edit.strength < 1
    std = request.sigmas[0] if partly else model.schedule.start_std(request.sigmas[0])
    x = truncate(noise.normal(x), request.truncation).mul_(request.temperature * std)
    constraint = None
    if request.edit is not None and inputs is not None:
        y = to_state(inputs, model, (request.width, request.height))
        x = x + y if partly else x
        if request.edit.pinned:
            constraint = pin(inputs, y, request.sigmas, steady=not (rule.stochastic or len(path) > request.steps))
    price = Price(rule.cost(path), sum(passes(request)), sum(work(request)), x.nbytes, guided.graph_bytes)
    return Plan(request, guided.denoiser, guided.meter, path, rule, x, noise, price, constraint)


def to_state(inputs: Inputs, model: Model, size: tuple[int, int]) -> Tensor:
    """The picture of the inputs, averaged down to `size`, as a state (C, h, w) of the model."""
    image = from_uint8(inputs.source, model.device)
    factor = inputs.size[0] // size[0]
    if factor > 1:
        image = torch.nn.functional.avg_pool2d(canonical(image), factor)
    with torch.no_grad():
        return canonical(model.codec.encode(canonical(image))[0].float())


def pin(inputs: Inputs, y: Tensor, sigmas: Sequence[float], steady: bool) -> Pinned:
    """Return the constraint that keeps y (C, h, w) by the mask: a value of y is free where any pixel under it is
    free.
    """
    assert inputs.mask is not None
    steps = steps_to_go(pool_mask(inputs.mask, (y.shape[-1], y.shape[-2])), len(sigmas) - 1)
    return Pinned(y, from_array(steps, y.device), tuple(sigmas), steady)


def _check_inputs(request: Request, inputs: Inputs | None) -> None:
    edit = request.edit
    if edit is None:
        return
    if inputs is None:
        raise RequestError("These settings edit a picture that is missing: open it, or generate a new one.")
    if inputs.digests != (edit.source, edit.mask) or inputs.size != request.size:
        raise RequestError("These settings belong to another picture or mask: use the present settings.")


def second_stage(request: Request, model: Model) -> SecondStage | None:
    """Return the request's second stage, None without one. Raises RequestError if the model does not have it."""
    wanted = request.enlargement
    if wanted is None:
        return None
    if model.second is None or model.second.factor != wanted.factor:
        raise RequestError(f"The model “{request.model}” does not have this second stage: choose the model's own size.")
    rule_of(wanted.sampler)  # raises for an unknown sampler
    return model.second


def _unguided(request: Request) -> Guidance:
    if any(guide.scale != 0 for guide in request.guides):
        raise RequestError("These settings have guides, but no guide library is loaded: remove the guides.")
    return Guidance(lambda d: d)


def _threshold(request: Request, model: Model) -> Transform:
    if request.threshold != "none" and not model.codec.identity:
        raise RequestError(f"A threshold is for pixels, and the model “{model.id}” works on latents: choose none.")
    return threshold(request.threshold, request.quantile)
