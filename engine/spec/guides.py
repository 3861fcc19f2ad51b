"""CLIP and classifier guides, as a Request holds them. Needs no torch.

A guide is one term of the guided denoiser, each around the one before it and all around classifier-free guidance:

    CLIP        D̃ = D − λ(σ)·σ²·∇ₓL(D(x))           on x̂₀ (Crowson 2021; Nichol et al. 2022, section 4.2)
                D̃ = D − λ(σ)·σ²·∇ₓL(x, σ)           on x_t, by a CLIP trained on noise (GLIDE's noised CLIP)
    a class     D̃ = D + γ·σ²·∇ₓ log p(y | x, σ)      (Dhariwal & Nichol 2021, section 4)

Draft and Request hold the same classes; in a Request each has the SHA-256 of its weights. engine.guidance turns them
into transforms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from reprlib import repr as shortened
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from engine.spec.edit import Pixels, check, digest
from engine.spec.model_hash import current_hash
from engine.spec.validation import RequestError, check_text, integer, number, text, within

if TYPE_CHECKING:
    from engine.spec.guide_models import GuideInfo

MAX_GUIDES = 8
MAX_AIMS = 16
MAX_AIM_TEXT = 4000
MAX_WEIGHT = 100.0
MAX_SCALE = 1e6
MAX_CUTOUTS = 64
SMALLEST_CUT = 0.1  # of the side
AIM_SIDE = 512  # pixels of an aim picture's side: no CLIP sees more
PLACES = ("x0", "xt")


class Parameter(NamedTuple):
    """A number of a law, low … high, that the user can set."""

    name: str
    default: float
    low: float
    high: float
    about: str


class LawKind(NamedTuple):
    """A law of λ(σ) as a menu shows it: a name, one line on when to choose it, and its numbers."""

    title: str
    about: str
    parameters: tuple[Parameter, ...] = ()


_POWER = Parameter("power", 1.0, 0.1, 8.0, "how steep")
LAWS: dict[str, LawKind] = {
    "constant": LawKind("Constant", "The same λ at every noise level."),
    "window": LawKind(
        "Window",
        "λ between two noise levels; outside of them no guide and no cost.",
        (
            Parameter("low", 0.1, 0.0, 1e5, "lowest σ with guidance"),
            Parameter("high", 10.0, 0.0, 1e5, "highest σ with guidance"),
        ),
    ),
    "early": LawKind("Early", "λ·(σ²/(1 + σ²))^power: fades as the picture comes out of the noise.", (_POWER,)),
    "late": LawKind("Late", "λ·(1/(1 + σ²))^power: comes up as the picture comes out of the noise.", (_POWER,)),
}


@dataclass(frozen=True, slots=True)
class Law:
    """The dependence of λ on σ: a key of LAWS, and its numbers other than the defaults, (name, value) by name."""

    name: str = "constant"
    options: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if self.name not in LAWS:
            raise RequestError(f"There is no law “{self.name}” of λ: choose one of {', '.join(LAWS)}.")
        known = {parameter.name: parameter for parameter in LAWS[self.name].parameters}
        names = [name for name, _ in self.options]
        if names != sorted(set(names)):
            raise RequestError("The numbers of λ's law must be sorted by name, each once.")
        for name, value in self.options:
            if name not in known:
                have = ", ".join(known) or "none"
                raise RequestError(f"The law “{self.name}” of λ has no number “{name}”: it has {have}.")
            if not within(value, known[name].low, known[name].high):
                low, high = known[name].low, known[name].high
                raise RequestError(f"The law's {name} cannot be {value:g}: choose {low:g} to {high:g}.")
        if self.name == "window" and self["low"] > self["high"]:
            raise RequestError("The window of λ must be two noise levels, the low one first.")

    def __getitem__(self, name: str) -> float:
        """Return one of its numbers. Raises KeyError for another name."""
        defaults = {parameter.name: parameter.default for parameter in LAWS[self.name].parameters}
        return dict(self.options).get(name, defaults[name])

    def weight(self, sigma: float) -> float:
        """λ(σ)/λ, in [0, 1]."""
        if self.name == "window":
            return float(self["low"] <= sigma <= self["high"])
        if self.name == "early":
            return float((sigma**2 / (1 + sigma**2)) ** self["power"])
        if self.name == "late":
            return float((1 / (1 + sigma**2)) ** self["power"])
        return 1.0

    @classmethod
    def of(cls, name: str, **options: float) -> Law:
        """Return the law with numbers by name; defaults are left out, so that equal laws have one form."""
        kind = LAWS.get(name)
        defaults = {} if kind is None else {parameter.name: parameter.default for parameter in kind.parameters}
        changed = {key: float(value) for key, value in options.items() if key not in defaults or value != defaults[key]}
        return cls(name, tuple(sorted(changed.items())))


@dataclass(frozen=True, slots=True)
class Aim:
    """A text or a picture that a CLIP guide moves x̂₀ towards (weight above 0) or away from (below 0).

    image -- engine.spec.edit.digest of a picture that travels beside the Request and is kept in its run file
    """

    text: str = ""
    image: str = ""
    weight: float = 1.0

    def __post_init__(self) -> None:
        if bool(self.text.strip()) == bool(self.image):
            raise RequestError("An aim is a text or a picture: give each aim one of them.")
        check_text(self.text, "aim")
        if len(self.text) > MAX_AIM_TEXT:
            raise RequestError(f"An aim is longer than {MAX_AIM_TEXT} characters: shorten it.")
        if self.image and not re.fullmatch("[0-9a-f]{64}", self.image):
            raise RequestError("The picture of an aim is not named by its SHA-256: choose it again.")
        if not within(self.weight, -MAX_WEIGHT, MAX_WEIGHT) or self.weight == 0:
            raise RequestError(
                f"The weight of an aim must lie between −{MAX_WEIGHT:g} and {MAX_WEIGHT:g}, and not be 0."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipGuide:
    """Guidance by a CLIP: moves the picture closer to its aims.

    clip       -- its id, file or folder, as in engine.models.clip
    sha256     -- of its weights; "" in a Draft
    aims       -- the aims; their weights count relative to each other
    scale      -- λ, 0 … 10⁶; 0 is no guide and costs nothing
    law        -- the dependence of λ on σ
    on         -- "x0": the estimate of the denoiser, for any CLIP; "xt": the noisy state, for one trained on noise
    cutouts    -- the number of views of the picture, 1 … 64: the whole of it, then square parts of it, the same at
                  every step of an image
    cut_size   -- (smallest, largest) side of those parts as a share of the picture's, 0.1 … 1
    clip_gradient -- the largest move of x̂₀ in one evaluation, as the root mean square of its values; 0: no limit
    smooth     -- weight of total variation in L, 0 … 10⁴: keeps neighbouring pixels similar
    keep_range -- weight in L of values outside [−1, 1], 0 … 10⁴
    """

    clip: str
    sha256: str = ""
    aims: tuple[Aim, ...]
    scale: float = 40.0
    law: Law = Law()
    on: str = "x0"
    cutouts: int = 2
    cut_size: tuple[float, float] = (0.7, 1.0)
    clip_gradient: float = 0.2
    smooth: float = 0.0
    keep_range: float = 0.0

    def __post_init__(self) -> None:
        if not self.clip:
            raise RequestError("No CLIP is named: choose one.")
        if not 1 <= len(self.aims) <= MAX_AIMS:
            raise RequestError(f"CLIP guidance needs 1 to {MAX_AIMS} aims: type a text or choose a picture.")
        if not within(self.scale, 0, MAX_SCALE):
            raise RequestError(f"The scale λ of CLIP guidance must lie between 0 and {MAX_SCALE:g}.")
        if self.on not in PLACES:
            raise RequestError(f"CLIP cannot look at “{self.on}”: choose one of {', '.join(PLACES)}.")
        if not 1 <= self.cutouts <= MAX_CUTOUTS:
            raise RequestError(
                f"{self.cutouts} cutouts are not possible: choose 1 (the whole picture) to {MAX_CUTOUTS}."
            )
        if not SMALLEST_CUT <= self.cut_size[0] <= self.cut_size[1] <= 1:
            raise RequestError(
                f"The sizes of cutouts are two shares of the side, {SMALLEST_CUT:g} ≤ smallest ≤ largest ≤ 1."
            )
        if not within(self.clip_gradient, 0, MAX_SCALE):
            raise RequestError("The limit of CLIP's move of x̂₀ must be 0 (no limit) or more.")
        if not (within(self.smooth, 0, 1e4) and within(self.keep_range, 0, 1e4)):
            raise RequestError("The weights of smoothness and range must lie between 0 and 10000.")
        if self.on == "xt" and (self.cutouts, self.smooth, self.keep_range) != (1, 0, 0):
            raise RequestError(
                "On x_t CLIP sees only the whole noisy picture: choose 1 cutout, and 0 for smoothness and range."
            )

    def weight(self, sigma: float) -> float:
        """λ(σ)."""
        return self.scale * self.law.weight(sigma)

    @property
    def differentiates(self) -> bool:
        """Whether its gradient goes through the denoiser, which costs a backward pass."""
        return self.on == "x0"


ON_NOISE: dict[str, Any] = {"on": "xt", "cutouts": 1, "scale": 300.0, "clip_gradient": 0.5}  # the best values measured


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassGuide:
    """Guidance by a classifier towards one of its labels.

    classifier -- its id, as in engine.models.noisy
    sha256     -- of its weights; "" in a Draft
    label      -- one of its own labels, which may differ from the model's
    scale      -- γ, −1000 … 1000; 1 is Bayes' rule, above it sharpens, below 0 steers away; 0 is no guide
    noisy      -- the classifier that was trained on noise and reads σ; False: its twin, trained on clean pictures only,
                  which treats every input as clean (deck 0's "catch")
    on         -- "xt": it reads the noisy state; "x0": the estimate of the denoiser, at σ = 0
    """

    classifier: str
    sha256: str = ""
    label: str
    scale: float = 1.0
    noisy: bool = True
    on: str = "xt"

    def __post_init__(self) -> None:
        if not self.classifier:
            raise RequestError("No classifier is named: choose one.")
        if not self.label:
            raise RequestError("A classifier needs a label to steer to: choose one.")
        check_text(self.label, "label")
        if not within(self.scale, -1000, 1000):
            raise RequestError("The scale γ of a classifier must lie between −1000 and 1000.")
        if self.on not in PLACES:
            raise RequestError(f"A classifier cannot look at “{self.on}”: choose one of {', '.join(PLACES)}.")

    def weight(self, sigma: float) -> float:
        """γ, the same at every noise level."""
        return self.scale

    @property
    def differentiates(self) -> bool:
        """Whether its gradient goes through the denoiser, which costs a backward pass."""
        return self.on == "x0"


Guide: TypeAlias = ClipGuide | ClassGuide


def guide_from_dict(data: Mapping[str, Any]) -> Guide:
    """Invert dataclasses.asdict. Raises KeyError, TypeError or ValueError for anything else."""
    if "clip" in data:
        law, (low, high) = data["law"], data["cut_size"]
        guide: Guide = ClipGuide(
            clip=text(data["clip"]),
            sha256=current_hash(text(data["sha256"])),
            aims=tuple(Aim(text(a["text"]), text(a["image"]), number(a["weight"])) for a in data["aims"]),
            scale=number(data["scale"]),
            law=Law(text(law["name"]), tuple((text(name), number(value)) for name, value in law["options"])),
            on=text(data["on"]),
            cutouts=integer(data["cutouts"]),
            cut_size=(number(low), number(high)),
            clip_gradient=number(data["clip_gradient"]),
            smooth=number(data["smooth"]),
            keep_range=number(data["keep_range"]),
        )
    else:
        names = ("classifier", "label", "on")
        if not isinstance(data["noisy"], bool):
            raise TypeError("noisy")
        guide = ClassGuide(
            **{name: text(data[name]) for name in names},
            sha256=current_hash(text(data["sha256"])),
            scale=number(data["scale"]),
            noisy=data["noisy"],
        )
    if unknown := sorted(map(str, set(data) - set(guide.__dataclass_fields__))):
        raise ValueError(f"a guide has unknown fields: {shortened(unknown)}")
    return guide


def resolve_guide(guide: Guide) -> Guide:
    """Turn a Draft's guide into a Request's: add the SHA-256 of the installed weights, where a config has it.

    It stays "" for checkpoints of open_clip, whose hash needs a read of the file; an unknown name fails later, when it
    is loaded. Raises RequestError for a label that the classifier does not have, and for a CLIP of clean pictures on
    x_t.
    """
    info = _here(guide)
    if info is None:
        return guide
    if isinstance(guide, ClassGuide) and guide.label not in info.labels:
        known = ", ".join(info.labels)
        raise RequestError(f"“{info.title}” does not know “{guide.label}”: choose one of {known}.")
    if isinstance(guide, ClipGuide) and guide.on == "xt" and not info.noisy:
        raise RequestError(f"“{info.title}” knows clean pictures only: use it on x̂₀.")
    return replace(guide, sha256=info.sha256)


def _here(guide: Guide) -> GuideInfo | None:
    from engine.spec import guide_models

    listed = guide_models.clips() if isinstance(guide, ClipGuide) else guide_models.classifiers()
    name = guide.clip if isinstance(guide, ClipGuide) else guide.classifier
    for info in listed:
        if info.id == name:
            return info
    try:
        return guide_models.read(Path(name))
    except ValueError:
        return None


def active_guides(guides: Sequence[Guide], sigma: float) -> tuple[Guide, ...]:
    """Return the guides with a weight other than 0 at the noise level σ."""
    return tuple(guide for guide in guides if sigma > 0 and guide.weight(sigma) != 0)


def unresolve_guide(guide: Guide) -> Guide:
    """Turn a Request's guide into a Draft's: by name alone, so that it means the installed one."""
    return replace(guide, sha256="")


def digests(guides: Sequence[Guide]) -> tuple[str, ...]:
    """Return the digests of all aim pictures, each once, in order."""
    return tuple(dict.fromkeys(a.image for g in guides if isinstance(g, ClipGuide) for a in g.aims if a.image))


def pictures_of(guides: Sequence[Guide], pictures: Sequence[Pixels]) -> dict[str, Pixels]:
    """Return the aim pictures of the guides from `pictures`, uint8 (H, W, 3), by digest. RequestError if one is
    missing.
    """
    wanted = digests(guides)
    if not wanted:
        return {}
    for picture in pictures:
        check(picture)
    have = {digest(picture): picture for picture in pictures}
    if not set(wanted) <= set(have):
        raise RequestError("An aim picture of these settings is missing: choose it again.")
    return {name: have[name] for name in wanted}


def pictures_of_aims(aims: Sequence[Aim], pictures: Sequence[Pixels]) -> dict[str, Pixels]:
    """Return the pictures of the aims from `pictures`, by digest. RequestError if one is missing, or without any
    aim.
    """
    return pictures_of((ClipGuide(clip="any", aims=tuple(aims)),), pictures)
