"""From what a person chose to a Request: the one place where defaults and grids are resolved. Needs no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.paths import path_of
from engine.rules import RULES, menu
from engine.schedules import below, from_config, grid
from engine.spec.catalog import ModelInfo
from engine.spec.guides import Guide, resolve_guide, unresolve_guide
from engine.spec.request import (
    MAX_BATCH,
    MAX_GUIDANCE,
    MAX_HOPS,
    MAX_LEVEL,
    MAX_RESAMPLE,
    MAX_SEED,
    MAX_STEPS,
    MAX_TEMPERATURE,
    MAX_TRUNCATION,
    QUANTILE,
    Edit,
    Enlargement,
    Request,
    RequestError,
)
from engine.spec.sampler import rule_of

if TYPE_CHECKING:
    from engine.spec.edit import Inputs

METHODS = ("new", "replacement", "repaint", "img2img")
ABOVE_0 = math.nextafter(0, 1)  # the lower end of a range that excludes 0
LIMITS: dict[str, tuple[float, float]] = {  # of a Draft's numbers, both ends included, as a Request bounds them
    "steps": (1, MAX_STEPS),
    "guidance": (-MAX_GUIDANCE, MAX_GUIDANCE),
    "seed": (0, MAX_SEED),
    "batch": (1, MAX_BATCH),
    "temperature": (ABOVE_0, MAX_TEMPERATURE),
    "truncation": (0.0, MAX_TRUNCATION),
    "quantile": (0.0, 1.0),
    "level": (0.0, MAX_LEVEL),
    "strength": (ABOVE_0, 1.0),
    "jump": (1, MAX_STEPS),
    "resample": (1, MAX_RESAMPLE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The choices on the panel, unresolved: steps and the name of a grid where the Request has the σ list itself.

    `guidance` is γ; `seed` the first image's, the next images count up from it; `batch` how many images. `options` are
    the sampler's, (name, value), of which unnamed ones are at their defaults; `temperature` scales x_T and `truncation`
    bounds it. The guidance interval and the threshold are a Request's; `quantile` counts while the threshold is
    dynamic. `enlarge` asks for the model's second stage, which sees noise of `level` in the small picture (None: the
    model's own), or a first stage that stops there (`truncated`).

    `method` is "new" for a new picture, else an Edit's; of the grid's steps the share `strength` is taken, snapped to
    whole ones. `jump` and `resample` count with "repaint". `guides` are a Request's, by name alone.
    """

    model: str
    prompt: str = ""
    negative: str = ""
    label: str | None = None
    sampler: str
    spacing: str
    steps: int
    guidance: float
    seed: int = 0
    batch: int = 1
    options: tuple[tuple[str, float], ...] = ()
    temperature: float = 1.0
    truncation: float = 0.0
    guidance_interval: tuple[float, float] | None = None
    threshold: str = "none"
    quantile: float = QUANTILE
    enlarge: bool = False
    level: float | None = None
    truncated: bool = False
    method: str = "new"
    strength: float = 1.0
    jump: int = 1
    resample: int = 4
    guides: tuple[Guide, ...] = ()

    @classmethod
    def for_model(cls, info: ModelInfo, **choices: Any) -> Draft:
        """The model's own defaults, with `choices` laid over them (None means: the default)."""
        defaults = {key: info.defaults[key] for key in ("sampler", "spacing", "steps", "guidance")}
        defaults["enlarge"] = info.cascade is not None
        return cls(model=info.id, **defaults | {key: value for key, value in choices.items() if value is not None})

    @classmethod
    def of(cls, request: Request) -> Draft:
        """The choices that a Request came from: what "restore settings" puts back on the panel."""
        look = ("sampler", "spacing", "steps", "guidance", "options")
        further = ("temperature", "truncation", "guidance_interval", "threshold", "quantile")
        shared = ("model", "prompt", "negative", "label", *look, *further)
        seeds = request.seeds
        second = request.enlargement
        stage: dict[str, Any] = (
            {} if second is None else {"enlarge": True, "level": second.level, "truncated": second.truncated}
        )
        chosen = {name: getattr(request, name) for name in shared} | stage
        edit = request.edit
        if edit is not None:
            chosen |= {"method": edit.method, "strength": edit.strength}
            chosen["steps"] = min(MAX_STEPS, round(request.steps / edit.strength))  # of the whole grid
            if edit.method == "repaint":
                chosen |= {"jump": edit.jump, "resample": edit.resample}
        chosen["guides"] = tuple(map(unresolve_guide, request.guides))
        return cls(**chosen, seed=seeds[0], batch=len(seeds))


