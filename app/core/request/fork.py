"""Runs that go on from a shown step: whether they can, and their request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from app.core.shown.lineage import Lineage
from engine.rules import RULES
from engine.spec.catalog import ModelInfo
from engine.spec.draft import vary
from engine.spec.request import Request

OF_FLOW = "The flow chose this step by itself: encode a picture, and go on from the last step of its way up."


class ForkPoint(NamedTuple):
    """A stored step that a run goes on from: the `at`-th of the run file `source`, the new path's step `step`.

    share -- the image of that file whose state all images of the new run start from; None: each goes on from its own
    """

    source: Path
    at: int
    step: int
    share: int | None = None


def fork_point(run: Lineage, k: int, share: int | None = None) -> ForkPoint:
    """Step k of the shown run, in the file that holds it; `share` is an image of the shown run.

    From the end of an encoding a run begins with its own first step.
    """
    path, index = run.place(k)
    if run.encodes(k):
        return ForkPoint(path, index + 1, 0, share)
    return ForkPoint(path, index, run.steps[k].i, None if share is None else run.image_in(k, share))


def why_no_fork(run: Lineage | None, k: int, model: ModelInfo) -> str:
    """Why `model` cannot go on from step k, in one sentence; "" when it can."""
    if run is None or not 0 <= k < len(run.steps):
        return "There is no step to go on from yet: generate a picture."
    if run.flows(k) and not run.encodes(k):
        return OF_FLOW
    made_by = run.request_at(k)
    if made_by.model_sha256 == model.sha256:
        return ""
    if made_by.model == model.id:
        return "This run was made by another version of the model: generate a new one to fork."
    return f"This run was made by another model: choose “{made_by.model}” to go on from it."


def why_no_variations(run: Lineage | None, k: int, models: Sequence[ModelInfo]) -> str:
    """Why no variations of step k can be made, in one sentence; "" when they can."""
    if run is None or not 0 <= k < len(run.steps):
        return "There is no step to vary yet: generate a picture."
    if run.flows(k):
        return OF_FLOW
    if run.steps[k].s2 == 0:
        return "Nothing is left open at the last step: choose an earlier one."
    if model_of_step(run, k, models) is None:
        return f"The model “{run.request_at(k).model}” that made this run is not here."
    return ""


def model_of_step(run: Lineage, k: int, models: Sequence[ModelInfo]) -> ModelInfo | None:
    """The model that made step k, where it is among `models`."""
    return next((info for info in models if info.sha256 == run.request_at(k).model_sha256), None)


def vary_request(run: Lineage, k: int, image: int, count: int, seed: int, model: ModelInfo) -> Request:
    """The request for `count` variations of the shown run's `image` at step k, their seeds counting up from `seed`.

    Raises RequestError where that many cannot be.
    """
    request = vary(run.request_at(k), run.steps[k].i, run.image_in(k, image), count, model)
    return replace(request, seeds=tuple(seed + n for n in range(count)))


def explain_other_sampler(run: Lineage, k: int, request: Request) -> str:
    """Why `request` varies step k with another sampler than the one that made it; "" where it is the same."""
    own, other = run.request_at(k).sampler, request.sampler
    if own == other:
        return ""
    return f"{RULES[own].title} draws no noise and would make them all alike: {RULES[other].title} makes these."
