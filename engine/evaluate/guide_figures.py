"""Evaluate CLIP guides: how often an independent judge sees the name that the guide aims at."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from engine.evaluate.batches import PictureSpec, draw, spec_of_row
from engine.evaluate.dataset_pictures import RealPictures
from engine.evaluate.judge import Judge
from engine.guidance.compose import chain, clip_transform
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
    """An evaluation of CLIP guides on a model by a judge.

    guides   -- the first innermost; each picture replaces their aims by its name
    choices  -- settings that differ from the model's defaults: "steps", "sampler" …
    progress -- called with the number of newly finished pictures
    """

    info: ModelInfo
    judge: Judge
    real: RealPictures
    session: Session
    guides: tuple[ClipGuide, ...]
    choices: Figures
    progress: Callable[[int], None] = lambda count: None

    def figures(self, specs: Sequence[PictureSpec], part: str, guided: bool) -> Figures:
        """Measure how often the judge ranks the names first or among the first five, and the FID of all pictures.

        part -- "alone": without prompt, label and second stage; "beside": the model's defaults, with the prompt. The
                guide aims at the name in both.
        """
        names = [spec.name for spec in specs]
        if part == "alone":
            drawn, choices = [spec._replace(text="", label=None) for spec in specs], {"guidance": 1.0, "enlarge": False}
        else:
            drawn, choices = list(specs), {}
        reading = self.judge.read(self.draw(drawn, names if guided else None, **choices))
        figures: Figures = {"fid": fid(reading.features, self._real)}
        for key, hits in zip(("first", "among five"), self.judge.verdicts(reading.names, names), strict=True):
            figures[key] = float(hits.double().mean())
            figures[f"{key} interval"] = interval(int(hits.sum()), len(names))
        return figures

    def draw(self, specs: Sequence[PictureSpec], aims: Sequence[str] | None, **choices: Any) -> Tensor:
        """Draw the pictures; with `aims` guide each picture to its own text."""
        aim_of = dict(zip((spec.seed for spec in specs), aims, strict=True)) if aims is not None else {}

        def around(some: Sequence[PictureSpec], request: Request) -> Transform:
            return self._guide_towards([aim_of[spec.seed] for spec in some], request)

        chosen = self.choices | choices
        return draw(self.session, self.info, specs, chosen, self.progress, around if aim_of else None)

    def _guide_towards(self, texts: Sequence[str], request: Request) -> Transform:
        """Build the guides' transform for a batch whose images aim at `texts`, one each."""
        made = []
        for guide in self.guides:
            clip = self.session.library.clip(guide.clip)
            aims = Aims(clip.text(texts)[:, None], torch.ones(1, device=self.session.device))
            made.append(clip_transform(guide, request, self.session.load(self.info), clip, aims))
        return chain(made)

    @cached_property
    def _real(self) -> Tensor:
        """Return the judge's features of all real pictures that are not held out."""
        return self.judge.read(self.real.pictures[self.real.rows(False)]).features


def tuning_specs(real: RealPictures, n: int, seed: int = 0) -> list[PictureSpec]:
    """List up to n names outside the evaluation list, each with one of its labels, seeds from 100000: to choose λ."""
    chance, listed = random.Random(seed), set(real.evaluation)
    names = sorted({name for name in real.names if name not in listed})
    names = names if n >= len(names) else sorted(chance.sample(names, n))
    rows = {name: [k for k, other in enumerate(real.names) if other == name] for name in names}
    return [spec_of_row(real, chance.choice(rows[name]), 100_000 + k, True) for k, name in enumerate(names)]
