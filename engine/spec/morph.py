"""Morph: all settings of a film from picture to picture, resolved. Needs no torch.

Song et al., "Score-based generative modeling through stochastic differential equations" (2021), appendix D.2:
pictures are interpolated by their x_T, which the probability flow ties to them one to one. Ho et al., "Denoising
diffusion probabilistic models" (2020), figure 8: pictures are mixed at a level σ, with the same noise.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from engine.paths import path_of
from engine.schedules import levels_below
from engine.spec.cost import enlargement_passes, passes, passes_of
from engine.spec.request import Request, RequestError
from engine.spec.sampler import rule_of

FORMAT = 1
AT_ONCE = 8  # frames in one batch: with guidance twice as many pictures go through the net in one call
MOST_KEYS, MOST_FRAMES, MOST_RATE = 32, 600, 60

WAYS: dict[str, tuple[str, str]] = {
    "slerp": ("Spherical", "x_T moves along the sphere of noise: its norm stays as in training"),
    "linear": ("Linear", "x_T moves straight through the sphere: half-way its norm is 0.71 of that in training"),
    "mix": (
        "Mixed at σ",
        "The pictures themselves are mixed, get the same noise of level σ, and are denoised from there",
    ),
}
LOOPS: dict[str, tuple[str, str]] = {
    "none": ("Once", "From the first key to the last"),
    "back": ("Back to the first key", "And from the last key to the first: a loop without a cut"),
    "pingpong": ("There and back", "The same frames backwards: a loop without a cut, at no extra cost"),
}
EASINGS: dict[str, tuple[str, Callable[[float], float]]] = {
    "linear": ("Even", lambda t: t),
    "smooth": ("Slow at the keys", lambda t: t * t * (3 - 2 * t)),
    "in": ("Slow at first", lambda t: t * t),
    "out": ("Slow at last", lambda t: t * (2 - t)),
}


class MorphError(RequestError):
    """Settings of an impossible morph; the message says in one sentence what to change."""

    kind = "morph"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key frame.

    seed    -- of its x_T; with a picture: of the noise of a second stage
    picture -- SHA-256 of the picture to encode (engine.spec.edit.digest); "" to start from the seed
    prompt, label, temperature, truncation -- as in a Request, for this key's own picture
    guidance -- γ at this key; None: the request's, but 1 for an encoded picture, since only the unguided flow decodes
                to it. Between two keys γ is interpolated
    """

    seed: int = 0
    picture: str = ""
    prompt: str = ""
    label: str | None = None
    temperature: float = 1.0
    truncation: float = 0.0
    guidance: float | None = None

    @classmethod
    def of(cls, request: Request, index: int = 0) -> Key:
        """Return picture `index` of a run from pure noise as a key: its seed gives its x_T exactly."""
        same = {name: getattr(request, name) for name in ("prompt", "label", "temperature", "truncation")}
        return cls(seed=request.seeds[index], **same)


