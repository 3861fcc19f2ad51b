"""From what the panel, the timeline and the canvas say to jobs for the queue.

Each function raises RequestError, and OSError where there is no place for a run file.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from app.core.canvas.editing import NEW, Editing
from app.core.canvas.placement import Placement, Snapshot
from app.core.jobs.queue import Submission
from app.core.request.fork import ForkPoint, fork_point, maker, varied
from app.core.shown.lineage import Lineage
from app.core.shown.runs import RunLibrary
from engine.jobs.generate import Fork, Generate
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, branch, resolve
from engine.spec.edit import Inputs, Pixels
from engine.spec.guides import Guide
from engine.spec.request import Request

SEED_LIMIT = 2**32  # a rolled seed stays short enough to read aloud; a typed one may be any that a Request takes


@dataclass(frozen=True, slots=True)
class Submitter:
    """Makes jobs complete: run files and pictures go into `library`; `aims` finds the pictures that guides aim at."""

    editing: Editing
    library: RunLibrary
    aims: Callable[[Sequence[Guide]], tuple[Pixels, ...]]

    def new(self, draft: Draft, model: ModelInfo) -> Submission:
        """A run from the start, as the panel says."""
        request, snapshot = resolved(draft, model, self.editing)
        job = Generate(
            request=request, run_path=self.library.new_path(request), pictures=self.library.pictures,
            inputs=_inputs(snapshot), aims=self.aims(request.guides),
        )  # fmt: skip
        return Submission(job, request, 0, _placement(snapshot))

    def fork(self, draft: Draft, model: ModelInfo, run: Lineage, k: int) -> Submission:
        """A run that goes on from step `k` as the panel says; from the end of a way up, a picture of its own."""
        point, parent = fork_point(run, k), run.made_by(k)
        if run.encodes(k):
            return self._fork(point, resolve(replace(draft, method=NEW, batch=1), model), None)
        snapshot = self.editing.branch(draft, model, parent, point.source)
        return self._fork(point, branch(draft, model, parent, point.step, _inputs(snapshot)), snapshot)

    def variations(self, count: int, models: Sequence[ModelInfo], run: Lineage, k: int, image: int) -> Submission:
        """`count` pictures that go on from `image` at step `k` as it did, with seeds of their own."""
        model = maker(run, k, models)
        assert model is not None, "asked about first"
        point = fork_point(run, k, share=image)
        return self._fork(point, varied(run, k, image, count, roll(), model), self.editing.kept(point.source))

    def _fork(self, point: ForkPoint, request: Request, snapshot: Snapshot | None) -> Submission:
        job = Fork(
            source=point.source, at=point.at, share=point.share, request=request,
            run_path=self.library.new_path(request), pictures=self.library.pictures,
            inputs=_inputs(snapshot), aims=self.aims(request.guides),
        )  # fmt: skip
        return Submission(job, request, point.step, _placement(snapshot))


def resolved(draft: Draft, model: ModelInfo, editing: Editing) -> tuple[Request, Snapshot | None]:
    """What the panel asks for, and what of the artwork it works on."""
    snapshot = editing.snapshot(draft, model)
    return resolve(draft, model, _inputs(snapshot)), snapshot


def roll() -> int:
    """A seed."""
    return secrets.randbelow(SEED_LIMIT)


def _inputs(snapshot: Snapshot | None) -> Inputs | None:
    return snapshot.inputs if snapshot else None


def _placement(snapshot: Snapshot | None) -> Placement | None:
    return snapshot.placement if snapshot else None
