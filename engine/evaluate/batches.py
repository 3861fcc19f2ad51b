"""Many pictures, each of its own text, label and seed, in batches: what an evaluation draws."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from engine.cascade import enlarge
from engine.evaluate.dataset_pictures import JudgeError, Real
from engine.meter import MICRO_BATCH
from engine.plan import Conditions, plan, second_stage
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.spec.request import Request
from engine.types import Cond, Transform


class Ask(NamedTuple):
    """One picture: text and label ask for it, name is what it should show then, row the real picture of that pair."""

    text: str
    label: str | None
    seed: int
    name: str
    row: int


def draw(
    session: Session,
    info: ModelInfo,
    asks: Sequence[Ask],
    choices: dict[str, float | int | None],
    progress: Callable[[int], None] = lambda count: None,
    around: Callable[[Sequence[Ask], Request], Transform] | None = None,
) -> Tensor:
    """The pictures asked for, (N, C, H, W) in [−1, 1], at the model's defaults but for `choices` (see Draft.for_model).

    A picture is the one that its text, label and seed give alone, to rounding: only the batch is shared. `progress`
    is told how many more are done. `around` makes a further transform for some of the asks and the request of their
    batch, outermost.
    """
    model, parts = session.load(info), []
    for at in range(0, len(asks), MICRO_BATCH):
        some = asks[at : at + MICRO_BATCH]
        drafts = [
            Draft.for_model(info, prompt=ask.text, label=ask.label, seed=ask.seed, batch=1, **choices) for ask in some
        ]
        requests = [resolve(draft, info) for draft in drafts]
        cond = Cond.cat([model.condition(request.prompt, request.label) for request in requests])
        own = Conditions.of(requests[0], model)._replace(cond=cond)
        planned = plan(replace(requests[0], seeds=tuple(ask.seed for ask in some)), model, conditions=own)
        if around is not None:
            planned = replace(planned, denoiser=around(some, planned.request)(planned.denoiser))
        *_, last = planned.steps()
        x, wanted, second = last.move.x, requests[0].enlargement, second_stage(requests[0], model)
        if second is not None and wanted is not None:
            x = enlarge(second, wanted, x, cond.label, planned.noise)
        with torch.no_grad():
            parts.append(model.codec.decode(x).clamp(-1, 1).cpu())
        progress(len(some))
    return torch.cat(parts)


def by_name(real: Real, n: int, text: bool, seed: int = 0) -> list[Ask]:
    """Up to n names of the data set's list for evaluations, each with one of its labels at random, seeds 0 … n − 1.

    Held-out pairs take their chance among the others. Where the model has no text, the names are classes: they come in
    turn until there are n.
    """
    chance = random.Random(seed)
    if not text:
        return [ask_for(real, row, k, text) for k, row in enumerate(_in_turn(real, n, chance))]
    names = list(real.evaluation)
    names = names if n >= len(names) else sorted(chance.sample(names, n))
    places = _places(real)
    return [ask_for(real, chance.choice(places[name]), k, text) for k, name in enumerate(names)]


def held_out(real: Real, n: int, text: bool, seed: int = 0) -> tuple[list[Ask], list[Ask]]:
    """Up to n pairs that are held out, and as many trained ones: of each pair's name, in another of its labels."""
    chance = random.Random(seed)
    places = _places(real)
    pairs = [(row, [k for k in places[real.names[row]] if not real.held_out[k]]) for row in real.rows(True).tolist()]
    pairs = [pair for pair in pairs if pair[1]]
    pairs = pairs if n >= len(pairs) else chance.sample(pairs, n)
    unseen = [ask_for(real, row, k, text) for k, (row, _) in enumerate(pairs)]
    return unseen, [ask_for(real, chance.choice(trained), k, text) for k, (_, trained) in enumerate(pairs)]


def paraphrased(real: Real, n: int, seed: int = 0) -> list[Ask]:
    """Up to n paraphrases, each in one of its name's labels at random."""
    chance = random.Random(seed)
    places = _places(real)
    if strange := sorted({name for _, name in real.paraphrases} - set(places)):
        raise JudgeError(f"There is no picture of {', '.join(strange)} to paraphrase: build the data again.")
    chosen = real.paraphrases if n >= len(real.paraphrases) else chance.sample(real.paraphrases, n)
    rows = [chance.choice(places[name]) for _, name in chosen]
    asks = [ask_for(real, row, k, True) for k, row in enumerate(rows)]
    return [ask._replace(text=text) for ask, (text, _) in zip(asks, chosen, strict=True)]


def ask_for(real: Real, row: int, seed: int, text: bool) -> Ask:
    name = real.names[row]
    return Ask(name if text else "", real.labels[row] or None, seed, name, row)


def _places(real: Real) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for k, name in enumerate(real.names):
        places.setdefault(name, []).append(k)
    return places


def _in_turn(real: Real, n: int, chance: random.Random) -> list[int]:
    """A random picture that is not held out of each name in turn, until there are n."""
    places = [[k for k in rows if not real.held_out[k]] for _, rows in sorted(_places(real).items())]
    places = [rows for rows in places if rows]
    return [chance.choice(places[k % len(places)]) for k in range(n)]
