"""The settings of the picture on the canvas: a draft that makes this one picture, and what it cannot hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.core.canvas.editing import Editing
from app.core.canvas.origin import Origin
from app.core.shown.lineage import Lineage
from app.core.shown.viewer import Viewer
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft
from engine.spec.request import Request

NOTHING = "No picture is shown: generate one, or open one."
SILENT = "This picture does not say how it was made: generate one, or open one with settings."
FORKED = "Its run went on from a step of another one: from the start they give another picture."
FLOWED = "It followed the flow, whose steps are not settings: encode a picture to repeat it."
EDITED = "They need the picture and the mask that it worked on."
DRAWN = "The choices in its prompt are taken as they were drawn."
OTHER_VERSION = "Another version of the model made it, so the new picture may differ."


class ShownSettings(NamedTuple):
    """draft -- makes the shown picture alone; sentence -- what was taken and what could not be; seed -- None where the
    file names none of ours
    """

    draft: Draft
    sentence: str
    seed: int | None


def why_no_settings(shown: Viewer, editing: Editing) -> str:
    """Why the picture on the canvas has no settings to use, in one sentence; "" when it has."""
    if _shows_original(editing):
        return "" if editing.artwork.origin is not None else SILENT
    return "" if shown.run is not None else NOTHING


def shown_settings(
    shown: Viewer, editing: Editing, models: Sequence[ModelInfo], model: ModelInfo
) -> ShownSettings | None:
    """Return the settings of exactly the picture on the canvas; None where it has none.

    A picture of a batch is made alone, from its own seed: it differs by rounding only.
    """
    if _shows_original(editing):
        origin = editing.artwork.origin
        return None if origin is None else _of_origin(origin, editing.artwork.title, models, model)
    return None if shown.run is None else _of_step(shown.run, max(0, shown.cursor), shown.image_index, models)


def _shows_original(editing: Editing) -> bool:
    return editing.shows_artwork and editing.candidates.at is None


def _of_step(run: Lineage, k: int, image: int, models: Sequence[ModelInfo]) -> ShownSettings:
    request, index = run.request_at(k), run.image_in(k, image)
    count, seed = len(request.seeds), request.seeds[index]
    which = f"picture {index + 1} of {count}" if count > 1 else "the shown picture"
    lost = [FLOWED] if run.flows(k) else [FORKED] if run.parent_at(k) is not None else []
    sentence = " ".join((f"Taken: all settings of {which}, with its seed {seed}.", *lost, *_remarks(request, models)))
    return ShownSettings(Draft.of(request, index), sentence, seed)


def _of_origin(origin: Origin, title: str, models: Sequence[ModelInfo], model: ModelInfo) -> ShownSettings:
    draft, request = origin.draft(models, model), origin.request
    if request is None:
        return ShownSettings(draft, f"Taken: what the file of “{title}” says and this studio knows.", None)
    lost = [FORKED] if origin.forked else []
    taken = f"Taken: all settings in the file of “{title}”, with its seed {request.seeds[0]}."
    return ShownSettings(draft, " ".join((taken, *lost, *_remarks(request, models))), request.seeds[0])


def _remarks(request: Request, models: Sequence[ModelInfo]) -> list[str]:
    found = [EDITED] if request.edit is not None else []
    if request.drawn is not None:
        found.append(DRAWN)
    if any(info.id == request.model and info.sha256 not in ("", request.model_sha256) for info in models):
        found.append(OTHER_VERSION)
    return found
