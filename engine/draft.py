"""From what a person chose to a Request: the one place where defaults and grids are resolved. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from engine.catalog import ModelInfo
from engine.paths import descending
from engine.request import MAX_STEPS, QUANTILE, Enlargement, Request, RequestError
from engine.rules import RULES, menu
from engine.schedules import from_config, grid
from engine.types import Rule

SHORTEST_HOP = 1e-3  # as a share of its noise level: below it a grid's level counts as the one that a run goes on from


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The choices on the panel, unresolved: steps and the name of a grid where the Request has the σ list itself.

    `guidance` is γ; `seed` the first image's, the next images count up from it; `batch` how many images. `options` are
    the sampler's, (name, value), of which unnamed ones are at their defaults; `temperature` scales x_T. The guidance
    interval and the threshold are a Request's; `quantile` counts while the threshold is dynamic. `enlarge` asks for the
    model's second stage, which sees noise of `level` in the small picture (None: the model's own), or a first stage
    that stops there (`truncated`).
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
    guidance_interval: tuple[float, float] | None = None
    threshold: str = "none"
    quantile: float = QUANTILE
    enlarge: bool = False
    level: float | None = None
    truncated: bool = False

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
        further = ("temperature", "guidance_interval", "threshold", "quantile")
        shared = ("model", "prompt", "negative", "label", *look, *further)
        seeds = request.seeds
        second = request.enlargement
        stage: dict[str, Any] = (
            {} if second is None else {"enlarge": True, "level": second.level, "truncated": second.truncated}
        )
        return cls(**{name: getattr(request, name) for name in shared}, **stage, seed=seeds[0], batch=len(seeds))


def resolve(draft: Draft, info: ModelInfo) -> Request:
    """The Request that `draft` asks of the model `info`. Raises RequestError with what to change."""
    options = _options(draft)
    rule = _rule(draft.sampler, options)
    if draft.label is not None and draft.label not in info.labels:
        raise RequestError(f"{info.title} has no {info.label_kind} “{draft.label}”: choose {_names(info)}.")
    if not info.text and (draft.prompt.strip() or draft.negative.strip()):
        raise RequestError(f"{info.title} takes no text: leave the prompt empty and choose {_names(info)}.")
    if draft.threshold != "none" and info.latent:
        raise RequestError(f"A threshold is for pixels, and {info.title} works on latents: choose none.")
    if not 1 <= draft.steps <= MAX_STEPS:
        raise RequestError(f"{draft.steps} steps are not possible: choose 1 to {MAX_STEPS}.")
    second = _enlargement(draft, info)
    sigmas = _levels(draft.spacing, draft.steps, info.defaults["sigma_max"], info, second)
    return Request(
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
        evaluations=rule.cost(descending(sigmas)),
        options=options,
        temperature=float(draft.temperature),
        guidance_interval=draft.guidance_interval,
        threshold=draft.threshold,
        quantile=float(draft.quantile) if draft.threshold == "dynamic" else QUANTILE,
        enlargement=second,
    )


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


def branch(draft: Draft, info: ModelInfo, parent: Request, i: int) -> Request:
    """The Request that goes on from the state before step `i` of `parent`'s run with the choices of `draft`.

    Down to that step the noise levels are the parent's, from there on those of the draft's own grid that lie below:
    where steps and spacing are the parent's too, nothing changes. There are as many images as the parent has, and x_T
    is the parent's. Raises RequestError where the draft cannot be, or is of another model.
    """
    if info.sha256 != parent.model_sha256:
        raise RequestError(f"This run was made by another model: choose “{parent.model}” to go on from it.")
    request = resolve(replace(draft, batch=len(parent.seeds)), info)
    top = parent.sigmas[i]
    # A first hop of almost no length would give the multistep samplers' second one an almost undefined slope.
    limit = top if top in request.sigmas else top * (1 - SHORTEST_HOP)
    rest = [s for s in request.sigmas if s < limit]
    if not rest:  # of a first stage that stops above this step
        raise RequestError("The first stage would have stopped before this step: choose an earlier one.")
    sigmas = (*parent.sigmas[: i + 1], *rest)
    evaluations = _rule(request.sampler, request.options).cost(descending(sigmas))
    return replace(request, sigmas=sigmas, evaluations=evaluations, temperature=parent.temperature)


def vary(
    request: Request, i: int, image: int, count: int, info: ModelInfo, sampler: str | None = None, steps: int = 0
) -> Request:
    """The Request of `count` pictures that share image `image`'s state at step i of `request`'s run: for fork(share=…).

    Their seeds count up from the image's own, so that with the same sampler and steps the first is that image again.
    `sampler` may be another one, with its own defaults; None is the run's own where it draws noise, else DDPM. `steps`
    > 0 is how many are taken from there on, in the same spacing; 0 keeps those that are left. Raises RequestError for
    what the run does not have and for a sampler that draws no noise: its pictures would be one and the same.
    """
    if not (0 <= i < request.steps and 0 <= image < len(request.seeds)):
        raise RequestError(f"This run has no image {image} at step {i}: choose an image and a step that it has.")
    name, options = request.sampler, request.options
    if sampler is None and not _rule(name, options).stochastic:
        sampler = "ddpm"
    if sampler is not None and sampler != name:
        name, options = sampler, ()
    rule = _rule(name, options)
    if not rule.stochastic:
        noisy = ", ".join(name for name, rule in menu().items() if rule.stochastic)
        raise RequestError(f"{rule.title} draws no noise, so all pictures would be the same: choose one of {noisy}.")
    sigmas = request.sigmas
    if steps < 0:
        raise RequestError(f"{steps} steps are not possible: choose 1 or more, or 0 for those that are left.")
    if steps > 0:
        rest = _levels(request.spacing, steps, sigmas[i], info, request.enlargement)
        sigmas = (*sigmas[: i + 1], *rest[1:])  # "leading" would start lower
    seeds = tuple(request.seeds[image] + n for n in range(count))
    evaluations = rule.cost(descending(sigmas))
    return replace(request, sampler=name, options=options, sigmas=sigmas, seeds=seeds, evaluations=evaluations)


def _rule(name: str, options: tuple[tuple[str, float], ...]) -> Rule:
    """The sampler with its options set. Raises RequestError for a name or an option that there is not."""
    rule = RULES.get(name)
    if rule is None:
        raise RequestError(f"There is no sampler “{name}”: choose one of {', '.join(menu())}.")
    try:
        return rule.with_options(**dict(options))
    except ValueError as error:
        raise RequestError(str(error)) from error


def _options(draft: Draft) -> tuple[tuple[str, float], ...]:
    """What differs from the sampler's defaults, so that one picture has one Request; an unknown name stays in."""
    rule = RULES.get(draft.sampler)
    defaults = {} if rule is None else {option.name: option.default for option in rule.options}
    chosen = dict(draft.options)
    return tuple(sorted((name, float(v)) for name, v in chosen.items() if name not in defaults or v != defaults[name]))


def _names(info: ModelInfo) -> str:
    return ", ".join(info.labels) if info.labels else "no label"
