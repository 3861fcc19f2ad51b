"""Draw the pictures of an evaluation in batches, each with its own text, label and seed; the lists of what to draw."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from engine.cascade import enlarge
from engine.evaluate.dataset_pictures import JudgeError, RealPictures
from engine.plan import Conditions, plan, second_stage
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.spec.request import Request
from engine.types import Cond, Transform


class PictureSpec(NamedTuple):
    """One picture to draw.

    text, label, seed -- the settings of its run
    name -- what it should show
    row  -- the real picture with that name and label
    """

    text: str
    label: str | None
    seed: int
    name: str
    row: int


def draw(
    session: Session,
    info: ModelInfo,
    specs: Sequence[PictureSpec],
    choices: dict[str, float | int | None],
    progress: Callable[[int], None] = lambda count: None,
    around: Callable[[Sequence[PictureSpec], Request], Transform] | None = None,
    transparent: bool = False,
) -> Tensor:
    """Draw the pictures, (N, C, H, W) in [−1, 1], at the model's defaults except `choices` (see Draft.for_model).

    Each picture is the same as drawn alone, up to rounding: pictures only share batches.

    progress    -- called with the number of newly finished pictures
    around      -- builds one more transform, the outermost, from the specs and the request of a batch
    transparent -- keep alpha as a fourth channel; otherwise the pictures of a model with alpha are on white
    """
    model, parts = session.load(info), []
    for at in range(0, len(specs), model.micro_batch):
        some = specs[at : at + model.micro_batch]
        drafts = [
            Draft.for_model(info, prompt=spec.text, label=spec.label, seed=spec.seed, batch=1, **choices)
            for spec in some
        ]
        requests = [resolve(draft, info) for draft in drafts]
        cond = Cond.cat([model.condition(request.said) for request in requests])
        own = Conditions.of(requests[0], model)._replace(cond=cond)
        planned = plan(replace(requests[0], seeds=tuple(spec.seed for spec in some)), model, conditions=own)
        if around is not None:
            planned = replace(planned, denoiser=around(some, planned.request)(planned.denoiser))
        *_, last = planned.steps()
        x, wanted, second = last.move.x, requests[0].enlargement, second_stage(requests[0], model)
        if second is not None and wanted is not None:
            x = enlarge(second, wanted, x, cond.label, planned.noise)
        with torch.no_grad():
            parts.append((x if transparent else model.codec.decode(x)).clamp(-1, 1).cpu())
        progress(len(some))
    return torch.cat(parts)


def specs_by_name(real: RealPictures, n: int, text: bool, seed: int = 0) -> list[PictureSpec]:
    """List up to n names of the data set's evaluation list, each with one of its labels at random, seeds 0 … n − 1.

    Held-out pairs can be among them. Without `text` the names are classes: they come in turn until there are n.
    """
    chance = random.Random(seed)
    if not text:
        return [spec_of_row(real, row, k, text) for k, row in enumerate(_rows_in_turn(real, n, chance))]
    names = list(real.evaluation)
    names = names if n >= len(names) else sorted(chance.sample(names, n))
    places = _rows_by_name(real)
    return [spec_of_row(real, chance.choice(places[name]), k, text) for k, name in enumerate(names)]


def held_out_specs(
    real: RealPictures, n: int, text: bool, seed: int = 0
) -> tuple[list[PictureSpec], list[PictureSpec]]:
    """List up to n held-out pairs, and for each a trained pair of the same name with another label."""
    chance = random.Random(seed)
    places = _rows_by_name(real)
    pairs = [(row, [k for k in places[real.names[row]] if not real.held_out[k]]) for row in real.rows(True).tolist()]
    pairs = [pair for pair in pairs if pair[1]]
    pairs = pairs if n >= len(pairs) else chance.sample(pairs, n)
    unseen = [spec_of_row(real, row, k, text) for k, (row, _) in enumerate(pairs)]
    return unseen, [spec_of_row(real, chance.choice(trained), k, text) for k, (_, trained) in enumerate(pairs)]


def paraphrase_specs(real: RealPictures, n: int, seed: int = 0) -> list[PictureSpec]:
    """List up to n paraphrases, each with one of its name's labels at random. Raises JudgeError for an unknown name."""
    chance = random.Random(seed)
    places = _rows_by_name(real)
    if strange := sorted({name for _, name in real.paraphrases} - set(places)):
        raise JudgeError(f"There is no picture of {', '.join(strange)} to paraphrase: build the data again.")
    chosen = real.paraphrases if n >= len(real.paraphrases) else chance.sample(real.paraphrases, n)
    rows = [chance.choice(places[name]) for _, name in chosen]
    specs = [spec_of_row(real, row, k, True) for k, row in enumerate(rows)]
    return [spec._replace(text=text) for spec, (text, _) in zip(specs, chosen, strict=True)]


def spec_of_row(real: RealPictures, row: int, seed: int, text: bool) -> PictureSpec:
    name = real.names[row]
    return PictureSpec(name if text else "", real.labels[row] or None, seed, name, row)


def _rows_by_name(real: RealPictures) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for k, name in enumerate(real.names):
        places.setdefault(name, []).append(k)
    return places


def _rows_in_turn(real: RealPictures, n: int, chance: random.Random) -> list[int]:
    """Draw n rows that are not held out, from each name in turn."""
    places = [[k for k in rows if not real.held_out[k]] for _, rows in sorted(_rows_by_name(real).items())]
    places = [rows for rows in places if rows]
    return [chance.choice(places[k % len(places)]) for k in range(n)]
