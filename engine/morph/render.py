"""Render the frames of a morph: find the starts of its keys, interpolate, and run each batch of frames."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from engine.cascade import enlarge
from engine.finishing import to_pictures
from engine.jobs.morph import MorphFrame, MorphProgress, Norms
from engine.metrics import psnr
from engine.morph.blend import Between, blend, lerp, slerp
from engine.morph.encode import encode
from engine.noise import Noise
from engine.plan import Conditions, plan, second_stage, to_state
from engine.spec.cost import enlargement_passes
from engine.spec.edit import Inputs, Pixels
from engine.spec.morph import Key, Morph, MorphError, Place, batches, passes_of_frames, passes_of_keys, price
from engine.types import Cond

if TYPE_CHECKING:
    from torch import Tensor

    from engine.jobs.job import Caller, Event
    from engine.jobs.morph import Morphing
    from engine.session import Session
    from engine.spec.request import Request
    from engine.types import NoiseSource, Step

SPEAK = 1 / 25  # seconds between two progress events


def morph(job: Morphing, session: Session, caller: Caller) -> Iterator[Event]:
    """The doer of engine.jobs.morph.Morphing."""
    maker = Maker(session, job.morph, job.pictures, caller.cancelled)
    yield from maker.prepare()
    first = 0
    for places in batches(job.morph):
        yield from maker.make(first, places)
        first += len(places)


class Maker:
    """Renders the frames of one morph. Raises RequestError for settings that the model does not support."""

    def __init__(
        self, session: Session, morph: Morph, pictures: Mapping[str, Pixels], cancelled: Callable[[], bool]
    ) -> None:
        self.morph, self.cancelled = morph, cancelled
        self.model = session.model(morph.request)
        self.second = second_stage(morph.request, self.model)
        self.pictures = {key.picture: _of_size(pictures, key, morph.request) for key in morph.keys if key.picture}
        try:
            self.conds = [self.model.condition(morph.request_of(key).said) for key in morph.keys]
        except ValueError as error:
            raise MorphError(str(error)) from error
        self.uncond = self.model.condition(morph.request.said_negative)
        self.ends: Tensor = torch.empty(0)  # of the keys: x_T, or the pictures for "mix"
        self._total, self._done, self._spoke = price(morph).calls, 0, 0.0

    def prepare(self) -> Iterator[Event]:
        """Find the starts of the keys, and send the norms between them."""
        ends = []
        for k, costs in enumerate(passes_of_keys(self.morph)):
            ends.append((yield from self._end(k, costs)))
        self.ends = torch.cat(ends)
        if self.morph.way != "mix":
            yield self._norms()

    def _end(self, k: int, costs: Sequence[int]) -> Generator[Event, None, Tensor]:
        """Return the start x_T of key `k`, or its picture for "mix". (1, C, h, w)."""
        key, mixes = self.morph.keys[k], self.morph.way == "mix"
        request = self.morph.request_of(key)
        if not key.picture:
            planned = plan(request, self.model, self.cancelled)
            return (yield from self._walk(planned.steps(), costs, planned.x, keys=True)) if mixes else planned.x
        x0 = to_state(Inputs(self.pictures[key.picture]), self.model, (request.width, request.height))[None]
        if mixes:
            return x0
        d = plan(request, self.model, self.cancelled).denoiser
        return (yield from self._walk(encode(d, x0, request), costs, x0, keys=True))

    def _walk(
        self, steps: Iterator[Step], costs: Sequence[int], x: Tensor, keys: bool = False
    ) -> Generator[Event, None, Tensor]:
        """Return the last state of the steps from x (B, …). `costs` are the passes of each step for one picture."""
        for step, passes in zip(steps, costs, strict=True):
            x = step.move.x
            yield from self._count(passes * len(x), keys)
        return x

    def _count(self, passes: int, keys: bool) -> Iterator[MorphProgress]:
        self._done += passes
        if time.monotonic() - self._spoke > SPEAK:
            self._spoke = time.monotonic()
            yield MorphProgress(self._done, self._total, keys)

    def _norms(self) -> Norms:
        unit = self.model.schedule.start_std(self.morph.request.sigmas[0]) * self.ends[0].numel() ** 0.5
        ways = (way(*self._pairs(self.morph.places())) for way in (slerp, lerp))
        return Norms(*(x.flatten(1).double().norm(dim=1).cpu().numpy() / unit for x in ways))

    def _pairs(self, places: Sequence[Place]) -> tuple[Tensor, Tensor, Tensor]:
        a, b = [place.a for place in places], [place.b for place in places]
        t = torch.tensor([place.t for place in places], dtype=torch.float64, device=self.ends.device)
        return self.ends[a], self.ends[b], t

    def make(self, first: int, places: Sequence[Place]) -> Iterator[Event]:
        """Render the frames at `places` in one batch; the first of them is frame `first`."""
        began, morph, request = time.perf_counter(), self.morph, self.morph.frame_request
        a, b, t = self._pairs(places)
        classes = len(self.model.labels) + 1
        cond = Cond.cat([blend(self.conds[p.a], self.conds[p.b], p.t, classes) for p in places])
        scales = torch.tensor([morph.guidance_at(place) for place in places], dtype=torch.float64)
        noise = self._noise(places, t)
        if morph.way == "mix":
            x = lerp(a, b, t)
            x = x + morph.at * noise.normal(x)
        else:
            x = (slerp if morph.way == "slerp" else lerp)(a, b, t)
        planned = plan(
            replace(request, seeds=request.seeds[:1] * len(places)),
            self.model,
            self.cancelled,
            conditions=Conditions(cond, self.uncond),
            scales=scales,
            noise=noise,
        )
        x = yield from self._walk(planned.steps(x), passes_of_frames(morph, places), x)
        if self.second is not None and request.enlargement is not None:
            x = enlarge(self.second, request.enlargement, x, cond.label, noise, self.cancelled)
            yield from self._count(enlargement_passes(request) * len(places), keys=False)
        rgb = to_pictures(x, self.model, cancelled=self.cancelled)
        seconds = (time.perf_counter() - began) / len(places)
        for n, place in enumerate(places):
            yield MorphFrame(first + n, rgb[n], seconds, self._psnr(place, rgb[n]))
        yield MorphProgress(self._done, self._total, keys=False)

    def _noise(self, places: Sequence[Place], t: Tensor) -> NoiseSource:
        """Return the noise of the frames: shared by all for "mix", else the interpolation of their keys' noise."""
        if self.morph.way == "mix":
            return Noise(self.morph.request.seeds[:1] * len(places))
        seeds = [key.seed for key in self.morph.keys]
        a, b = Noise([seeds[place.a] for place in places]), Noise([seeds[place.b] for place in places])
        return Between(a, b, t)

    def _psnr(self, place: Place, rgb: Pixels) -> float | None:
        key = None if place.key is None else self.morph.keys[place.key]
        if key is None or not key.picture:
            return None
        wanted = self.pictures[key.picture]
        return psnr(_average_down(rgb, wanted), wanted, peak=255)


def _average_down(rgb: Pixels, like: Pixels) -> NDArray[np.float64]:
    """Average a picture (H, W, 3), a whole number of times as large as another, down to that size."""
    (h, w), n = like.shape[:2], rgb.shape[0] // like.shape[0]
    return rgb.reshape(h, n, w, n, 3).mean((1, 3), dtype=np.float64)


def _of_size(pictures: Mapping[str, Pixels], key: Key, request: Request) -> Pixels:
    rgb = pictures.get(key.picture)
    if rgb is None:
        raise MorphError("A picture of this morph is missing: add it to the key frames again.")
    if rgb.shape != (request.height, request.width, 3):
        raise MorphError(f"The pictures of a morph must have the model's size, {request.width}×{request.height}.")
    return rgb
