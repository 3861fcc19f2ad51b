"""The doers of engine.jobs.generate and engine.jobs.enlarge: do runs, send an event for each step, save the
pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.jobs.encode import own_start, parent_of
from engine.jobs.enlarge import Enlarged
from engine.jobs.generate import PictureSaved, RunEnded
from engine.jobs.job import Estimate, Progress
from engine.paths import path_of
from engine.pictures.naming import picture_path
from engine.pictures.png import save_png
from engine.rules import RULES
from engine.store import RunReader

if TYPE_CHECKING:
    from torch import Tensor

    from engine.jobs.enlarge import Enlarge
    from engine.jobs.generate import Fork, Generate, Resume
    from engine.jobs.job import Caller, Event
    from engine.jobs.load import LoadModel
    from engine.session import Session
    from engine.spec.request import Request
    from engine.types import Model, Step


def generate(job: Generate, session: Session, caller: Caller) -> Iterator[Event]:
    run = _Run(session, caller, job.request)
    steps = session.generate(job.request, job.run_path, caller.cancelled, run.on_first_x0, job.inputs, job.aims)
    yield from _run_with_file(run, steps, job.run_path, job.pictures)


def fork(job: Fork, session: Session, caller: Caller) -> Iterator[Event]:
    reader = RunReader(job.source)
    request = reader.request if job.request is None else job.request
    parent = parent_of(reader, job.at, job.share)
    run = _Run(session, caller, request, own_start(parent), parent)
    steps = session.fork(
        job.source, job.at, request, job.run_path, caller.cancelled, run.on_first_x0, job.share, job.inputs, job.aims
    )
    yield from _run_with_file(run, steps, job.run_path, job.pictures)


def resume(job: Resume, session: Session, caller: Caller) -> Iterator[Event]:
    stored = RunReader(job.run_path)
    parent = stored.header["parent"]
    start = own_start(parent) if parent else 0
    run = _Run(session, caller, stored.request, stored.steps[-1].i + 1 if stored.steps else start, parent)
    yield from run.events(session.go_on(job.run_path, caller.cancelled))
    yield from run.finished(job.run_path, job.pictures)


def enlarge(job: Enlarge, session: Session, caller: Caller) -> Iterator[Event]:
    yield Enlarged(session.enlarged(job.request, job.rgb, caller.cancelled))


def load_model(job: LoadModel, session: Session, caller: Caller) -> Iterator[Event]:
    session.load(session.info(job.model))
    yield from ()


def previewer(model: Model, x0: Tensor) -> Callable[[int], NDArray[np.float32]]:
    """Return the preview of an Estimate: a function from an index of the states x0 (B, C, h, w) to float32 (3 or 1, h,
    w).
    """

    def preview(image: int) -> NDArray[np.float32]:
        picture = model.codec.preview(x0[image : image + 1])[0]
        return np.asarray(picture.detach().cpu(), np.float32)

    return preview


class _Run:
    """One run in progress: turns the engine's Steps into events.

    start  -- the first step of its path
    parent -- the "parent" entry of its run file
    """

    def __init__(
        self, session: Session, caller: Caller, request: Request, start: int = 0, parent: dict[str, Any] | None = None
    ) -> None:
        self._session, self._caller, self.request, self._parent = session, caller, request, parent
        self._model = session.model(request)  # loaded before the clock starts
        self._total = len(path_of(request)) - start
        self._began = caller.clock()
        self._last: Tensor | None = None

    @property
    def on_first_x0(self) -> Callable[[Any], None] | None:
        """Return the function that sends the first x̂₀ early; None where a step takes one model call."""
        rule = RULES.get(self.request.sampler)
        return None if rule is None or rule.evals == 1 else lambda x0: self._caller.early(self._estimate(x0, 0))

    def events(self, steps: Iterator[Step]) -> Iterator[Event]:
        for done, step in enumerate(steps, 1):
            self._last = step.move.x
            yield self._estimate(step.move.x0, done)

    def finished(self, run_path: Path | None, folder: Path | None) -> Iterator[Event]:
        """Make the pictures of the last state, and save each at once."""
        assert self._last is not None, "a path has at least one step"
        seconds = self._seconds
        pictures = self._session.finish(self.request, self._last, run_path, self._caller.cancelled)
        finishing = self._seconds - seconds
        if folder is not None:
            for k, rgb in enumerate(pictures):
                yield PictureSaved(_save_picture(folder, rgb, self.request, k, self._parent))
        yield RunEnded(seconds, finishing)

    @property
    def _seconds(self) -> float:
        return self._caller.clock() - self._began

    def _estimate(self, x0: Tensor, done: int) -> Estimate:
        progress = Progress(done, self._total, done / self._total, self._seconds)
        return Estimate(progress, max(0, done - 1), len(self.request.seeds), previewer(self._model, x0))


def _run_with_file(run: _Run, steps: Iterator[Step], run_path: Path | None, folder: Path | None) -> Iterator[Event]:
    """Do a run with its own file; delete the file if the run did no step."""
    event, fresh = None, run_path is not None and not run_path.exists()
    try:
        for event in run.events(steps):
            yield event
    finally:
        if event is None and fresh and run_path is not None:
            run_path.unlink(missing_ok=True)
    yield from run.finished(run_path, folder)


def _save_picture(
    folder: Path, rgb: NDArray[np.uint8], request: Request, k: int, parent: dict[str, Any] | None
) -> Path:
    path = picture_path(folder, request, k)
    try:
        save_png(path, rgb, request, k, parent=parent)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