def steps_of_strength(strength: float, steps: int) -> int:
    """How many of the grid's steps, its last ones, a run of that strength takes: at least one."""
    return min(steps, max(1, round(strength * steps)))


def size(draft: Draft, info: ModelInfo) -> tuple[int, int]:
    """(width, height) of the pictures that `draft` asks for, and so of the Inputs that it takes."""
    factor = 1 if not draft.enlarge or info.cascade is None else int(info.cascade["net"]["factor"])
    return factor * info.width, factor * info.height


def resolve(draft: Draft, info: ModelInfo, inputs: Inputs | None = None) -> Request:
    """The Request that `draft` asks of the model `info`; `inputs` are what it works on, if that is not a new picture.

    Raises RequestError with what to change.
    """
    edit = None if draft.method == "new" else _edit(draft, info, inputs)
    return _resolved(draft, info, edit)


def outline(draft: Draft, info: ModelInfo) -> Request:
    """What resolve() gives whichever picture the draft works on: its steps and its price, and no run.

    Raises RequestError with what to change.
    """
    return _resolved(draft, info, None if draft.method == "new" else _method(draft, "any", "any"))


def _resolved(draft: Draft, info: ModelInfo, edit: Edit | None) -> Request:
    options = _options(draft)
    rule_of(draft.sampler, options)
    if draft.label is not None and draft.label not in info.labels:
        raise RequestError(f"{info.title} has no {info.label_kind} “{draft.label}”: choose {_names(info)}.")
    if not info.text and (draft.prompt.strip() or draft.negative.strip()):
        raise RequestError(f"{info.title} takes no text: leave the prompt empty and choose {_names(info)}.")
    if draft.threshold != "none" and info.latent:
        raise RequestError(f"A threshold is for pixels, and {info.title} works on latents: choose none.")
    _check_steps(draft)
    second = _enlargement(draft, info)
    if edit is not None and second is not None:
        second = _partly(second, edit.strength)
    sigmas = _levels(draft.spacing, draft.steps, info.defaults["sigma_max"], info, second)
    if edit is not None:
        sigmas = _tail(sigmas, edit.strength)
    request = Request(
        model=info.id,
        model_sha256=info.sha256,
        prompt=draft.prompt.strip(),
        negative=draft.negative.strip(),
        label=draft.label,
        sampler=draft.sampler,
        spacing=draft.spacing,
        sigmas=sigmas,
        guidance=float(draft.guidance),
        seeds=tuple(draft.seed + k for k in range(draft.batch)),
        width=info.width,
        height=info.height,
        evaluations=1,  # until the path is known
        options=options,
        temperature=float(draft.temperature),
        truncation=float(draft.truncation),
        guidance_interval=draft.guidance_interval,
        threshold=draft.threshold,
        quantile=float(draft.quantile) if draft.threshold == "dynamic" else QUANTILE,
        enlargement=second,
        edit=edit,
        guides=tuple(map(resolve_guide, draft.guides)),
    )
    return _priced(request)


def _check_steps(draft: Draft) -> None:
    if not 1 <= draft.steps <= MAX_STEPS:
        raise RequestError(f"{draft.steps} steps are not possible: choose 1 to {MAX_STEPS}.")


def _tail(sigmas: tuple[float, ...], strength: float) -> tuple[float, ...]:
    return sigmas[-1 - steps_of_strength(strength, len(sigmas) - 1) :]


