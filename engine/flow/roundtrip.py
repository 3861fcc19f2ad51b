"""Encode a picture to x_T along the flow, decode it, and measure the cost of both: the doers of engine.jobs.encode."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from torch import Tensor

from engine.finishing import to_pictures
from engine.flow.density import ends
from engine.flow.nulltext import NullText, invert, retrace
from engine.jobs.encode import Decoded, Encoded, Following, end_of_encoding
from engine.jobs.job import Estimate, Progress
from engine.jobs.likelihood import check_picture, model_info
from engine.layout import from_array
from engine.metrics import psnr
from engine.ode import solve
from engine.plan import Plan, plan, to_state
from engine.runs import previewer
from engine.spec.edit import Inputs, Pixels
from engine.spec.request import Request, RequestError
from engine.store import RunReader, RunWriter

if TYPE_CHECKING:
    from engine.jobs.encode import Decode, Encode
    from engine.jobs.job import Caller, Event
    from engine.session import Session
    from engine.types import Denoiser, Model, Step

NULLS = "null-text"  # the name of the learned tokens in a run file


def encode(job: Encode, session: Session, caller: Caller) -> Iterator[Event]:
    """The doer of engine.jobs.encode.Encode."""
    check_picture(model_info(session.infos, job.request.model), job.rgb)
    request = single_picture_request(job.request)
    if job.rgb.shape[:2] != (request.height, request.width):
        raise RequestError(
            f"The picture has {job.rgb.shape[1]}×{job.rgb.shape[0]} pixels and the settings "
            f"{request.width}×{request.height}: choose the picture's size."
        )
    if job.method == "plain":
        request = replace(request, guidance=1.0)
    model = session.model(request)
    planned = plan(request, model, caller.cancelled)
    inputs = Inputs(job.rgb)
    x0 = to_state(inputs, model, request.size)[None]
    low, high = ends(request)
    if job.method == "null-text":
        yield from _null_text(job, session, caller, request, model, planned, inputs, x0)
        return
    header = {"kind": "encode", "method": job.method, "tol": job.tol}
    legs = _Legs(caller, model, planned, count=2 if job.check else 1)
    steps = solve(planned.denoiser, x0, low, high, job.tol, max_calls=job.max_calls)
    way = _record(job.run_path, session, request, steps, x0, planned, header, inputs)
    x, count = yield from legs.follow("up", way, low, high)
    up, back = planned.meter.calls, None
    if job.check:
        down = solve(planned.denoiser, x, high, low, job.tol, max_calls=job.max_calls)
        home, _ = yield from legs.follow("down", down, high, low, recorded=False)
        back = _psnr_to(job.rgb, home, x0, model)
    yield Encoded(job.run_path, count, up, relative_rms(x, high), back, planned.meter.calls - up)


def decode(job: Decode, session: Session, caller: Caller) -> Iterator[Event]:
    """The doer of engine.jobs.encode.Decode."""
    reader = RunReader(job.source)
    x, high = end_of_encoding(reader)
    request = reader.request if job.request is None else single_picture_request(job.request)
    if request.model_sha256 != reader.request.model_sha256:
        raise RequestError(f"Another model encoded this picture: choose “{reader.request.model}”.")
    if request.sigmas[0] != high:
        raise RequestError(
            f"The noise has level {high:g}, but these settings start at {request.sigmas[0]:g}: use its levels."
        )
    model = session.model(request)
    planned = plan(request, model, caller.cancelled)
    low, _ = ends(request)
    state = from_array(x, model.device)
    nulls = reader.read_arrays(NULLS)
    if nulls is None:
        steps = solve(planned.denoiser, state, high, low, job.tol, max_calls=job.max_calls)
    else:
        steps = retrace(NullText.of(request, model, planned.meter, nulls), state)
    parent = {"run": reader.header["id"], "step": len(reader.steps), "at": 0}
    header = {"kind": "decode", "method": reader.header["flow"]["method"], "tol": job.tol}
    inputs = reader.inputs()
    assert inputs is not None
    way = _record(job.run_path, session, request, steps, state, planned, header, inputs, parent)
    home, count = yield from _Legs(caller, model, planned, count=1).follow("down", way, high, low)
    rgb = to_pictures(home, model)[0]
    if job.run_path is not None:
        session.keep_picture(request, rgb[None], job.run_path)
    picture = to_state(inputs, model, request.size)[None]
    yield Decoded(job.run_path, rgb, count, planned.meter.calls, _psnr_to(inputs.source, home, picture, model))


def _psnr_to(rgb: Pixels, home: Tensor, x0: Tensor, model: Model) -> float:
    """Return the PSNR of the decoded state `home` against the picture, in dB of [−1, 1]: of states where they are
    pictures, else of decoded pictures.
    """
    if model.codec.identity:
        return psnr(home.cpu().numpy(), x0.cpu().numpy())
    return psnr(*(picture.astype(np.float32) / 127.5 - 1 for picture in (to_pictures(home, model), rgb[None])))


def single_picture_request(request: Request) -> Request:
    """Return the request of one picture without a second stage, an edit or guides: they have no part in the flow."""
    return replace(request, edit=None, enlargement=None, guides=(), seeds=request.seeds[:1])


def relative_rms(x: Tensor, sigma: float) -> float:
    """Return the RMS of a state over its noise level."""
    return x.double().square().mean().sqrt().item() / sigma


class CurvePoint(NamedTuple):
    """The cost and the result of a tolerance: calls up and down of the slowest picture, and each picture's PSNR,
    (B,).
    """

    tol: float
    up: int
    down: int
    psnr: tuple[float, ...]


def curve(d: Denoiser, x0: Tensor, low: float, high: float, tols: Sequence[float]) -> Iterator[CurvePoint]:
    """Encode and decode pictures x0 (B, …), once for each tolerance."""
    for tol in tols:
        way = list(solve(d, x0, low, high, tol))
        home = list(solve(d, way[-1].move.x, high, low, tol))
        pairs = zip(home[-1].move.x.cpu().numpy(), x0.cpu().numpy(), strict=True)
        found = tuple(psnr(a, b) for a, b in pairs)
        yield CurvePoint(tol, sum(step.nfe for step in way), sum(step.nfe for step in home), found)


def _null_text(
    job: Encode,
    session: Session,
    caller: Caller,
    request: Request,
    model: Model,
    planned: Plan,
    inputs: Inputs,
    x0: Tensor,
) -> Iterator[Event]:
    low, high = ends(request)
    null = NullText.of(request, model, planned.meter)
    header = {"kind": "encode", "method": job.method, "tol": job.tol}
    way = _record(job.run_path, session, request, null.up(x0), x0, planned, header, inputs, end=False)
    legs = _Legs(caller, model, planned, count=3 if job.check else 2)
    states: list[Tensor] = [x0]
    _, count = yield from legs.follow("up", _keep_states(way, states), low, high)
    learned: list[Tensor] = []
    for level, tokens in invert(null, states[::-1], job.inner):
        learned.append(tokens)
        yield replace(level, calls=planned.meter.calls)
        yield legs.progress(len(learned) / level.levels)
    legs.next_leg()
    null = replace(null, nulls=tuple(learned))
    calls = planned.meter.calls
    if job.run_path is not None:
        with RunWriter.reopen(job.run_path, verify=False) as writer:
            writer.write_arrays(NULLS, {f"{k:04}": tokens for k, tokens in enumerate(learned)})
            writer.end("finished", **planned.meter.spent())
    back = None
    if job.check:
        home, _ = yield from legs.follow("down", retrace(null, states[-1]), high, low, recorded=False)
        back = _psnr_to(job.rgb, home, x0, model)
    yield Encoded(job.run_path, count, calls, relative_rms(states[-1], high), back, planned.meter.calls - calls)


def _keep_states(steps: Iterator[Step], states: list[Tensor]) -> Iterator[Step]:
    """Yield the same steps and append the state after each to `states`."""
    for step in steps:
        states.append(step.move.x)
        yield step


class _Legs:
    """The progress along `count` equal legs of the flow: up, maybe an optimisation, maybe down."""

    def __init__(self, caller: Caller, model: Model, planned: Plan, count: int) -> None:
        self._clock, self._model, self._planned, self._count = caller.clock, model, planned, count
        self._began = caller.clock()
        self._leg, self._steps = 0, 0

    def follow(
        self, name: str, steps: Iterator[Step], begin: float, end: float, recorded: bool = True
    ) -> Generator[Event, None, tuple[Tensor, int]]:
        """Follow one leg from level `begin` to `end`; returns the last state and the number of steps.

        recorded -- whether the steps go into the run file, so that their x̂₀ can be shown
        """
        for step in steps:
            # The share of a leg is measured in arctan √σ, in which the steps are about even.
            at, first, last = (np.arctan(s**0.5) for s in (step.hop.s2, begin, end))
            done = float((at - first) / (last - first))
            self._steps += recorded
            progress = self.progress(done)
            yield Estimate(progress, step.i, 1, previewer(self._model, step.move.x0)) if recorded else progress
            yield Following(name, done, step.hop.s2, step.i + 1, self._planned.meter.calls)
        self.next_leg()
        return step.move.x, step.i + 1

    def next_leg(self) -> None:
        self._leg += 1

    def progress(self, done: float) -> Progress:
        """Return the Progress at the share `done` of the present leg."""
        return Progress(self._steps, 0, (self._leg + done) / self._count, self._clock() - self._began)


def _record(
    path: Path | None,
    session: Session,
    request: Request,
    steps: Iterator[Step],
    x: Tensor,
    planned: Plan,
    flow: dict[str, Any],
    inputs: Inputs,
    parent: dict[str, Any] | None = None,
    end: bool = True,
) -> Iterator[Step]:
    """Write each step to the run file before yielding it; `end` False leaves the end of a finished file to the
    caller.
    """
    if path is None:
        yield from steps
        return
    header = session.header(path, session.model(request), parent) | {"flow": flow}
    with RunWriter(path, request, header) as writer:
        writer.inputs(inputs)
        writer.start(x)
        yield from writer.record(steps, planned.meter.spent, end)
