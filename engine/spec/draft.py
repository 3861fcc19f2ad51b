"""From the user's choices (Draft) to a Request: the only place that resolves defaults and grids. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.checkpoints.complete import why_incomplete
from engine.paths import goes_back, path_of
from engine.rules import RULES, menu
from engine.schedules import from_config, grid, levels_below
from engine.settings_folder import settings_folder
from engine.spec.adapter import AdapterUse
from engine.spec.catalog import ModelInfo
from engine.spec.embedding import EmbeddingUse
from engine.spec.guides import Guide, resolve_guide, unresolve_guide
from engine.spec.limits import MAX_GUIDANCE, MAX_LEVEL, MAX_STEPS
from engine.spec.prompt.choices import Drawn, Wildcards, draw, plain
from engine.spec.prompt.named import Finder, FolderFinder, find_named
from engine.spec.prompt.tags import tags_in
from engine.spec.request import (
    MAX_BATCH,
    MAX_CLIP_SKIP,
    MAX_HOPS,
    MAX_RESAMPLE,
    MAX_SEED,
    MAX_TEMPERATURE,
    MAX_TRUNCATION,
    QUANTILE,
    Edit,
    Enlargement,
    Request,
    RequestError,
)
from engine.spec.sampler import rule_of
from engine.spec.sizes import Size
from engine.spec.vae import OWN, VaeChosen, VaeUse
from engine.spec.validation import MAX_SIDE

if TYPE_CHECKING:
    from engine.spec.edit import Inputs
    from engine.spec.morph import Key

METHODS = ("new", "replacement", "repaint", "img2img")
ABOVE_0 = math.nextafter(0, 1)  # the lower end of a range that excludes 0
LIMITS: dict[str, tuple[float, float]] = {  # of a Draft's numbers, both ends included, as in a Request
    "steps": (1, MAX_STEPS),
    "width": (1, MAX_SIDE),
    "height": (1, MAX_SIDE),
    "clip_skip": (1, MAX_CLIP_SKIP),
    "distilled": (0.0, MAX_GUIDANCE),
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
    """The choices on the panel, unresolved: steps and the name of a grid instead of the list of σ.

    guidance -- γ
    seed     -- of the first image; the next images count up from it
    batch    -- the number of images
    width, height -- of the pictures in pixels, before a second stage; None: the model's native size
    options  -- (name, value) of the sampler; missing ones have their defaults
    temperature, truncation -- the scale and the bound of x_T
    guidance_interval, threshold, quantile -- as in a Request; the quantile counts for the dynamic threshold
    enlarge  -- use the model's second stage, which sees noise of `level` in the small picture (None: the model's own);
                `truncated`: the first stage stops at that level
    method   -- "new" for a new picture, else the method of an Edit; `strength` is the share of the grid's steps that it
                takes, rounded to whole steps; `jump` and `resample` count for "repaint"
    guides   -- as in a Request, by name alone
    clip_skip, distilled, adapters -- as in a Request
    vae      -- the VAE of a file; OWN: the model's own; None: the one that the model is set to, by default its own
    precision -- as in a Request; None: the model's
    off      -- the hashes of adapters that are switched off: they stay in the list, and no Request has them
    wildcards -- the folders with the lists that `__name__` in a prompt draws from; without any it is plain text
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
    width: int | None = None
    height: int | None = None
    clip_skip: int | None = None
    distilled: float | None = None
    wildcards: tuple[str, ...] = ()
    adapters: tuple[AdapterUse, ...] = ()
    off: tuple[str, ...] = ()
    vae: VaeChosen = None
    precision: str | None = None

    @property
    def worn(self) -> tuple[AdapterUse, ...]:
        """The adapters that are on, in the order of the list."""
        return tuple(use for use in self.adapters if use.sha256 not in self.off)

    @classmethod
    def for_model(cls, info: ModelInfo, **choices: Any) -> Draft:
        """Return the model's defaults, changed by `choices` (None means the default)."""
        defaults = {key: info.defaults[key] for key in ("sampler", "spacing", "steps", "guidance")}
        defaults |= {"enlarge": info.cascade is not None, "width": info.width, "height": info.height}
        return cls(model=info.id, **defaults | {key: value for key, value in choices.items() if value is not None})

    @classmethod
    def of(cls, request: Request, image: int | None = None) -> Draft:
        """Return the choices that resolve to a Request, for "restore settings": with the prompt that was drawn, because
        lists change.

        image -- the picture of the batch that is to be made alone; None: all of them
        """
        look = ("sampler", "spacing", "steps", "guidance", "options")
        further = ("temperature", "truncation", "guidance_interval", "threshold", "quantile")
        latent = ("width", "height", "clip_skip", "distilled", "adapters", "precision")
        shared = ("model", "label", *look, *further, *latent)
        seeds = request.seeds if image is None else request.seeds[image : image + 1]
        second = request.enlargement
        stage: dict[str, Any] = (
            {} if second is None else {"enlarge": True, "level": second.level, "truncated": second.truncated}
        )
        chosen = {name: getattr(request, name) for name in shared} | stage
        chosen |= {"prompt": plain(request.prompt), "negative": plain(request.negative)}
        is_checkpoint = request.precision is not None  # only these can have another VAE than their own
        chosen["vae"] = request.vae or (OWN if is_checkpoint else None)
        edit = request.edit
        if edit is not None:
            chosen |= {"method": edit.method, "strength": edit.strength}
            chosen["steps"] = min(MAX_STEPS, round(request.steps / edit.strength))  # of the whole grid
            if edit.method == "repaint":
                chosen |= {"jump": edit.jump, "resample": edit.resample}
        chosen["guides"] = tuple(map(unresolve_guide, request.guides))
        return cls(**chosen, seed=seeds[0], batch=len(seeds))


