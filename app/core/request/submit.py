"""Makes jobs for the queue from the panel, the timeline and the canvas.

Each function raises RequestError, and OSError where there is no place for a run file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from app.core.canvas.editing import Editing
from app.core.canvas.placement import Placement, Snapshot
from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.submission import Submission
from app.core.request.draft_model import DraftModel
from app.core.request.fork import ForkPoint, fork_point, model_of_step, vary_request
from app.core.request.methods import NEW
from app.core.request.seeds import roll
from app.core.shown.lineage import Lineage
from app.core.shown.runs import RunLibrary
from engine.jobs.generate import Fork, Generate
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, branch, resolve
from engine.spec.edit import Inputs, Pixels
from engine.spec.guides import Guide
from engine.spec.prompt.named import Finder
from engine.spec.request import Request


@dataclass(frozen=True, slots=True)
class Submitter:
    """Makes jobs complete: run files and pictures go into `library`; `aims` finds the pictures that guides aim at, and
    the finder of `settings` the files that prompts name.
    """

    editing: Editing
    library: RunLibrary
    aims: Callable[[Sequence[Guide]], tuple[Pixels, ...]]
    settings: DraftModel

    def new(self, draft: Draft, model: ModelInfo) -> Submission:
        """A run from the start with the panel's settings."""
        request, snapshot = resolve_edit(draft, model, self.editing, self.settings.finder)
        job = Generate(
            request=request, run_path=self.library.new_path(request), pictures=self.library.pictures,
            inputs=_inputs(snapshot), aims=self.aims(request.guides), text=self.library.text,
        )  # fmt: skip
        return Submission(job, request, 0, _placement(snapshot))

    def fork(self, draft: Draft, model: ModelInfo, run: Lineage, k: int) -> Submission:
        """A run that continues step `k` with the panel's settings; from an encoding's end, a picture of its own."""
        point, parent = fork_point(run, k), run.request_at(k)
        finder = self.settings.finder
        if run.encodes(k):
            alone = replace(draft, method=NEW, batch=1)
            return self._fork(point, resolve(alone, model, None, finder), None)
        snapshot = self.editing.branch(draft, model, parent, point.source)
        return self._fork(point, branch(draft, model, parent, point.step, _inputs(snapshot), finder), snapshot)

    def variations(self, count: int, models: Sequence[ModelInfo], run: Lineage, k: int, image: int) -> Submission:
        """`count` pictures that go on from `image` at step `k` as it did, with seeds of their own."""
        model = model_of_step(run, k, models)
        assert model is not None, "asked about first"
        point = fork_point(run, k, share=image)
        return self._fork(
            point, vary_request(run, k, image, count, roll(), model), self.editing.snapshot_of(point.source)
        )

    def _fork(self, point: ForkPoint, request: Request, snapshot: Snapshot | None) -> Submission:
        job = Fork(
            source=point.source, at=point.at, share=point.share, request=request,
            run_path=self.library.new_path(request), pictures=self.library.pictures,
            inputs=_inputs(snapshot), aims=self.aims(request.guides), text=self.library.text,
        )  # fmt: skip
        return Submission(job, request, point.step, _placement(snapshot))


def why_no_new(method: str, editing: Editing, jobs: JobsModel) -> str:
    """Why no run with `method` can be started, in one sentence; "" when one can."""
    return jobs.why_no_engine or editing.why_not(method)


def resolve_edit(
    draft: Draft, model: ModelInfo, editing: Editing, finder: Finder | None
) -> tuple[Request, Snapshot | None]:
    """The request of a draft, and the part of the artwork that it works on."""
    snapshot = editing.snapshot(draft, model)
    return resolve(draft, model, _inputs(snapshot), finder), snapshot


def _inputs(snapshot: Snapshot | None) -> Inputs | None:
    return snapshot.inputs if snapshot else None


def _placement(snapshot: Snapshot | None) -> Placement | None:
    return snapshot.placement if snapshot else None
