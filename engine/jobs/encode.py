"""Jobs that encode a real picture to its noise x_T along the probability flow, and decode it again. Needs no torch.

The picture is the state at the model's lowest noise level. The flow carries it up to x_T. From x_T the flow leads back
to the picture, up to the tolerance; any sampler can also go on from there with another prompt (Session.fork), and the
result keeps the structure of the picture (Song et al. 2021; Mokady et al. 2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from engine.jobs.job import Event, Job
from engine.spec.edit import Pixels
from engine.spec.request import Request, RequestError
from engine.store import RunReader, StoreError

METHODS = {
    "plain": "follow the flow of the conditional model, without guidance; decodes to the picture up to the tolerance",
    "guided": "follow the flow of the guided model, which amplifies errors and rarely decodes to the picture",
    "null-text": "encode without guidance, then optimise the empty text at each step until the guided "
    "sampler decodes to the picture; for models with text",
}
INNER = 10  # steps of the optimisation at each level, as Mokady et al. 2023 take


@dataclass(frozen=True, slots=True)
class Following(Event):
    """Progress of a flow: done 0 … 1 of this leg ("up" or "down"), the noise level reached, steps and model calls so
    far.
    """

    leg: str
    done: float
    sigma: float
    steps: int
    calls: int


@dataclass(frozen=True, slots=True)
class Optimised(Event):
    """Null-text optimisation of one level: the loss before and after it, a mean squared error at unit scale."""

    level: int
    levels: int
    sigma: float
    before: float
    after: float
    calls: int


@dataclass(frozen=True, slots=True)
class Encoded(Event):
    """The end of an Encode.

    steps, calls -- of the way up; `calls` includes a null-text optimisation
    spread       -- RMS of x_T over σ_T: 1 where x_T looks like the noise that samplers start from
    psnr         -- of the decoded picture against the original, in dB of the range [−1, 1]; None without `check`
    back_calls   -- model calls of the way back
    """

    run_path: Path | None
    steps: int
    calls: int
    spread: float
    psnr: float | None = None
    back_calls: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Decoded(Event):
    """The end of a Decode: the picture (h, w, 3) uint8, and its PSNR against the encoded picture, in dB."""

    run_path: Path | None
    rgb: Pixels
    steps: int
    calls: int
    psnr: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encode(Job):
    """Encode a picture (h, w, 3) of the model's own size to x_T; a run file keeps the steps.

    request  -- the model, its condition and, for "guided" and "null-text", its guidance. Its sigmas give the lowest and
                the highest level, and for "null-text" the steps. One picture, of its first seed
    method   -- a key of METHODS
    tol      -- the tolerance, as in engine.ode; max_calls limits the model calls
    run_path -- the run file; its header has "flow", and σ rises in it
    check    -- whether to decode x_T again and measure the error
    inner    -- steps of the null-text optimisation at each level

    Sends Following, Optimised and at the end Encoded. Raises RequestError for a picture of another size and for
    settings that the model does not support, FlowError for a flow that does not converge, Cancelled, and OSError.
    """

    kind: ClassVar[str] = "encode"
    ahead: ClassVar[bool] = True

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
    """Decode an encoded picture: follow the flow from its x_T down.

    source  -- the run file of an Encode. After "null-text" the guided sampler with the learned tokens leads down
    request -- another prompt, label or guidance of the same model; None: the encoding's own, which gives the picture
               back

    Sends Following and at the end Decoded. Raises StoreError for a run file that is no finished encoding, and the
    errors of Encode.
    """

    kind: ClassVar[str] = "decode"
    ahead: ClassVar[bool] = True

    source: Path
    request: Request | None = None
    tol: float = 1e-4
    max_calls: int = 2000
    run_path: Path | None = None


def parent_of(reader: RunReader, k: int, share: int | None = None) -> dict[str, Any]:
    """Return the "parent" entry of a fork's header: the run, the step `k` of its file, and the shared image.

    The end of an encoding counts as one more step; a run from there begins with its own first step. Raises RequestError
    for a step or an image that the run does not have.
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
    """The first step that a fork makes on its own path, from its "parent" entry: mostly the parent's step."""
    return int(parent.get("at", parent["step"]))


def is_encoding(reader: RunReader) -> bool:
    """Whether the run is a finished encoding of a picture."""
    flow = reader.header.get("flow")
    return flow is not None and flow["kind"] == "encode" and reader.ended == "finished" and bool(reader.steps)


def end_of_encoding(reader: RunReader) -> tuple[np.ndarray, float]:
    """Return the x_T of an encoding, (1, C, h, w), and its noise level. Raises StoreError for any other run."""
    if not is_encoding(reader):
        raise StoreError(f"The run {reader.path.name} is no finished encoding: encode a picture first.")
    return reader.next(len(reader.steps) - 1), reader.steps[-1].s2
