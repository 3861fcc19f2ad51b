"""Events of a fake engine for encoding and decoding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.jobs.encode import Decode, Decoded, Encode, Encoded, Following
from engine.jobs.job import Estimate, Progress
from engine.spec.request import Request
from engine.store import RunReader, RunWriter
from engine.types import Hop, Move, Step
from tests.fakes.engine import FakeEngine

LEVELS = (0.0, 0.1, 1.0, 10.0, 80.0)
PSNR, STD = 43.21, 0.98
CALLS = 30  # of the model, a step


class Flow:
    """Answers for a FakeEngine: a step of the run file before each piece of news."""

    def __init__(self, fake: FakeEngine, psnr: float = PSNR) -> None:
        self.psnr = psnr
        fake.answers[Encode] = self._encode
        fake.answers[Decode] = self._decode

    def _encode(self, job: Encode) -> Iterator[object]:
        assert job.run_path is not None
        picture = job.rgb.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(127.5) - 1
        header = {"kind": "encode", "tol": job.tol, "method": job.method}
        for done in walked(job.run_path, job.request, picture, LEVELS, header):
            yield estimate(done, picture), Following("up", done / 4, LEVELS[done], done, CALLS * done)
        yield Encoded(job.run_path, 4, 4 * CALLS, STD, self.psnr, 4 * CALLS)

    def _decode(self, job: Decode) -> Iterator[object]:
        reader = RunReader(job.source)
        assert job.run_path is not None
        picture, request = reader.x0(0), job.request or reader.request
        down = LEVELS[::-1]
        for done in walked(job.run_path, request, picture, down, {"kind": "decode", "tol": job.tol}):
            yield estimate(done, picture), Following("down", done / 4, down[done], done, CALLS * done)
        rgb = np.rint((picture[0].transpose(1, 2, 0) + 1) * 127.5).astype(np.uint8)
        yield Decoded(job.run_path, rgb, 4, 4 * CALLS, self.psnr)


def estimate(done: int, picture: NDArray[np.float32]) -> Estimate:
    return Estimate(Progress(done, 0, done / 4, 0.1 * done), done - 1, 1, lambda image: picture[image])


def walked(
    path: Path, request: Request, x0: NDArray[np.float32], levels: Sequence[float], flow: dict[str, object]
) -> Iterator[int]:
    """Write a run of the picture x0 along `levels`; yields how many steps are in the file."""
    noise = np.random.default_rng(1).standard_normal(x0.shape).astype(np.float32)
    header = {"id": path.stem, "environment": {}, "parent": None, "preview": None, "flow": flow}
    with RunWriter(path, request, header) as file:
        file.start(x0 + np.float32(levels[0]) * noise)
        for i, (s, s2) in enumerate(pairwise(levels)):
            x, after = (np.asarray(x0 + np.float32(level) * noise, np.float32) for level in (s, s2))
            move = Move(x=after, x0=x0, x_eval=x, s_eval=s, mean=after, std=0.0, past=())  # type: ignore[arg-type]
            file.step(Step(i, Hop(s, s2), CALLS, x, (), move, x0))  # type: ignore[arg-type]
            yield i + 1
        file.end("finished")