def steps_of_strength(strength: float, steps: int) -> int:
    """Return how many of the grid's last steps a run of that strength takes: at least one."""
    return min(steps, max(1, round(strength * steps)))


def first_size(draft: Draft, info: ModelInfo) -> Size:
    """Return (width, height) of the pictures of `draft` before a second stage."""
    return draft.width or info.width, draft.height or info.height


def size(draft: Draft, info: ModelInfo) -> Size:
    """Return (width, height) of the pictures of `draft`, which is also the size of its Inputs."""
    factor = 1 if not draft.enlarge or info.cascade is None else int(info.cascade["net"]["factor"])
    width, height = first_size(draft, info)
    return factor * width, factor * height


def resolve(draft: Draft, info: ModelInfo, inputs: Inputs | None = None, finder: Finder | None = None) -> Request:
    """Resolve `draft` to a Request of the model `info`; `inputs` are the arrays of an edit, None for a new picture.

    finder -- of the files that the prompt names; None: looks into the user's folders, and may hash large files

    Raises RequestError with what to change.
    """
    edit = None if draft.method == "new" else _edit(draft, info, inputs)
    return _resolve(draft, info, edit, finder)


def with_named(request: Request, keys: Iterable[Key], info: ModelInfo, finder: Finder | None = None) -> Request:
    """Return the request of a morph with the embeddings that its keys name; `finder` as in resolve().

    Raises RequestError for a LoRA in a key: all frames have the same net.
    """
    if "adapters" not in info.takes:
        return request
    texts = [key.prompt for key in keys]
    if tags := tags_in("\n".join(texts)):
        raise RequestError(f"A LoRA is the same in all frames: take <lora:{tags[0].name}> out of the key frame.")
    found = (finder or FolderFinder(settings_folder())).embeddings_in((*texts, request.negative))
    return replace(request, embeddings=found)


def outline(draft: Draft, info: ModelInfo) -> Request:
    """Resolve `draft` without the picture of an edit: gives the steps and the price, but not a request to run.

    Raises RequestError with what to change.
    """
    return _resolve(draft, info, None if draft.method == "new" else _method(draft, "any", "any"), draws=False)


def drawn_texts(draft: Draft) -> tuple[str, str, Drawn | None]:
    """Draw the choices in the prompt and the negative prompt of `draft` with its seed: the texts of its Request.

    Raises RequestError for a wildcard without a list.
    """
    return draw(draft.prompt.strip(), draft.negative.strip(), draft.seed, Wildcards(tuple(map(Path, draft.wildcards))))


