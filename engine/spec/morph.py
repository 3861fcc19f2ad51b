"""A Morph: everything that decides the frames of a film from picture to picture, resolved. Needs no torch.

Song et al., "Score-based generative modeling through stochastic differential equations" (2021), appendix D.2:
pictures are interpolated by their x_T, which the probability flow ties to them one to one. Ho et al., "Denoising
diffusion probabilistic models" (2020), figure 8: pictures are mixed as they are at a level σ, under one noise.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from engine.paths import path_of
from engine.schedules import below
from engine.spec.cost import enlargement_passes, passes, passes_of
from engine.spec.request import Request, RequestError
from engine.spec.sampler import rule_of

FORMAT = 1
AT_ONCE = 8  # frames in one batch: with guidance twice as many pictures go through the net in one call
MOST_KEYS, MOST_FRAMES, MOST_RATE = 32, 600, 60

WAYS: dict[str, tuple[str, str]] = {
    "slerp": ("Spherical", "x_T goes along the sphere that noise lies on: its norm stays what the model has learned"),
    "linear": ("Linear", "x_T goes straight through the sphere: half-way its norm is 0.71 of what it should be"),
    "mix": (
        "Mixed at σ",
        "The pictures themselves are mixed, with one noise of level σ in them, and denoised from there",
    ),
}
LOOPS: dict[str, tuple[str, str]] = {
    "none": ("Once", "From the first key to the last"),
    "back": ("Back to the first key", "And from the last key to the first, so that it goes round without a cut"),
    "pingpong": ("There and back", "The same frames backwards: it goes round without a cut, and costs nothing more"),
}
EASINGS: dict[str, tuple[str, Callable[[float], float]]] = {
    "linear": ("Even", lambda t: t),
    "smooth": ("Slow at the keys", lambda t: t * t * (3 - 2 * t)),
    "in": ("Slow at first", lambda t: t * t),
    "out": ("Slow at last", lambda t: t * (2 - t)),
}


class MorphError(RequestError):
    """A morph that cannot be made; the message says in one sentence what to change."""

    kind = "morph"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key frame.

    seed    -- of its x_T; of a picture, of the noise that a second stage puts in
    picture -- SHA-256 of the picture (engine.spec.edit.digest) that is encoded; "" for what the seed gives
    prompt, label, temperature, truncation -- as a Request's: what its own picture is made of and conditioned on
    guidance -- γ there; None: the request's, but 1 for a picture that is encoded, since only the unguided flow leads
                back to it. Between two keys γ goes as everything does
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
        """Picture `index` of a run from pure noise: its x_T comes from its seed exactly."""
        same = {name: getattr(request, name) for name in ("prompt", "label", "temperature", "truncation")}
        return cls(seed=request.seeds[index], **same)


class Place(NamedTuple):
    """Where a frame stands: the share `t` of the way from key `a` to key `b`, eased, 0 … 1."""

    a: int
    b: int
    t: float

    @property
    def key(self) -> int | None:
        """The key that the frame is, if it is one."""
        return self.a if self.t == 0 else self.b if self.t == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Morph:
    """One morph, resolved.

    request -- how every frame is made: model, sampler, noise levels, guidance, negative prompt, second stage; of its
               seeds the first is the noise that all share where they share one. Its prompt, label, temperature and
               truncation do not count: the keys have their own
    keys    -- 2 … MOST_KEYS
    frames  -- how many are made, all keys among them
    easing, loop, way -- keys of EASINGS, LOOPS, WAYS
    at      -- σ where the way "mix" mixes; else 0
    rate    -- frames a second when it is played
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
            raise MorphError(f"A morph goes between 2 to {MOST_KEYS} key frames, and there are {len(self.keys)}.")
        for name, known in (("easing", EASINGS), ("loop", LOOPS), ("way", WAYS)):
            if getattr(self, name) not in known:
                raise MorphError(f"There is no {name} “{getattr(self, name)}”: choose one of {', '.join(known)}.")
        if not len(self.keys) <= self.frames <= MOST_FRAMES:
            raise MorphError(f"{self.frames} frames are not possible: choose {len(self.keys)} to {MOST_FRAMES}.")
        if not 1 <= self.rate <= MOST_RATE:
            raise MorphError(f"{self.rate} frames a second are not possible: choose 1 to {MOST_RATE}.")
        if self.request.edit is not None:
            raise MorphError("A morph makes pictures of its own: choose a new picture, not part of one.")
        top = self.request.sigmas[0]
        if self.way == "mix" and not 0 < self.at <= top:
            raise MorphError(
                f"The pictures can be mixed at a noise level above 0 and up to {top:g}, not at {self.at:g}."
            )
        if self.way != "mix" and self.at:
            raise MorphError("A noise level to mix at belongs to the mixed way: choose that, or leave it out.")
        if any(guide.scale != 0 for guide in self.request.guides):
            raise MorphError("A morph follows the model alone: take the CLIP and classifier guides out.")
        if self.encodes and rule_of(self.request.sampler, self.request.options).stochastic:
            raise MorphError(
                "A picture is encoded along the flow, and this sampler leaves it: choose one that draws no noise."
            )
        for key in self.keys:
            replace(self.request, **self._asked(key))  # says what is wrong with it

    def _asked(self, key: Key) -> dict[str, Any]:
        made = {name: getattr(key, name) for name in ("prompt", "label", "temperature", "truncation")}
        return made | {"seeds": (key.seed,), "guidance": self.guidance_of(key)}

    def request_of(self, key: Key) -> Request:
        """What makes that key's own picture, where its seed does."""
        return replace(self.request, **self._asked(key))

    def guidance_of(self, key: Key) -> float:
        if key.guidance is not None:
            return key.guidance
        return 1.0 if key.picture and self.way != "mix" else self.request.guidance

    def guidance_at(self, place: Place) -> float:
        a, b = (self.guidance_of(self.keys[n]) for n in (place.a, place.b))
        return a if place.t == 0 else b if place.t == 1 else a + (b - a) * place.t

    @property
    def encodes(self) -> bool:
        """Whether some key's x_T has to be found from its picture."""
        return self.way != "mix" and any(key.picture for key in self.keys)

    @property
    def walked(self) -> Request:
        """The request with the noise levels that the frames go through: with "mix" those from `at` down."""
        if self.way != "mix":
            return self.request
        rest = below(self.request.sigmas, self.at)
        if not rest:
            low = self.request.sigmas[-1]
            raise MorphError(f"The run ends at the noise level {low:g}: mix the pictures at one that lies above.")
        made = replace(self.request, sigmas=(self.at, *rest))
        return replace(made, evaluations=rule_of(made.sampler, made.options).cost(path_of(made)))

    def places(self) -> tuple[Place, ...]:
        """Where each frame stands. Every key is a frame; the frames between are shared out as evenly as can be."""
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
        """The frames in the order of one showing; of a loop the last goes over into the first."""
        there = tuple(range(self.frames))
        return there + there[-2:0:-1] if self.loop == "pingpong" else there

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        made = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        keys = [dataclasses.asdict(key) for key in self.keys]
        return {"format": FORMAT} | made | {"request": self.request.to_dict(), "keys": keys}

    def to_json(self) -> str:
        """Equal morphs give equal text, in ASCII, as file formats want it."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Morph:
        """Raises RequestError for what is not the settings of a morph."""
        try:
            data = json.loads(text)
            if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
                raise MorphError("These are not the settings of a morph that this version of the studio can read.")
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
    """What a morph costs in passes of the net over one picture: for its keys, for its frames; and of a second stage's
    net, for its frames."""

    keys: int
    frames: int
    second: int

    @property
    def calls(self) -> int:
        return sum(self)


def batches(morph: Morph) -> list[tuple[Place, ...]]:
    """The frames as they are made, AT_ONCE at a time."""
    places = morph.places()
    return [places[at : at + AT_ONCE] for at in range(0, len(places), AT_ONCE)]


def passes_of_frames(morph: Morph, places: Sequence[Place]) -> tuple[int, ...]:
    """The passes of each hop for one of these frames, made in one batch: two where γ asks for it in any of them."""
    return passes(replace(morph.walked, guidance=_dearest({morph.guidance_at(place) for place in places})))


def passes_of_keys(morph: Morph) -> list[tuple[int, ...]]:
    """The passes that finding each key's start takes, hop by hop: () for a seed, whose start is known."""
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
    """The levels that an encoding goes up: those of the run, from the lowest above 0."""
    return tuple(s for s in reversed(request.sigmas) if s > 0)


def price(morph: Morph) -> MorphPrice:
    """Exact, but for what engine.spec.cost.passes says of guidance intervals."""
    frames = sum(sum(passes_of_frames(morph, places)) * len(places) for places in batches(morph))
    return MorphPrice(sum(map(sum, passes_of_keys(morph))), frames, enlargement_passes(morph.request) * morph.frames)


def _dearest(guidances: set[float]) -> float:
    """One of them, or where they differ one that costs as much as they do together."""
    return guidances.pop() if len(guidances) == 1 else 2.0
