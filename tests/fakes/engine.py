"""A deterministic engine without a net, with the session's own interface: a test steps it by hand, or lets it run."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.jobs.encode import end_of_encoding, is_encoding
from engine.jobs.job import Job
from engine.paths import path_of
from engine.pictures.resizing import resized
from engine.rules import RULES
from engine.spec.catalog import ModelInfo
from engine.spec.edit import Inputs, Pixels, pool_mask
from engine.spec.guides import digests, pictures_of
from engine.spec.request import Request
from engine.store import RunReader, RunWriter, append_picture
from engine.types import Hop, Move, Step

POLL = 0.002  # seconds between looks at `cancelled` while a call waits for its permit


class FakeCancelled(Exception):
    """As engine.run.Cancelled, which cannot be imported without torch."""


class FakeCodec:
    """Pixels are the state."""

    def preview(self, x0: NDArray[np.float32]) -> NDArray[np.float32]:
        return x0


class FakeModel:
    codec = FakeCodec()


class FakeEngine:
    """Give it as `open_session`: calling it opens the session, which is itself.

    by_hand       -- each model call waits until allow() gives it a permit
    call_seconds  -- each model call blocks this long, as a slow net would
    open_error, load_error -- raised when the session opens, a model loads
    fail_at, error -- the model call (counted from 0 within the run) that raises `error`
    calls         -- model calls made so far
    answers       -- what an errand of each class yields, by that class: a function of the errand; a model call before
                     each piece of news
    """

    device_name = "a fake device"

    def __init__(self, by_hand: bool = False, call_seconds: float = 0.0) -> None:
        self.call_seconds = call_seconds
        self.open_error: Exception | None = None
        self.load_error: Exception | None = None
        self.fail_at, self.error = -1, Exception("none")
        self.calls = 0
        self.requests: list[Request] = []
        self.errands: list[Job] = []
        self.answers: dict[type, Callable[[Any], Iterable[object]]] = {}
        self.opening = threading.Event()
        self.opening.set()
        self._permits = threading.Semaphore(0) if by_hand else None

    def __call__(self) -> FakeEngine:
        """Open the session; waits while `opening` is cleared."""
        self.opening.wait()
        if self.open_error:
            raise self.open_error
        return self

    def allow(self, calls: int = 1) -> None:
        """Let `calls` more model calls through."""
        assert self._permits is not None, "this engine runs by itself"
        self._permits.release(calls)

    def load(self, info: ModelInfo) -> FakeModel:
        if self.load_error:
            raise self.load_error
        return FakeModel()

    def generate(
        self,
        request: Request,
        run_path: Path,
        cancelled: threading.Event,
        first: Callable[[Any], None] | None = None,
        inputs: Inputs | None = None,
        aims: Sequence[Pixels] = (),
    ) -> Iterator[Step]:
        target = targets(request, inputs)
        noise = np.stack([_noise(seed, target.shape[1:]) for seed in request.seeds])
        x = target + np.float32(request.sigmas[0]) * noise
        return self._walk(request, run_path, cancelled, first, x, 0, None, inputs, aims)

    def fork(
        self,
        parent: Path,
        k: int,
        request: Request,
        run_path: Path,
        cancelled: threading.Event,
        first: Callable[[Any], None] | None = None,
        share: int | None = None,
        inputs: Inputs | None = None,
        aims: Sequence[Pixels] = (),
    ) -> Iterator[Step]:
        reader = RunReader(parent)
        if inputs is None and request.edit is not None:
            inputs = reader.inputs()
        origin = {"run": reader.header["id"], "step": k}
        if is_encoding(reader) and k == len(reader.steps):
            x, i = end_of_encoding(reader)[0], 0
            origin["at"] = i
        else:
            x, i = reader.x(k), reader.steps[k].i
            origin["step"] = i
        if share is not None:
            x, origin = x[[share] * len(request.seeds)], origin | {"image": share}
        if digests(request.guides):
            aims = (*reader.aims(), *aims)
        return self._walk(request, run_path, cancelled, first, x, i, origin, inputs, aims)

    def _walk(
        self,
        request: Request,
        run_path: Path,
        cancelled: threading.Event,
        first: Callable[[Any], None] | None,
        x: Any,
        start: int,
        parent: dict[str, Any] | None,
        inputs: Inputs | None,
        aims: Sequence[Pixels],
    ) -> Iterator[Step]:
        self.requests.append(request)
        rule, call = RULES[request.sampler], 0
        target, path = targets(request, inputs), path_of(request)
        header = {"id": run_path.stem, "environment": {}, "parent": parent, "preview": None}
        with RunWriter(run_path, request, header) as file:
            if inputs is not None:
                file.inputs(inputs)
            if kept := pictures_of(request.guides, aims):
                file.aims(kept)
            file.start(x)
            outcome = "failed"
            try:
                for i, hop in list(enumerate(path))[start:]:
                    evaluations = rule.cost((hop,))
                    step = _step(i, hop, x, target, len(path), evaluations)
                    for _ in range(evaluations):
                        self._call(call, cancelled)
                        call += 1
                        if call == 1 and first is not None:
                            first(step.move.x0)
                    file.step(step)
                    yield step
                    x = step.move.x
                outcome = "finished"
            except FakeCancelled:
                outcome = "cancelled"
                raise
            finally:
                file.end(outcome)

    def finish(self, request: Request, x: Any, run_path: Path, cancelled: threading.Event) -> NDArray[np.uint8]:
        rgb = np.rint((x.transpose(0, 2, 3, 1) + 1) * 127.5).astype(np.uint8)
        if request.enlargement is not None:
            rgb = rgb.repeat(request.enlargement.factor, 1).repeat(request.enlargement.factor, 2)
            append_picture(run_path, rgb)
        return rgb

    def enlarged(self, request: Request, rgb: NDArray[np.uint8], cancelled: threading.Event) -> NDArray[np.uint8]:
        assert request.enlargement is not None
        self.requests.append(request)
        self._call(0, cancelled)
        return rgb.repeat(request.enlargement.factor, 0).repeat(request.enlargement.factor, 1)

    def perform(self, job: Job, cancelled: Callable[[], bool]) -> Iterator[object]:
        self.errands.append(job)
        for news in self.answers[type(job)](job):
            self._await(cancelled)
            yield news

    def _await(self, cancelled: Callable[[], bool]) -> None:
        while self._permits is not None and not cancelled() and not self._permits.acquire(timeout=POLL):
            pass
        if cancelled():
            raise FakeCancelled

    def _call(self, i: int, cancelled: threading.Event) -> None:
        """One call of the net: cancels before it, as the engine's meter does."""
        self._await(cancelled.is_set)
        if i == self.fail_at:
            raise self.error
        if self.call_seconds:
            time.sleep(self.call_seconds)
        self.calls += 1