def _resolve(
    draft: Draft, info: ModelInfo, edit: Edit | None, finder: Finder | None = None, draws: bool = True
) -> Request:
    options = _options(draft)
    rule_of(draft.sampler, options)
    if draft.label is not None and draft.label not in info.labels:
        raise RequestError(f"{info.title} has no {info.label_kind} “{draft.label}”: choose {_names(info)}.")
    if not info.text and (draft.prompt.strip() or draft.negative.strip()):
        raise RequestError(f"{info.title} takes no text: leave the prompt empty and choose {_names(info)}.")
    _check_takes(draft, info)
    vae = _vae(draft, info)
    if draws and (why := why_incomplete(info.title, info.lacks, vae is not None)):
        raise RequestError(why)
    width, height = first_size(draft, info)
    info.sizes.check((width, height), info.title)
    if draft.threshold != "none" and info.latent:
        raise RequestError(f"A threshold is for pixels, and {info.title} works on latents: choose none.")
    _check_steps(draft)
    second = _enlargement(draft, info)
    if edit is not None and second is not None:
        second = _with_strength(second, edit.strength)
    sigmas = _levels(draft.spacing, draft.steps, info.defaults["sigma_max"], info, second)
    if edit is not None:
        sigmas = _tail(sigmas, edit.strength)
    prompt, negative, drawn = drawn_texts(draft) if draws else (draft.prompt.strip(), draft.negative.strip(), None)
    worn = draft.worn
    embeddings: tuple[EmbeddingUse, ...] = ()
    if draws and "adapters" in info.takes:
        found = find_named(prompt, negative, draft.worn, finder or FolderFinder(settings_folder()))
        prompt, worn, embeddings = found
    request = Request(
        model=info.id,
        model_sha256=info.sha256,
        prompt=prompt,
        negative=negative,
        label=draft.label,
        sampler=draft.sampler,
        spacing=draft.spacing,
        sigmas=sigmas,
        guidance=float(draft.guidance),
        seeds=tuple(draft.seed + k for k in range(draft.batch)),
        width=width,
        height=height,
        evaluations=1,  # replaced when the path is known
        options=options,
        temperature=float(draft.temperature),
        truncation=float(draft.truncation),
        guidance_interval=draft.guidance_interval,
        threshold=draft.threshold,
        quantile=float(draft.quantile) if draft.threshold == "dynamic" else QUANTILE,
        enlargement=second,
        edit=edit,
        guides=tuple(map(resolve_guide, draft.guides)),
        clip_skip=draft.clip_skip,
        distilled=draft.distilled,
        drawn=drawn,
        adapters=worn,
        embeddings=embeddings,
        vae=vae,
        precision=draft.precision or (info.compute_dtype if "precision" in info.takes else None),
    )
    return _with_evaluations(request)


def _vae(draft: Draft, info: ModelInfo) -> VaeUse | None:
    """Return the VAE file of a run; None for the model's own."""
    if isinstance(draft.vae, VaeUse):
        return draft.vae
    return info.vae if draft.vae is None else None


def _check_takes(draft: Draft, info: ModelInfo) -> None:
    """Raise RequestError for a setting that the model does not take."""
    asked = {
        "negative": ("negative text", bool(draft.negative.strip())),
        "clip_skip": ("clip skip", draft.clip_skip is not None),
        "distilled": ("distilled guidance", draft.distilled is not None),
        "adapters": ("adapters such as LoRA", bool(draft.worn)),
        "vae": ("VAE of another file", isinstance(draft.vae, VaeUse)),
        "precision": ("precision", draft.precision is not None),
    }
    for name, (words, is_set) in asked.items():
        if is_set and name not in info.takes:
            raise RequestError(f"{info.title} takes no {words}: leave it out.")


def _check_steps(draft: Draft) -> None:
    if not 1 <= draft.steps <= MAX_STEPS:
        raise RequestError(f"{draft.steps} steps are not possible: choose 1 to {MAX_STEPS}.")


def _tail(sigmas: tuple[float, ...], strength: float) -> tuple[float, ...]:
    return sigmas[-1 - steps_of_strength(strength, len(sigmas) - 1) :]


def _with_strength(second: Enlargement, strength: float) -> Enlargement:
    """Return the second stage of a run of that strength: it also starts from the picture."""
    return replace(second, sigmas=_tail(second.sigmas, strength))


def _with_evaluations(request: Request) -> Request:
    """Return the request with the evaluations of its path. Raises RequestError for a path that is too long."""
    path = path_of(request)
    if len(path) > MAX_HOPS:
        raise RequestError(
            f"The path back and forth would have {len(path)} moves, and at most {MAX_HOPS} are possible: "
            "go back less often."
        )
    return replace(request, evaluations=rule_of(request.sampler, request.options).cost(path))


def _edit(draft: Draft, info: ModelInfo, inputs: Inputs | None) -> Edit:
    """Return the Edit of `inputs`. Raises RequestError where they are missing or do not fit the draft."""
    if draft.method not in METHODS:
        raise RequestError(f"There is no method “{draft.method}”: choose one of {', '.join(METHODS)}.")
    _check_steps(draft)
    if inputs is None:
        raise RequestError("There is no picture to work on: open one.")
    if inputs.size != (wanted := size(draft, info)):
        (w, h), (width, height) = inputs.size, wanted
        raise RequestError(
            f"{info.title} works on {width}×{height} pixels, but the picture has {w}×{h}: crop it again."
        )
    if inputs.mask is not None and not inputs.mask.any():
        raise RequestError("The mask is empty: paint the part to generate again.")
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
    """Return the noise levels from `top` to 0, or to the level of a truncated first stage; RequestError if there are
    none.
    """
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