def _partly(second: Enlargement, strength: float) -> Enlargement:
    """The second stage of a run of that strength: it too starts from the picture where the first one does."""
    return replace(second, sigmas=_tail(second.sigmas, strength))


def _priced(request: Request) -> Request:
    """The same with the evaluations that its path takes. Raises RequestError for a path that is too long."""
    path = path_of(request)
    if len(path) > MAX_HOPS:
        raise RequestError(f"RePaint would make {len(path)} moves, and {MAX_HOPS} are possible: go back less often.")
    return replace(request, evaluations=rule_of(request.sampler, request.options).cost(path))


def _edit(draft: Draft, info: ModelInfo, inputs: Inputs | None) -> Edit:
    """What is done with `inputs`. Raises RequestError where they are not there, or do not fit the draft."""
    if draft.method not in METHODS:
        raise RequestError(f"There is no method “{draft.method}”: choose one of {', '.join(METHODS)}.")
    _check_steps(draft)
    if inputs is None:
        raise RequestError("There is no picture to work on: open one.")
    if inputs.size != (wanted := size(draft, info)):
        (w, h), (width, height) = inputs.size, wanted
        raise RequestError(f"{info.title} works on {width}×{height} pixels, and these are {w}×{h}: crop them anew.")
    if inputs.mask is not None and not inputs.mask.any():
        raise RequestError("The mask is empty: paint what should be made anew.")
    source, mask = inputs.digests
    edit = _method(draft, source, mask)
    if edit.pinned and inputs.mask is not None:
        count = steps_of_strength(edit.strength, draft.steps)
        if (2 * count * int(inputs.mask.max()) + 255) // 510 == 0:
            raise RequestError(f"The mask is too faint for {count} steps: paint it stronger, or take more steps.")
    return edit


def _method(draft: Draft, source: str, mask: str) -> Edit:
    strength = float(draft.strength)
    if 0 < strength <= 1 and draft.steps > 0:
        strength = steps_of_strength(strength, draft.steps) / draft.steps
    back = (draft.jump, draft.resample) if draft.method == "repaint" else (1, 1)
    return Edit(method=draft.method, source=source, mask=mask, strength=strength, jump=back[0], resample=back[1])


def _levels(spacing: str, steps: int, top: float, info: ModelInfo, second: Enlargement | None) -> tuple[float, ...]:
    """The noise levels from `top` down to 0, or to where a truncated first stage stops; RequestError if none can be."""
    truncated = second is not None and second.truncated
    bottom = second.level if second is not None and truncated else min(info.defaults["sigma_min"], top)
    schedule = from_config(info.config["schedule"])
    try:
        return tuple(grid(spacing, steps, top, bottom, final_zero=not truncated, schedule=schedule).tolist())
    except ValueError as error:
        raise RequestError(str(error)) from error


def _enlargement(draft: Draft, info: ModelInfo) -> Enlargement | None:
    if not draft.enlarge:
        return None
    if info.cascade is None:
        raise RequestError(f"{info.title} has no second stage: choose its own size.")
    own = info.cascade["defaults"]
    schedule = from_config(info.cascade["schedule"])
    sigmas = grid(own["spacing"], own["steps"], own["sigma_max"], own["sigma_min"], schedule=schedule)
    return Enlargement(
        factor=info.cascade["net"]["factor"],
        sampler=own["sampler"],
        sigmas=tuple(float(s) for s in sigmas),
        level=float(own["level"] if draft.level is None else draft.level),
        truncated=draft.truncated,
    )


