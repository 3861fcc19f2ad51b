"""Request: everything that decides the pixels of a run, resolved. Needs no torch, so the window can open first.

The queue, the gallery, the run file, the PNG text and the tests all use Requests: the same Request on the same kind of
machine gives the same picture. A choice ("20 steps, karras") is stored as its result (the list of σ); `spacing` only
keeps the name of the grid for the user.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from itertools import pairwise
from reprlib import repr as shortened
from typing import Any

from engine.spec.adapter import AdapterUse, check_adapters
from engine.spec.embedding import EmbeddingUse, check_embeddings
from engine.spec.guides import MAX_GUIDES, Guide, guide_from_dict
from engine.spec.limits import DTYPES, MAX_GUIDANCE, MAX_LEVEL, MAX_NAME, MAX_SIGMA, MAX_STEPS
from engine.spec.model_hash import current_hash
from engine.spec.prompt.choices import Drawn
from engine.spec.vae import VaeUse
from engine.spec.validation import MAX_SIDE, check_text, integer, number, within
from engine.spec.validation import RequestError as RequestError
from engine.types import Said

FORMAT = 1
MAX_BATCH = 64
MAX_SEED = 2**63 - 1
MAX_TEXT = 4000
MAX_EVALUATIONS = 1_000_000  # per picture
MAX_TEMPERATURE = 10.0
SMALLEST_TRUNCATION, MAX_TRUNCATION = 0.05, 10.0  # in standard deviations of x_T
THRESHOLDS = ("none", "static", "dynamic")
METHODS = ("replacement", "repaint", "img2img")  # ways to edit a picture
MAX_RESAMPLE = 50
MAX_HOPS = 10_000  # of a run that goes back and forth
MAX_CLIP_SKIP = 64
OPTIONAL = (
    "clip_skip",
    "distilled",
    "drawn",
    "adapters",
    "vae",
    "precision",
    "embeddings",
)  # in JSON only where they are set: old hashes stay
QUANTILE = 0.995  # of a dynamic threshold, as Saharia et al. 2022 use it


@dataclass(frozen=True, slots=True, kw_only=True)
class Enlargement:
    """The second stage of a cascade, resolved: it enlarges the finished pictures by `factor`.

    sampler, sigmas -- as in a Request
    level     -- σ of the noise in the small picture that the second stage sees, so that it can correct the picture
    truncated -- whether the first stage stops at that level; otherwise it finishes and noise is added to its picture
    """

    factor: int
    sampler: str
    sigmas: tuple[float, ...]
    level: float
    truncated: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.factor <= 64:
            raise RequestError("A second stage enlarges 2 to 64 times.")
        if not 0 <= self.level <= MAX_LEVEL:
            raise RequestError(f"The noise that a second stage sees must lie between 0 and {MAX_LEVEL:g}.")
        if self.truncated and self.level == 0:
            raise RequestError("A first stage that stops early needs a noise level above 0 to stop at.")
        if not 2 <= len(self.sigmas) <= MAX_STEPS + 1:
            raise RequestError(f"A second stage takes 1 to {MAX_STEPS} steps.")
        _check_levels(self.sigmas)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Enlargement:
        """Invert dataclasses.asdict. Raises KeyError, TypeError or ValueError for anything else."""
        if not isinstance(data["sampler"], str) or not isinstance(data.get("truncated", False), bool):
            raise TypeError("enlargement")
        return cls(
            factor=integer(data["factor"]),
            sampler=data["sampler"],
            sigmas=tuple(number(v) for v in data["sigmas"]),
            level=number(data["level"]),
            truncated=data.get("truncated", False),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The edit of a picture, resolved. The arrays are an engine.spec.edit.Inputs with these digests.

    method   -- "replacement": the kept pixels are put back, with the noise of the level, after every step (Song et al.
                2021, appendix I.2); "repaint": the same on a path that goes back and forth (Lugmayr et al. 2022);
                "img2img": the run starts from the picture plus noise, and nothing is pinned (Meng et al. 2022)
    source   -- SHA-256 of the picture
    mask     -- SHA-256 of the mask, "" for the whole picture, with img2img only
    strength -- the share of the grid's steps to take, in (0, 1]: 1 starts from pure noise; below 1 the run starts from
                the picture plus noise of σ₀, and the Request's `sigmas` are the tail of the grid
    jump, resample -- of repaint: the number of levels up again, and how often each stretch is repeated; else 1
    """

    method: str
    source: str
    mask: str = ""
    strength: float = 1.0
    jump: int = 1
    resample: int = 1

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise RequestError(f"There is no method “{self.method}”: choose one of {', '.join(METHODS)}.")
        if not self.source:
            raise RequestError("There is no picture to work on: open one.")
        if self.pinned and not self.mask:
            raise RequestError("There is no mask: paint the part to generate again.")
        if not 0 < self.strength <= 1:
            raise RequestError("The strength must lie above 0 and be at most 1.")
        if not (1 <= self.jump <= MAX_STEPS and 1 <= self.resample <= MAX_RESAMPLE):
            raise RequestError(f"RePaint goes back 1 to {MAX_STEPS} levels, 1 to {MAX_RESAMPLE} times.")
        if self.method != "repaint" and (self.jump, self.resample) != (1, 1):
            raise RequestError(f"The method “{self.method}” does not go back and forth: choose repaint for that.")

    @property
    def pinned(self) -> bool:
        """Whether the kept pixels are put back after every step."""
        return self.method != "img2img"

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Edit:
        """Invert dataclasses.asdict. Raises KeyError, TypeError or ValueError for anything else."""
        if not all(isinstance(data[name], str) for name in ("method", "source", "mask")):
            raise TypeError("edit")
        return cls(
            method=data["method"],
            source=data["source"],
            mask=data["mask"],
            strength=number(data["strength"]),
            jump=integer(data["jump"]),
            resample=integer(data["resample"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One run, resolved.

    model, model_sha256 -- the model's id and its hash (engine.spec.model_hash; "" where it has none, as for an oracle)
    prompt, negative    -- texts in the prompt language, choices drawn; "" is the empty text, which conditions on none
    label               -- class or style by name, None for none
    sampler             -- a key of engine.rules.RULES
    options             -- the sampler's options that are not at their defaults, (name, value) sorted by name;
                           an object in JSON
    spacing             -- the name of the grid that `sigmas` came from (a note for people; `sigmas` decides)
    sigmas              -- the noise levels visited, strictly descending, (steps + 1,), the last one usually 0
    guidance            -- γ of classifier-free guidance; 1 is the conditional model itself and costs one pass
    guidance_interval   -- (low, high) in σ; outside it γ = 1. None: no limits
    temperature         -- scales x_T: below 1 images are plainer and more similar, above 1 wilder
    truncation          -- no number of x_T lies further out than this many standard deviations (a truncated normal, as
                           Brock et al. 2019 sample); 0 for no limit. The temperature scales what is left
    threshold           -- how x̂₀ stays within [−1, 1]: "none"; "static", a clip; "dynamic", each image divided by the
                           `quantile` of its |x̂₀|, at least 1, and clipped. For models of pixels alone
    quantile            -- of the dynamic threshold, 0 … 1; 0.995 where the threshold is another
    seeds               -- one per image of the batch, each 0 … 2⁶³ − 1
    width, height       -- of the picture in pixels
    evaluations         -- denoiser evaluations per image over the whole run (a guided one counts once)
    enlargement         -- the second stage that enlarges the finished pictures, or None
    edit                -- the edited picture and the method, or None for a new picture
    guides              -- CLIP and classifier guides, the first innermost (engine.spec.guides)
    clip_skip           -- the layer of the text encoder that is used, counted from the end, 1 for the last; None for
                           the model's own
    distilled           -- the guidance that a guidance-distilled model reads as an input; None for the model's own
    adapters            -- LoRAs and their kin, with their strengths; their order changes nothing
    embeddings          -- the files of the textual inversions that the texts name
    drawn               -- the texts as they were written, with the choices that the seed drew (a note: `prompt` and
                           `negative` decide); None where they had none
    """

    model: str
    model_sha256: str
    prompt: str = ""
    negative: str = ""
    label: str | None = None
    sampler: str
    spacing: str
    sigmas: tuple[float, ...]
    guidance: float = 1.0
    guidance_interval: tuple[float, float] | None = None
    seeds: tuple[int, ...]
    width: int
    height: int
    evaluations: int
    options: tuple[tuple[str, float], ...] = ()
    temperature: float = 1.0
    truncation: float = 0.0
    threshold: str = "none"
    quantile: float = QUANTILE
    enlargement: Enlargement | None = None
    edit: Edit | None = None
    guides: tuple[Guide, ...] = ()
    clip_skip: int | None = None
    distilled: float | None = None
    drawn: Drawn | None = None
    adapters: tuple[AdapterUse, ...] = ()
    vae: VaeUse | None = None
    precision: str | None = None
    embeddings: tuple[EmbeddingUse, ...] = ()

    def __post_init__(self) -> None:
        if not self.model:
            raise RequestError("No model is named: choose a model.")
        for name in ("prompt", "negative"):
            if len(getattr(self, name)) > MAX_TEXT:
                raise RequestError(f"The {name} is longer than {MAX_TEXT} characters: shorten it.")
        for name in ("model", "prompt", "negative", "label", "sampler", "spacing"):
            check_text(getattr(self, name) or "", name)
        for name in ("model", "model_sha256", "label", "sampler", "spacing"):
            if len(getattr(self, name) or "") > MAX_NAME:
                raise RequestError(f"The name of the {name} is longer than {MAX_NAME} characters: choose another.")
        if not 1 <= self.steps <= MAX_STEPS:
            raise RequestError(f"{self.steps} steps are not possible: choose 1 to {MAX_STEPS}.")
        _check_levels(self.sigmas)
        if not within(self.guidance, -MAX_GUIDANCE, MAX_GUIDANCE):
            raise RequestError(f"The guidance must lie between −{MAX_GUIDANCE:g} and {MAX_GUIDANCE:g}.")
        names = [name for name, _ in self.options]
        if names != sorted(set(names)):
            raise RequestError("The sampler's options must be sorted by name, each once.")
        if not all(math.isfinite(value) for _, value in self.options):
            raise RequestError("An option of the sampler is not a number: set it again.")
        if not 0 < self.temperature <= MAX_TEMPERATURE:
            raise RequestError(f"The temperature must lie above 0 and be at most {MAX_TEMPERATURE:g}.")
        if not (self.truncation == 0 or SMALLEST_TRUNCATION <= self.truncation <= MAX_TRUNCATION):
            raise RequestError(
                f"The truncation must lie between {SMALLEST_TRUNCATION:g} and {MAX_TRUNCATION:g} standard deviations, "
                "or be 0 for none."
            )
        if self.threshold not in THRESHOLDS:
            raise RequestError(f"There is no threshold “{self.threshold}”: choose one of {', '.join(THRESHOLDS)}.")
        if not 0 <= self.quantile <= 1:
            raise RequestError("The quantile of the threshold must lie between 0 and 1.")
        interval = self.guidance_interval
        if interval is not None and not 0 <= interval[0] <= interval[1] <= MAX_SIGMA:
            raise RequestError("The guidance interval must be two noise levels, the low one first.")
        if not 1 <= len(self.seeds) <= MAX_BATCH:
            raise RequestError(f"A batch of {len(self.seeds)} is not possible: choose 1 to {MAX_BATCH} images.")
        if not all(0 <= seed <= MAX_SEED for seed in self.seeds):
            raise RequestError("A seed must lie between 0 and 2⁶³ − 1.")
        if not (1 <= self.width <= MAX_SIDE and 1 <= self.height <= MAX_SIDE):
            raise RequestError(f"{self.width}×{self.height} pixels are not possible: choose sides of 1 to {MAX_SIDE}.")
        if len(self.guides) > MAX_GUIDES:
            raise RequestError(f"{len(self.guides)} guides are too many: keep {MAX_GUIDES} at most.")
        if self.clip_skip is not None and not 1 <= self.clip_skip <= MAX_CLIP_SKIP:
            raise RequestError(f"A text encoder cannot stop at layer {self.clip_skip} from its end: choose 1 or 2.")
        if self.distilled is not None and not within(self.distilled, 0, MAX_GUIDANCE):
            raise RequestError(f"The distilled guidance must lie between 0 and {MAX_GUIDANCE:g}.")
        check_adapters(self.adapters)
        check_embeddings(self.embeddings)
        if self.precision is not None and self.precision not in DTYPES:
            raise RequestError(f"There is no precision “{self.precision}”: choose one of {', '.join(DTYPES)}.")
        if not 1 <= self.evaluations <= MAX_EVALUATIONS:
            raise RequestError(f"A run takes 1 to {MAX_EVALUATIONS} evaluations.")
        second = self.enlargement
        if second is not None and second.truncated and second.level != self.sigmas[-1]:
            raise RequestError("A truncated first stage must stop at the noise level that the second one sees.")

    @property
    def steps(self) -> int:
        return len(self.sigmas) - 1

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the finished picture."""
        factor = 1 if self.enlargement is None else self.enlargement.factor
        return factor * self.width, factor * self.height

    @property
    def said(self) -> Said:
        """What the request's own text and label ask of a model."""
        return Said(self.prompt, self.label, (self.width, self.height), self.distilled, self.clip_skip)

    @property
    def said_negative(self) -> Said:
        """What its negative text asks: the condition that guidance leads away from, without a label."""
        return Said(self.negative, None, (self.width, self.height), self.distilled, self.clip_skip, negative=True)

    def to_dict(self) -> dict[str, Any]:
        data = {"format": FORMAT} | dataclasses.asdict(self) | {"options": dict(self.options)}
        return {key: value for key, value in data.items() if value not in (None, ()) or key not in OPTIONAL}

    def to_json(self) -> str:
        """Canonical: equal Requests give equal text. Floats keep every bit (shortest round-trip repr)."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @classmethod
    def from_dict(cls, data: object) -> Request:
        """Invert to_dict. Raises RequestError for anything that is not a Request of this format."""
        if not isinstance(data, dict):
            raise RequestError("These are not the settings of a picture.")
        data = dict(data)
        if data.pop("format", None) != FORMAT:
            raise RequestError("These settings were written by another version of the studio.")
        names = {f.name for f in dataclasses.fields(cls)}
        if unknown := sorted(map(str, set(data) - names)):
            raise RequestError(f"These settings have unknown fields: {shortened(unknown)}.")
        try:
            data["sigmas"] = tuple(number(v) for v in data["sigmas"])
            if data.get("guidance_interval") is not None:
                low, high = data["guidance_interval"]
                data["guidance_interval"] = number(low), number(high)
            data["seeds"] = tuple(integer(v) for v in data["seeds"])
            for key in ("width", "height", "evaluations"):
                data[key] = integer(data[key])
            data["guidance"] = number(data["guidance"])
            # format 1 began without temperature, truncation, options, threshold, enlargement, edit and guides
            data["temperature"] = number(data.get("temperature", 1.0))
            data["truncation"] = number(data.get("truncation", 0.0))
            data["quantile"] = number(data.get("quantile", QUANTILE))
            data.setdefault("threshold", "none")
            if data.get("enlargement") is not None:
                data["enlargement"] = Enlargement.from_dict(data["enlargement"])
            if data.get("edit") is not None:
                data["edit"] = Edit.from_dict(data["edit"])
            data["guides"] = tuple(guide_from_dict(guide) for guide in data.get("guides", ()))
            data["adapters"] = tuple(AdapterUse.from_dict(use) for use in data.get("adapters", ()))
            data["embeddings"] = tuple(EmbeddingUse.from_dict(use) for use in data.get("embeddings", ()))
            if data.get("vae") is not None:
                data["vae"] = VaeUse.from_dict(data["vae"])
            if not isinstance(data.get("precision"), str | None):
                raise TypeError("precision")
            if data.get("clip_skip") is not None:
                data["clip_skip"] = integer(data["clip_skip"])
            if data.get("drawn") is not None:
                data["drawn"] = Drawn.from_dict(data["drawn"])
            if data.get("distilled") is not None:
                data["distilled"] = number(data["distilled"])
            options = data.get("options", {})
            data["options"] = tuple(sorted((str(name), number(value)) for name, value in options.items()))
            for key in ("model", "model_sha256", "prompt", "negative", "sampler", "spacing", "threshold"):
                if not isinstance(data[key], str):
                    raise TypeError(key)
            data["model_sha256"] = current_hash(data["model_sha256"])
            if not isinstance(data["label"], str | None):
                raise TypeError("label")
            return cls(**data)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, RequestError):
                raise
            raise RequestError(f"These settings are damaged ({error}).") from error

    @classmethod
    def from_json(cls, text: str) -> Request:
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RequestError("These settings are damaged: not JSON.") from error
        return cls.from_dict(data)


def _check_levels(sigmas: tuple[float, ...]) -> None:
    if not all(0 <= s <= MAX_SIGMA for s in sigmas):  # nor NaN
        raise RequestError(f"A noise level is not a number between 0 and {MAX_SIGMA:g}: choose another schedule.")
    if any(a <= b for a, b in pairwise(sigmas)):
        raise RequestError("The noise levels do not descend: choose another schedule or fewer steps.")
