"""How good a guide is: whether a judge that shares nothing with it sees what was aimed at."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.asks import Ask, ask_for, draw
from engine.catalog import ModelInfo
from engine.guidance.build import by_clip
from engine.guidance.losses import Aims
from engine.guides import ClipGuide
from engine.judge import Judge
from engine.metrics import fid, interval
from engine.real import Real
from engine.request import Request
from engine.session import Session
from engine.types import Transform

Figures = dict[str, Any]


@dataclass(frozen=True)
class GuideEvaluation:
    """A CLIP guide on a model, before a judge.

    guide    -- whose aims are left to each picture: the name asked for
    choices  -- what differs from the model's defaults: "steps", "sampler" …
    progress -- told how many more pictures are done
    """

    info: ModelInfo
    judge: Judge
    real: Real
    session: Session
    guide: ClipGuide
    choices: Figures
    progress: Callable[[int], None] = lambda count: None

    def alone(self, asks: Sequence[Ask]) -> Figures:
        """The unconditional model under the guide, and without: how often the judge sees the name asked for."""
        free = [ask._replace(text="", label=None) for ask in asks]
        plain = {"guidance": 1.0, "enlarge": False}
        return self._compared(free, asks, plain)

    def beside(self, asks: Sequence[Ask]) -> Figures:
        """The model at its defaults, prompt and guidance, with the guide aiming at the same text, and without."""
        return self._compared(asks, asks, {})

    def draw(self, asks: Sequence[Ask], aims: Sequence[str] | None, **choices: Any) -> Tensor:
        """The pictures asked for; guided, where there are aims, each to its own."""
        wanted = dict(zip((ask.seed for ask in asks), aims, strict=True)) if aims is not None else {}

        def around(some: Sequence[Ask], request: Request) -> Transform:
            return self._towards([wanted[ask.seed] for ask in some], request)

        chosen = self.choices | choices
        return draw(self.session, self.info, asks, chosen, self.progress, around if wanted else None)

    def _towards(self, texts: Sequence[str], request: Request) -> Transform:
        clip = self.session.library.clip(self.guide.clip)
        aims = Aims(clip.text(texts)[:, None], torch.ones(1))
        return by_clip(self.guide, request, self.session.load(self.info), clip, aims)

    def _compared(self, asked: Sequence[Ask], named: Sequence[Ask], choices: Figures) -> Figures:
        names = [ask.name for ask in named]
        figures: Figures = {"n": len(names), "seeds": [asked[0].seed, asked[-1].seed]}
        real = self.judge.read(self.real.pictures[self.real.rows(False)]).features
        for title, aims in (("unguided", None), ("guided", names)):
            reading = self.judge.read(self.draw(asked, aims, **choices))
            verdicts = self.judge.verdicts(reading.names, names)
            for key, hits in zip(("first", "among five"), verdicts, strict=True):
                figures[f"{title} {key}"] = float(hits.double().mean())
                figures[f"{title} {key} interval"] = interval(int(hits.sum()), len(names))
            figures[f"{title} fid"] = fid(reading.features, real)
        return figures


def for_tuning(real: Real, n: int, seed: int = 0) -> list[Ask]:
    """Up to n names that are not of that list, each in one of its labels, with seeds from 100000: to choose λ by."""
    chance, listed = random.Random(seed), set(real.evaluation)
    names = sorted({name for name in real.names if name not in listed})
    names = names if n >= len(names) else sorted(chance.sample(names, n))
    rows = {name: [k for k, other in enumerate(real.names) if other == name] for name in names}
    return [ask_for(real, chance.choice(rows[name]), 100_000 + k, True) for k, name in enumerate(names)]