def branch(draft: Draft, info: ModelInfo, parent: Request, i: int, inputs: Inputs | None = None) -> Request:
    """The Request that goes on from the state before step `i` of `parent`'s run with the choices of `draft`.

    Down to that step the noise levels are the parent's, from there on those of the draft's own grid that lie below:
    where steps and spacing are the parent's too, nothing changes. There are as many images as the parent has, and x_T
    is the parent's, and so is the strength, which says where that was. `inputs` None are those of the parent. A run of
    RePaint is gone on with on its own path. Raises RequestError where the draft cannot be, or is of another model.
    """
    if info.sha256 != parent.model_sha256:
        raise RequestError(f"This run was made by another model: choose “{parent.model}” to go on from it.")
    whole = replace(draft, batch=len(parent.seeds), strength=1.0)
    edit = None
    if draft.method != "new" and inputs is None and parent.edit is not None:
        edit = _method(whole, parent.edit.source, parent.edit.mask)
    elif draft.method != "new":
        edit = _edit(whole, info, inputs)
    request = _resolved(whole, info, edit)
    request = replace(request, temperature=parent.temperature, truncation=parent.truncation)  # of x_T
    strength = 1.0 if parent.edit is None else parent.edit.strength
    if edit is not None:
        edit = replace(edit, strength=strength)
        second = None if request.enlargement is None else _partly(request.enlargement, strength)
        request = replace(request, enlargement=second)
    if "repaint" in (draft.method, parent.edit and parent.edit.method):
        own = parent.edit and (parent.edit.method, parent.edit.jump, parent.edit.resample)
        if edit is None or (edit.method, edit.jump, edit.resample) != own:
            raise RequestError("A step of RePaint lies on its own way back and forth: keep the method to go on there.")
        return _priced(replace(request, sigmas=parent.sigmas, edit=edit))
    rest = below(request.sigmas, parent.sigmas[i])
    if not rest:  # of a first stage that stops above this step
        raise RequestError("The first stage would have stopped before this step: choose an earlier one.")
    sigmas = (*parent.sigmas[: i + 1], *rest)
    return _priced(replace(request, sigmas=sigmas, edit=edit))


def vary(
    request: Request, i: int, image: int, count: int, info: ModelInfo, sampler: str | None = None, steps: int = 0
) -> Request:
    """The Request of `count` pictures that share image `image`'s state at step i of `request`'s run: for fork(share=…).

    Their seeds count up from the image's own, so that with the same sampler and steps the first is that image again.
    `sampler` may be another one, with its own defaults; None is the run's own where it draws noise, else DDPM. `steps`
    > 0 is how many are taken from there on, in the same spacing; 0 keeps those that are left. Raises RequestError for
    what the run does not have and for a sampler that draws no noise: its pictures would be one and the same.
    """
    path = path_of(request)
    if not (0 <= i < len(path) and 0 <= image < len(request.seeds)):
        raise RequestError(f"This run has no image {image} at step {i}: choose an image and a step that it has.")
    name, options = request.sampler, request.options
    if sampler is None and not rule_of(name, options).stochastic:
        sampler = "ddpm"
    if sampler is not None and sampler != name:
        name, options = sampler, ()
    rule = rule_of(name, options)
    if not rule.stochastic:
        noisy = ", ".join(name for name, rule in menu().items() if rule.stochastic)
        raise RequestError(f"{rule.title} draws no noise, so all pictures would be the same: choose one of {noisy}.")
    sigmas = request.sigmas
    if steps < 0:
        raise RequestError(f"{steps} steps are not possible: choose 1 or more, or 0 for those that are left.")
    if steps > 0 and len(path) > request.steps:
        raise RequestError("A step of RePaint lies on its own way back and forth: keep the steps that are left.")
    if steps > 0:
        rest = _levels(request.spacing, steps, sigmas[i], info, request.enlargement)
        sigmas = (*sigmas[: i + 1], *rest[1:])  # "leading" would start lower
    seeds = tuple(request.seeds[image] + n for n in range(count))
    return _priced(replace(request, sampler=name, options=options, sigmas=sigmas, seeds=seeds))


def _options(draft: Draft) -> tuple[tuple[str, float], ...]:
    """What differs from the sampler's defaults, so that one picture has one Request; an unknown name stays in."""
    rule = RULES.get(draft.sampler)
    defaults = {} if rule is None else {option.name: option.default for option in rule.options}
    chosen = dict(draft.options)
    return tuple(sorted((name, float(v)) for name, v in chosen.items() if name not in defaults or v != defaults[name]))


def _names(info: ModelInfo) -> str:
    return ", ".join(info.labels) if info.labels else "no label"
