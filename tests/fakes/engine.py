"""A deterministic engine without a net, with the session's own interface: a test steps it by hand, or lets it run."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import Cancelled
from engine.jobs.encode import end_of_encoding, own_start, parent_of
from engine.jobs.enlarge import Enlarge, Enlarged
from engine.jobs.generate import Fork, Generate, PictureSaved, Resume, RunEnded
from engine.jobs.job import Caller, Estimate, Event, Job, Progress, never_cancelled
from engine.jobs.load import LoadModel
from engine.jobs.measure import MeasureCalls
from engine.jobs.suggest import Suggest
from engine.paths import path_of
from engine.pictures.naming import picture_path
from engine.pictures.png import save_png
from engine.pictures.resizing import resize
from engine.rules import RULES
from engine.spec.edit import Inputs, Pixels, pool_mask
from engine.spec.guides import digests, pictures_of
from engine.spec.request import Request
from engine.store import RunReader, RunWriter, append_picture
from engine.types import Hop, Move, Step

POLL = 0.002  # seconds between looks at `cancelled` while a call waits for its permit


class FakeCancelled(Cancelled):
    """As the engine raises it, by the fake."""


class FakeEngine:
    """Give it as `open_session`: calling it opens the session, which is itself.

    by_hand       -- each model call waits until allow() gives it a permit
    call_seconds  -- each model call blocks this long, as a slow net would
    open_error, load_error -- raised when the session opens, a model loads
    fail_at, error -- the model call (counted from 0 within the run) that raises `error`
    loads         -- events that a run sends before its first step
    calls         -- model calls made so far
    jobs          -- those that it was given, but for loading
    answers       -- what other jobs tell, by their class: a function of the job. A model call comes before each event,
                     or before several that it gives as a tuple
    """

    device_name = "a fake device"

    def __init__(self, by_hand: bool = False, call_seconds: float = 0.0) -> None:
        self.call_seconds = call_seconds
        self.open_error: Exception | None = None
        self.load_error: Exception | None = None
        self.fail_at, self.error = -1, Exception("none")
        self.loads: tuple[Event, ...] = ()
        self.calls = 0
        self.requests: list[Request] = []
        self.jobs: list[Job] = []
        self.answers: dict[type, Callable[[Any], Iterable[object]]] = {Suggest: lambda job: ()}
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

    @property
    def others(self) -> list[Job]:
        """The jobs that were no runs."""
        return [job for job in self.jobs if not isinstance(job, Generate | Fork)]

    def perform(
        self,
        job: Job,
        cancelled: Callable[[], bool] = never_cancelled,
        *,
        live: Mapping[str, float] | None = None,
        early: Callable[[Event], None] = lambda event: None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> Iterator[Event]:
        caller = Caller(cancelled, {} if live is None else live, early, clock)
        if isinstance(job, LoadModel):
            if self.load_error:
                raise self.load_error
            return iter(())
        if isinstance(job, MeasureCalls) and MeasureCalls not in self.answers:
            return iter(())
        self.jobs.append(job)
        if isinstance(job, Generate):
            return self._generate(job, caller)
        if isinstance(job, Fork):
            return self._fork(job, caller)
        if isinstance(job, Resume) and Resume not in self.answers:
            return self._resume(job, caller)
        if isinstance(job, Enlarge):
            return self._enlarge(job, caller)
        return self._answer(job, caller)

    def _answer(self, job: Job, caller: Caller) -> Iterator[Any]:
        for answer in self.answers[type(job)](job):
            self._await(caller.cancelled)
            yield from answer if isinstance(answer, tuple) else (answer,)

    def _generate(self, job: Generate, caller: Caller) -> Iterator[Event]:
        request, inputs = job.request, job.inputs
        target = targets(request, inputs)
        noise = np.stack([_noise(seed, target.shape[1:]) for seed in request.seeds])
        x = target + np.float32(request.sigmas[0]) * noise
        return self._walk(job, request, caller, x, 0, None, inputs, job.aims)

    def _fork(self, job: Fork, caller: Caller) -> Iterator[Event]:
        reader = RunReader(job.source)
        request, inputs, aims = job.request or reader.request, job.inputs, job.aims
        if inputs is None and request.edit is not None:
            inputs = reader.inputs()
        parent = parent_of(reader, job.at, job.share)
        x = end_of_encoding(reader)[0] if job.at == len(reader.steps) else reader.x(job.at)
        if job.share is not None:
            x = x[[job.share] * len(request.seeds)]
        if digests(request.guides):
            aims = (*reader.aims(), *aims)
        return self._walk(job, request, caller, x, own_start(parent), parent, inputs, aims)

    def _resume(self, job: Resume, caller: Caller) -> Iterator[Event]:
        reader = RunReader(job.run_path)
        last = len(reader.steps) - 1
        start, parent = reader.steps[last].i + 1, reader.header["parent"]
        return self._walk(job, reader.request, caller, reader.next(last), start, parent, reader.inputs(), reader.aims())

    def _walk(
        self,
        job: Generate | Fork | Resume,
        request: Request,
        caller: Caller,
        x: Any,
        start: int,
        parent: dict[str, Any] | None,
        inputs: Inputs | None,
        aims: Sequence[Pixels],
    ) -> Iterator[Event]:
        assert job.run_path is not None
        self.requests.append(request)
        for event in self.loads:
            caller.early(event)
        rule, call, began = RULES[request.sampler], 0, caller.clock()
        target, path = targets(request, inputs), path_of(request)
        header = {"id": job.run_path.stem, "environment": {}, "parent": parent, "preview": None}

        def estimate(x0: Any, done: int) -> Estimate:
            progress = Progress(done, total, done / total, caller.clock() - began)
            return Estimate(progress, max(0, done - 1), len(request.seeds), lambda image: x0[image])

        total, done = len(path) - start, 0
        try:
            again = isinstance(job, Resume)
            with RunWriter.reopen(job.run_path) if again else RunWriter(job.run_path, request, header) as file:
                if not again:
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
                            self._call(call, caller.cancelled)
                            call += 1
                            if call == 1 and rule.evals > 1:
                                caller.early(estimate(step.move.x0, 0))
                        file.step(step)
                        done += 1
                        yield estimate(step.move.x0, done)
                        x = step.move.x
                    outcome = "finished"
                except FakeCancelled:
                    outcome = "cancelled"
                    raise
                finally:
                    file.end(outcome)
        finally:
            if not done and not isinstance(job, Resume):
                job.run_path.unlink(missing_ok=True)
        seconds = caller.clock() - began
        pictures = finished(request, x, job.run_path)
        yield from self._saved(job, request, pictures, parent)
        yield RunEnded(seconds, caller.clock() - began - seconds)

    def _saved(
        self,
        job: Generate | Fork | Resume,
        request: Request,
        pictures: NDArray[np.uint8],
        parent: dict[str, Any] | None,
    ) -> Iterator[Event]:
        for k, rgb in enumerate(pictures if job.pictures is not None else ()):
            assert job.pictures is not None
            path = picture_path(job.pictures, request, k)
            save_png(path, rgb, request, k, parent=parent)
            yield PictureSaved(path)

    def _enlarge(self, job: Enlarge, caller: Caller) -> Iterator[Event]:
        assert job.request.enlargement is not None
        factor = job.request.enlargement.factor
        self.requests.append(job.request)
        self._call(0, caller.cancelled)
        yield Enlarged(job.rgb.repeat(factor, 0).repeat(factor, 1))

    def _await(self, cancelled: Callable[[], bool]) -> None:
        while self._permits is not None and not cancelled() and not self._permits.acquire(timeout=POLL):
            pass
        if cancelled():
            raise FakeCancelled

    def _call(self, i: int, cancelled: Callable[[], bool]) -> None:
        """One call of the net: cancels before it, as the engine's meter does."""
        self._await(cancelled)
        if i == self.fail_at:
            raise self.error
        if self.call_seconds:
            time.sleep(self.call_seconds)
        self.calls += 1


def finished(request: Request, x: Any, run_path: Path) -> NDArray[np.uint8]:
    """The pictures of a last state, (B, H, W, 3); enlarged ones go into the run file too."""
    rgb = np.rint((x.transpose(0, 2, 3, 1) + 1) * 127.5).astype(np.uint8)
    if request.enlargement is not None:
        rgb = rgb.repeat(request.enlargement.factor, 1).repeat(request.enlargement.factor, 2)
        append_picture(run_path, rgb)
    return np.asarray(rgb)


def targets(request: Request, inputs: Inputs | None = None) -> NDArray[np.float32]:
    """The pictures that a request ends in, (B, 3, height, width).

    Of `inputs` they keep what the mask says or, reworked, as much as the strength leaves.
    """
    made = np.stack([target_picture(seed, request.width, request.height) for seed in request.seeds])
    if inputs is None or request.edit is None:
        return made
    size = request.width, request.height
    source = resize(inputs.source, size).transpose(2, 0, 1).astype(np.float32) / np.float32(127.5) - 1
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