def targets(request: Request, inputs: Inputs | None = None) -> NDArray[np.float32]:
    """The pictures that a request ends in, (B, 3, height, width).

    Of `inputs` they keep what the mask says or, reworked, as much as the strength leaves.
    """
    made = np.stack([target_picture(seed, request.width, request.height) for seed in request.seeds])
    if inputs is None or request.edit is None:
        return made
    size = request.width, request.height
    source = resized(inputs.source, size).transpose(2, 0, 1).astype(np.float32) / np.float32(127.5) - 1
    if request.edit.method == "img2img" or inputs.mask is None:
        share: Any = np.float32(request.edit.strength)
    else:
        share = pool_mask(inputs.mask, size).astype(np.float32) / 255
    return np.asarray(source + share * (made - source), np.float32)


def target_picture(seed: int, width: int, height: int) -> NDArray[np.float32]:
    """The picture that a seed ends in: a soft gradient of two colours, (3, height, width) in [−1, 1]."""
    low, high = np.random.default_rng(seed).uniform(-0.9, 0.9, (2, 3, 1, 1))
    ramp = np.linspace(0, 1, width)[None, None, :] * np.linspace(0, 1, height)[None, :, None]
    return (low + (high - low) * ramp).astype(np.float32)


def _noise(seed: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.random.default_rng([seed, 1]).standard_normal(shape).astype(np.float32)


def _step(i: int, hop: Hop, x: NDArray[np.float32], target: NDArray[np.float32], steps: int, nfe: int) -> Step:
    """x̂₀ comes out of grey, a little nearer at each step; the move is DDIM's, or noise that is put in again."""
    x0: Any = target * np.float32((i + 1) / steps)
    after: Any
    if hop.kind == "renoise":
        after = x + np.float32(math.sqrt(hop.s2**2 - hop.s**2)) * _noise(i, x.shape)
    else:
        after = (x0 + np.float32(hop.s2 / hop.s) * (x - x0)).astype(np.float32)
    before: Any = x
    level = max(hop.s, hop.s2)  # the higher one, as ε̂ has none at 0
    move = Move(x=after, x0=x0, x_eval=before, s_eval=level, mean=after, std=0.0, past=())
    return Step(i, hop, nfe, before, (), move, x0)
