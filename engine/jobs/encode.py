"""Jobs that carry a real picture along the probability flow up to its noise x_T, and back down. Needs no torch.

The picture is taken for a state at the least noise level of the model and carried up the probability flow to x_T. From
there the flow leads back to it, to the tolerance; and any sampler goes on from there with another prompt
(Session.fork), which keeps what the noise holds of the picture (Song et al. 2021; Mokady et al. 2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from engine.jobs.job import Event, Job
from engine.jobs.likelihood import Pixels
from engine.spec.request import Request, RequestError
from engine.store import RunReader, StoreError

METHODS = {
    "plain": "the flow of the model under its condition, without guidance, which comes back to the tolerance",
    "guided": "the flow of the guided model, which drives states apart on its way down and rarely comes back",
    "null-text": "up without guidance, and then what “no text” means is learned, step by step, so that the guided "
    "sampler comes back, for models with text",
}
INNER = 10  # steps of the optimisation at each level, as Mokady et al. 2023 take


@dataclass(frozen=True, slots=True)
class Following(Event):
    """A flow under way: done 0 … 1 of this leg ("up" or "down"), the level reached, steps and model calls so far."""

    leg: str
    done: float
    sigma: float
    steps: int
    calls: int


@dataclass(frozen=True, slots=True)
class Optimised(Event):
    """Null-text optimisation at one level: the loss there before and after, mean squared error at unit scale."""

    level: int
    levels: int
    sigma: float
    before: float
    after: float
    calls: int


@dataclass(frozen=True, slots=True)
class Encoded(Event):
    """The end of an Encode.

    steps, calls -- of the way up; those of a null-text optimisation are in `calls` too
    spread -- RMS of x_T over σ_T: 1 where it looks like the noise that samplers start from
    psnr   -- of the way back against the picture, in dB of the range [−1, 1]; None where it was not asked for, and
              back_calls what that took
    """

    run_path: Path | None
    steps: int
    calls: int
    spread: float
    psnr: float | None = None
    back_calls: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Decoded(Event):
    """The end of a Decode: the picture (h, w, 3) uint8, and its PSNR against the encoded one, in dB."""

    run_path: Path | None
    rgb: Pixels
    steps: int
    calls: int
    psnr: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encode(Job):
    """Carry a picture (h, w, 3) of the model's own size up to x_T; a run file keeps the steps.

    request  -- the model, its condition and, for "guided" and "null-text", its guidance; its sigmas say between which
                levels, and for "null-text" by which steps. One picture, of its first seed
    method   -- a key of METHODS
    tol      -- of engine.ode; max_calls of the model
    run_path -- where the run file goes; its header has "flow", and σ goes up in it
    check    -- whether to follow the flow back and say how well it comes home
    inner    -- steps of the null-text optimisation at each level
    Tells Following, Optimised and at the end Encoded. Raises RequestError for a picture of another size and for what
    the model cannot do, FlowError for a flow that does not converge, Cancelled, and OSError.
    """

    kind: ClassVar[str] = "encode"

    request: Request
    rgb: Pixels
    method: str = "plain"
    tol: float = 1e-4
    max_calls: int = 2000
    run_path: Path | None = None
    check: bool = True
    inner: int = INNER

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise RequestError(f"There is no method “{self.method}”: choose one of {', '.join(METHODS)}.")
        if not 1 <= self.inner <= 1000:
            raise RequestError("Null-text optimisation takes 1 to 1000 steps at each level.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decode(Job):
    """Follow the flow from the end of an encoding back to a picture.

    source  -- the run file of an Encode. Where it was "null-text", the way back is the guided sampler's with what was
               learned
    request -- another prompt, label or guidance of the same model; None: those that it was encoded with, which gives
               the picture back
    Tells Following and at the end Decoded. Raises StoreError for a run file that is no finished encoding, and as
    Encode does.
    """

    kind: ClassVar[str] = "decode"

    source: Path
    request: Request | None = None
    tol: float = 1e-4
    max_calls: int = 2000
    run_path: Path | None = None


def parent_of(reader: RunReader, k: int, share: int | None = None) -> dict[str, Any]:
    """What the header of a fork says of its parent: the run, the step `k` of its file, and the image that is shared.

    The end of an encoding counts as one step more, from which a run begins with its own first one. Raises RequestError
    for a step and for an image that the run has not.
    """
    at_end = is_encoding(reader) and k == len(reader.steps)
    if not (0 <= k < len(reader.steps) or at_end):
        raise RequestError(f"The run {reader.path.name} has no step {k}: choose 0 to {len(reader.steps) - 1}.")
    images = len(reader.request.seeds)
    if share is not None and not 0 <= share < images:
        raise RequestError(f"The run {reader.path.name} has no image {share}: choose 0 to {images - 1}.")
    where = {"step": k, "at": 0} if at_end else {"step": reader.steps[k].i}
    return {"run": reader.header["id"], **where} | ({} if share is None else {"image": share})


def own_start(parent: dict[str, Any]) -> int:
    """The step of its own path that a fork begins with, by what its header says of its parent: mostly the same one."""
    return int(parent.get("at", parent["step"]))


def is_encoding(reader: RunReader) -> bool:
    """Whether the run is a picture carried up to its noise, to the end (engine.jobs.encode)."""
    flow = reader.header.get("flow")
    return flow is not None and flow["kind"] == "encode" and reader.ended == "finished" and bool(reader.steps)


def end_of_encoding(reader: RunReader) -> tuple[np.ndarray, float]:
    """The x_T that a picture was carried up to, (1, C, h, w), and its level. Raises StoreError for another run."""
    if not is_encoding(reader):
        raise StoreError(f"The run {reader.path.name} is no picture that was encoded to its end: encode one first.")
    return reader.next(len(reader.steps) - 1), reader.steps[-1].s2