def branch(
    draft: Draft, info: ModelInfo, parent: Request, i: int, inputs: Inputs | None = None, finder: Finder | None = None
) -> Request:
    """Return the Request of a fork: from the state before step `i` of `parent`'s run with the choices of `draft`.

    Down to that step the noise levels are the parent's. Below it they are those of the draft's own grid; with the
    parent's steps and spacing nothing changes. Number and size of the images, x_T and the strength are the parent's.
    `inputs` None: the parent's; `finder` as in resolve(). A fork of a run with RePaint or Restart stays on its path.
    Raises RequestError for an impossible draft, or for another model.
    """
    if info.sha256 != parent.model_sha256:
        raise RequestError(f"This run belongs to another model: choose “{parent.model}” to fork it.")
    whole = replace(draft, batch=len(parent.seeds), strength=1.0, width=parent.width, height=parent.height)
    edit = None
    if draft.method != "new" and inputs is None and parent.edit is not None:
        edit = _method(whole, parent.edit.source, parent.edit.mask)
    elif draft.method != "new":
        edit = _edit(whole, info, inputs)
    request = _resolve(whole, info, edit, finder)
    request = replace(request, temperature=parent.temperature, truncation=parent.truncation)  # of x_T
    strength = 1.0 if parent.edit is None else parent.edit.strength
    if edit is not None:
        edit = replace(edit, strength=strength)
        second = None if request.enlargement is None else _with_strength(request.enlargement, strength)
        request = replace(request, enlargement=second)
    if "repaint" in (draft.method, parent.edit and parent.edit.method):
        own = parent.edit and (parent.edit.method, parent.edit.jump, parent.edit.resample)
        if edit is None or (edit.method, edit.jump, edit.resample) != own:
            raise RequestError("This step lies on RePaint's path back and forth: keep the method RePaint.")
        return _with_evaluations(replace(request, sigmas=parent.sigmas, edit=edit))
    if goes_back(request.sampler) or goes_back(parent.sampler):
        if (request.sampler, request.options) != (parent.sampler, parent.options):
            raise RequestError("Restart's path goes back and forth: keep the run's sampler and its numbers.")
        return _with_evaluations(replace(request, sigmas=parent.sigmas, edit=edit))
    rest = levels_below(request.sigmas, parent.sigmas[i])
    if not rest:  # the first stage stops above this step
        raise RequestError("The first stage would have stopped before this step: choose an earlier one.")
    sigmas = (*parent.sigmas[: i + 1], *rest)
    return _with_evaluations(replace(request, sigmas=sigmas, edit=edit))


def vary(
    request: Request, i: int, image: int, count: int, info: ModelInfo, sampler: str | None = None, steps: int = 0
) -> Request:
    """Return the Request of `count` variations that share image `image`'s state at step i: for Session.fork(share=…).

    sampler -- with its own defaults; None: the run's own where it draws noise, else DDPM
    steps   -- the number of steps from there on, in the same spacing; 0 keeps the remaining ones

    The seeds count up from the image's own, so with the same sampler and steps the first picture is that image again.
    Raises RequestError for an image or a step that the run does not have, and for a sampler that draws no noise,
    because its pictures would be equal.
    """
    path = path_of(request)
    if not (0 <= i < len(path) and 0 <= image < len(request.seeds)):
        raise RequestError(f"This run has no image {image} at step {i}: choose an image and a step that it has.")
    name, options = request.sampler, request.options
    if sampler is None and not rule_of(name, options).stochastic:
        sampler = "ddpm"
    if sampler is not None and sampler != name:
        name, options = sampler, ()
        if goes_back(name) or goes_back(request.sampler):
            raise RequestError("Restart's path goes back and forth: keep the run's sampler.")
    rule = rule_of(name, options)
    if not rule.stochastic:
        noisy = ", ".join(name for name, rule in menu().items() if rule.stochastic)
        raise RequestError(f"{rule.title} draws no noise, so all pictures would be the same: choose one of {noisy}.")
    sigmas = request.sigmas
    if steps < 0:
        raise RequestError(f"{steps} steps are not possible: choose 1 or more, or 0 for the remaining ones.")
    if steps > 0 and len(path) > request.steps:
        raise RequestError("This step lies on a path back and forth: keep the remaining steps.")
    if steps > 0:
        rest = _levels(request.spacing, steps, sigmas[i], info, request.enlargement)
        sigmas = (*sigmas[: i + 1], *rest[1:])  # "leading" would start lower
    seeds = tuple(request.seeds[image] + n for n in range(count))
    return _with_evaluations(replace(request, sampler=name, options=options, sigmas=sigmas, seeds=seeds))


def _options(draft: Draft) -> tuple[tuple[str, float], ...]:
    """Return the options that differ from the sampler's defaults, so that equal choices give equal Requests."""
    rule = RULES.get(draft.sampler)
    defaults = {} if rule is None else {option.name: option.default for option in rule.options}
    chosen = dict(draft.options)
    return tuple(sorted((name, float(v)) for name, v in chosen.items() if name not in defaults or v != defaults[name]))


def _names(info: ModelInfo) -> str:
    return ", ".join(info.labels) if info.labels else "no label"
