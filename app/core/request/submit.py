"""Makes the request of a run from the panel, the timeline and the canvas. Each function raises RequestError."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.core.canvas.editing import Editing
from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.work import Origin, Snapshot
from app.core.request.fork import model_of_step, origin_of, vary_request
from app.core.request.methods import NEW
from app.core.request.seeds import roll
from app.core.shown.lineage import Lineage
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, branch, resolve
from engine.spec.edit import Inputs
from engine.spec.request import Request


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One job: what to make with which model, where it goes on from, what of the artwork it makes anew."""

    request: Request
    model: ModelInfo
    origin: Origin | None = None
    snapshot: Snapshot | None = None


def why_no_new(method: str, editing: Editing, jobs: JobsModel) -> str:
    """Why no run with `method` can be started, in one sentence; "" when one can."""
    return jobs.why_no_engine or editing.why_not(method)


def new(draft: Draft, model: ModelInfo, editing: Editing) -> Asked:
    """A run from the start, as the panel says."""
    snapshot = editing.snapshot(draft, model)
    return Asked(resolve(draft, model, _inputs(snapshot)), model, None, snapshot)


def fork(draft: Draft, model: ModelInfo, editing: Editing, run: Lineage, k: int) -> Asked:
    """A run that goes on from step `k` as the panel says; from the end of a way up, a picture of its own."""
    origin, parent = origin_of(run, k), run.made_by(k)
    if origin.up:
        return Asked(resolve(replace(draft, method=NEW, batch=1), model), model, origin)
    snapshot = editing.branch(draft, model, parent, origin.path)
    return Asked(branch(draft, model, parent, origin.step, _inputs(snapshot)), model, origin, snapshot)


def variations(count: int, models: Sequence[ModelInfo], editing: Editing, run: Lineage, k: int, image: int) -> Asked:
    """`count` pictures that go on from `image` at step `k` as it did, with seeds of their own."""
    model = model_of_step(run, k, models)
    assert model is not None, "asked about first"
    origin = origin_of(run, k, share=image)
    return Asked(vary_request(run, k, image, count, roll(), model), model, origin, editing.snapshot_of(origin.path))


def _inputs(snapshot: Snapshot | None) -> Inputs | None:
    return snapshot.inputs if snapshot else None
