"""How good a guide is: whether a judge that shares nothing with it sees what was aimed at."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from engine.evaluate.batches import Ask, ask_for, draw
from engine.evaluate.dataset_pictures import Real
from engine.evaluate.judge import Judge
from engine.guidance.compose import by_clip, chain
from engine.guidance.losses import Aims
from engine.metrics import fid, interval
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.guides import ClipGuide
from engine.spec.request import Request
from engine.types import Transform

Figures = dict[str, Any]


@dataclass(frozen=True)
class GuideEvaluation:
    """CLIP guides on a model, before a judge.

    guides   -- the first innermost; their aims are left to each picture: the name asked for
    choices  -- what differs from the model's defaults: "steps", "sampler" …
    progress -- told how many more pictures are done
    """

    info: ModelInfo
    judge: Judge
    real: Real
    session: Session
    guides: tuple[ClipGuide, ...]
    choices: Figures
    progress: Callable[[int], None] = lambda count: None

    def judged(self, asks: Sequence[Ask], part: str, guided: bool) -> Figures:
        """How often the judge sees the names asked for, first or among five, and how like real pictures all are.

        part -- "alone": the unconditional model, with neither prompt nor label nor second stage; "beside": the model's
                defaults, the prompt among them. The guide aims at the name either way.
        """
        names = [ask.name for ask in asks]
        if part == "alone":
            asked, choices = [ask._replace(text="", label=None) for ask in asks], {"guidance": 1.0, "enlarge": False}
        else:
            asked, choices = list(asks), {}
        reading = self.judge.read(self.draw(asked, names if guided else None, **choices))
        figures: Figures = {"fid": fid(reading.features, self._real)}
        for key, hits in zip(("first", "among five"), self.judge.verdicts(reading.names, names), strict=True):
            figures[key] = float(hits.double().mean())
            figures[f"{key} interval"] = interval(int(hits.sum()), len(names))
        return figures

    def draw(self, asks: Sequence[Ask], aims: Sequence[str] | None, **choices: Any) -> Tensor:
        """The pictures asked for; guided, where there are aims, each to its own."""
        wanted = dict(zip((ask.seed for ask in asks), aims, strict=True)) if aims is not None else {}

        def around(some: Sequence[Ask], request: Request) -> Transform:
            return self._towards([wanted[ask.seed] for ask in some], request)

        chosen = self.choices | choices
        return draw(self.session, self.info, asks, chosen, self.progress, around if wanted else None)

    def _towards(self, texts: Sequence[str], request: Request) -> Transform:
        made = []
        for guide in self.guides:
            clip = self.session.library.clip(guide.clip)
            aims = Aims(clip.text(texts)[:, None], torch.ones(1, device=self.session.device))
            made.append(by_clip(guide, request, self.session.load(self.info), clip, aims))
        return chain(made)

    @cached_property
    def _real(self) -> Tensor:
        """The judge's features of real pictures that are not held out."""
        return self.judge.read(self.real.pictures[self.real.rows(False)]).features


def for_tuning(real: Real, n: int, seed: int = 0) -> list[Ask]:
    """Up to n names that are not of that list, each in one of its labels, with seeds from 100000: to choose λ by."""
    chance, listed = random.Random(seed), set(real.evaluation)
    names = sorted({name for name in real.names if name not in listed})
    names = names if n >= len(names) else sorted(chance.sample(names, n))
    rows = {name: [k for k, other in enumerate(real.names) if other == name] for name in names}
    return [ask_for(real, chance.choice(rows[name]), 100_000 + k, True) for k, name in enumerate(names)]