class Place(NamedTuple):
    """The place of a frame: the share `t` of the way from key `a` to key `b`, eased, 0 … 1."""

    a: int
    b: int
    t: float

    @property
    def key(self) -> int | None:
        """The key at this place; None between two keys."""
        return self.a if self.t == 0 else self.b if self.t == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Morph:
    """One morph, resolved.

    request -- the settings of every frame: model, sampler, noise levels, guidance, negative prompt, second stage. Its
               first seed gives the noise that the frames share where they share one. Its prompt, label, temperature and
               truncation do not count: the keys have their own
    keys    -- 2 … MOST_KEYS
    frames  -- the number of frames, including all keys
    easing, loop, way -- keys of EASINGS, LOOPS, WAYS
    at      -- σ at which the way "mix" mixes; else 0
    rate    -- frames a second of the film
    """

    request: Request
    keys: tuple[Key, ...]
    frames: int = 30
    easing: str = "smooth"
    loop: str = "none"
    way: str = "slerp"
    at: float = 0.0
    rate: int = 15

    def __post_init__(self) -> None:
        if not 2 <= len(self.keys) <= MOST_KEYS:
            raise MorphError(
                f"A morph needs 2 to {MOST_KEYS} key frames, and there are {len(self.keys)}: add or remove some."
            )
        for name, known in (("easing", EASINGS), ("loop", LOOPS), ("way", WAYS)):
            if getattr(self, name) not in known:
                raise MorphError(f"There is no {name} “{getattr(self, name)}”: choose one of {', '.join(known)}.")
        if not len(self.keys) <= self.frames <= MOST_FRAMES:
            raise MorphError(f"{self.frames} frames are not possible: choose {len(self.keys)} to {MOST_FRAMES}.")
        if not 1 <= self.rate <= MOST_RATE:
            raise MorphError(f"{self.rate} frames a second are not possible: choose 1 to {MOST_RATE}.")
        if self.request.edit is not None:
            raise MorphError("A morph generates whole pictures: choose New picture instead of an edit.")
        top = self.request.sigmas[0]
        if self.way == "mix" and not 0 < self.at <= top:
            raise MorphError(
                f"The pictures can be mixed at a noise level above 0 and up to {top:g}, not at {self.at:g}."
            )
        if self.way != "mix" and self.at:
            raise MorphError("A noise level to mix at needs the mixed way: choose that way, or leave the level out.")
        if any(guide.scale != 0 for guide in self.request.guides):
            raise MorphError("A morph has no guides: remove the CLIP and classifier guides.")
        if self.encodes and rule_of(self.request.sampler, self.request.options).stochastic:
            raise MorphError("An encoded picture needs a sampler that draws no noise: choose another sampler.")
        for key in self.keys:
            replace(self.request, **self._fields_of(key))  # raises for impossible settings of a key

    def _fields_of(self, key: Key) -> dict[str, Any]:
        fields = {name: getattr(key, name) for name in ("prompt", "label", "temperature", "truncation")}
        return fields | {"seeds": (key.seed,), "guidance": self.guidance_of(key)}

    def request_of(self, key: Key) -> Request:
        """Return the request of that key's own picture, for a key with a seed."""
        return replace(self.request, **self._fields_of(key))

    def guidance_of(self, key: Key) -> float:
        if key.guidance is not None:
            return key.guidance
        return 1.0 if key.picture and self.way != "mix" else self.request.guidance

    def guidance_at(self, place: Place) -> float:
        a, b = (self.guidance_of(self.keys[n]) for n in (place.a, place.b))
        return a if place.t == 0 else b if place.t == 1 else a + (b - a) * place.t

    @property
    def encodes(self) -> bool:
        """Whether the morph encodes the picture of any key."""
        return self.way != "mix" and any(key.picture for key in self.keys)

    @property
    def frame_request(self) -> Request:
        """The request with the noise levels of the frames: with "mix" those from `at` down."""
        if self.way != "mix":
            return self.request
        rest = levels_below(self.request.sigmas, self.at)
        if not rest:
            low = self.request.sigmas[-1]
            raise MorphError(f"The run ends at the noise level {low:g}: mix the pictures at a higher one.")
        request = replace(self.request, sigmas=(self.at, *rest))
        return replace(request, evaluations=rule_of(request.sampler, request.options).cost(path_of(request)))

    def places(self) -> tuple[Place, ...]:
        """Return the place of each frame. Every key is a frame; the frames between are distributed as evenly as
        possible.
        """
        round_trip = self.loop == "back"
        stretches = len(self.keys) if round_trip else len(self.keys) - 1
        steps = self.frames if round_trip else self.frames - 1
        ends = [steps * n // stretches for n in range(stretches + 1)]
        ease = EASINGS[self.easing][1]
        found = [
            Place(n, (n + 1) % len(self.keys), ease(k / (ends[n + 1] - ends[n])))
            for n in range(stretches)
            for k in range(ends[n + 1] - ends[n])
        ]
        return tuple(found if round_trip else [*found, Place(stretches - 1, stretches, 1.0)])

    def order(self) -> tuple[int, ...]:
        """Return the frames in the order of one showing; the last frame of a loop leads into the first."""
        there = tuple(range(self.frames))
        return there + there[-2:0:-1] if self.loop == "pingpong" else there

    def to_dict(self) -> dict[str, Any]:
        """Return the morph as a dictionary for JSON."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        keys = [dataclasses.asdict(key) for key in self.keys]
        return {"format": FORMAT} | fields | {"request": self.request.to_dict(), "keys": keys}

    def to_json(self) -> str:
        """Return the morph as JSON in ASCII, as film files need it; equal morphs give equal text."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Morph:
        """Read a morph from JSON. Raises RequestError for anything else."""
        try:
            data = json.loads(text)
            if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
                raise MorphError("This version of the studio cannot read these morph settings.")
            keys = tuple(Key(**key) for key in data.pop("keys"))
            whole = all(isinstance(data[name], int) for name in ("frames", "rate"))
            if not whole or not all(isinstance(key.seed, int) for key in keys):
                raise TypeError("a number is not a whole one")
            return cls(request=Request.from_dict(data.pop("request")), keys=keys, **data)
        except RequestError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise MorphError(f"The settings of this morph are damaged ({error}).") from error


class MorphPrice(NamedTuple):
    """The cost of a morph in passes over one picture: of the net for its keys and for its frames, and of a second
    stage's net.
    """

    keys: int
    frames: int
    second: int

    @property
    def calls(self) -> int:
        return sum(self)


def batches(morph: Morph) -> list[tuple[Place, ...]]:
    """Return the batches of frames, AT_ONCE places at most in each."""
    places = morph.places()
    return [places[at : at + AT_ONCE] for at in range(0, len(places), AT_ONCE)]


def passes_of_frames(morph: Morph, places: Sequence[Place]) -> tuple[int, ...]:
    """Return the passes of each hop for one frame of a batch at `places`: two where any of them has guidance."""
    return passes(replace(morph.frame_request, guidance=_dearest({morph.guidance_at(place) for place in places})))


def passes_of_keys(morph: Morph) -> list[tuple[int, ...]]:
    """Return the passes that finding each key's start takes, hop by hop: () for a seed, whose start is known."""
    found: list[tuple[int, ...]] = []
    for key in morph.keys:
        if bool(key.picture) == (morph.way == "mix"):
            found.append(())
        elif key.picture:
            found.append(tuple(passes_of(morph.request_of(key), s, 2) for s in climb(morph.request)[:-1]))
        else:
            found.append(passes(morph.request_of(key)))
    return found


def climb(request: Request) -> tuple[float, ...]:
    """Return the levels of an encoding: those of the run, upwards from the lowest above 0."""
    return tuple(s for s in reversed(request.sigmas) if s > 0)


def price(morph: Morph) -> MorphPrice:
    """Return the price: exact, except as engine.spec.cost.passes says of guidance intervals."""
    frames = sum(sum(passes_of_frames(morph, places)) * len(places) for places in batches(morph))
    return MorphPrice(sum(map(sum, passes_of_keys(morph))), frames, enlargement_passes(morph.request) * morph.frames)


def _dearest(guidances: set[float]) -> float:
    """Return the γ of a batch; for different ones, one that costs as many passes."""
    return guidances.pop() if len(guidances) == 1 else 2.0
