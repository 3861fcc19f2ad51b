"""Evaluate a model with independent judges: every figure with its N, beside the same figure for real pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.evaluate.batches import PictureSpec, draw, held_out_specs, paraphrase_specs, specs_by_name
from engine.evaluate.dataset_pictures import RealPictures, average_down
from engine.evaluate.judge import Judge, JudgeOutput, NearestPicture, coarse_features
from engine.metrics import fid, inception_score, interval, kid, nearest, overlap, precision_recall
from engine.session import Session
from engine.spec.catalog import ModelInfo

Figures = dict[str, Any]
REFERENCE = 3_000  # the most real pictures that stand for the data set: the KID takes N² kernel values
QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Evaluation:
    """An evaluation of one model.

    choices  -- settings that differ from the model's defaults: "steps", "guidance" …
    progress -- called with the number of newly finished pictures
    """

    info: ModelInfo
    judge: Judge
    real: RealPictures
    session: Session
    choices: Figures
    progress: Callable[[int], None] = lambda count: None

    def lists(self, n: int, seed: int = 0) -> dict[str, list[PictureSpec]]:
        """List what to draw: up to n names, held-out and trained pairs, paraphrases; without text only classes."""
        lists = {"evaluation": specs_by_name(self.real, n, self.info.text, seed)}
        if self.info.text:
            unseen, seen = held_out_specs(self.real, n, True, seed)
            lists |= {"held out": unseen, "trained": seen, "paraphrases": paraphrase_specs(self.real, n, seed)}
        return {name: specs for name, specs in lists.items() if specs}

    def draw(self, specs: Sequence[PictureSpec], transparent: bool = False, **choices: Any) -> Tensor:
        return draw(self.session, self.info, specs, self.choices | choices, self.progress, transparent=transparent)

    def run(self, lists: dict[str, list[PictureSpec]]) -> Figures:
        """Draw all lists and compute every figure except sweep()."""
        transparent = self.real.alpha is not None and self.info.transparent
        whole = {name: self.draw(specs, transparent) for name, specs in lists.items()}
        made = {name: pictures[:, :3] for name, pictures in whole.items()}
        readings = {name: self.judge.read(pictures) for name, pictures in made.items()}
        second = NearestPicture.of(self.real)
        rates = {}
        for name, specs in lists.items():
            rates[name] = self.rates(readings[name], specs)
            verdicts = second.verdicts(made[name], [spec.name for spec in specs])
            rates[name] |= {f"nearest picture {key}": rate(hits) for key, hits in _two(*verdicts)}
        figures: Figures = {"rates": rates}
        if "held out" in rates and rates["trained"]["first"]:
            figures["held out over trained"] = rates["held out"]["first"] / rates["trained"]["first"]
        general = [name for name in ("evaluation", "trained") if name in made]
        features, names = (torch.cat([getattr(readings[k], part) for k in general]) for part in ("features", "names"))
        figures["law"] = self.law(features, names)
        figures["memory"] = self.memory(made, lists)
        if transparent:
            figures["alpha"] = {name: self.outlines(pictures, lists[name]) for name, pictures in whole.items()}
        return figures

    def outlines(self, pictures: Tensor, specs: Sequence[PictureSpec]) -> Figures:
        """Compare the alpha of pictures (N, 4, h, w) with that of real ones: mean IoU of the masks alpha > ½.

        One figure is against the real picture of the same pair, which the model can draw in another way. The other is
        against the real picture with the nearest colours on white: it shows whether the outline fits the drawing.
        """
        assert self.real.alpha is not None
        made = average_down(pictures, self.real.alpha.shape[-1])[:, 3:] > 0
        _, which = nearest(coarse_features(pictures[:, :3]), coarse_features(self.real.pictures))
        rows = {"of the pair asked": torch.tensor([spec.row for spec in specs]), "of the nearest": which}
        figures: Figures = {"n": len(specs)}
        return figures | {key: float(overlap(made, self.real.alpha[at] > 0).mean()) for key, at in rows.items()}

    def rates(self, reading: JudgeOutput, specs: Sequence[PictureSpec]) -> Figures:
        """Measure how often the judge sees the requested names, here and in the real pictures of the same pairs."""
        asked, labels = [spec.name for spec in specs], [spec.label for spec in specs]
        figures: Figures = {"n": len(specs), "seeds": [specs[0].seed, specs[-1].seed]}
        verdicts = self.judge.verdicts(reading.names, asked)
        figures |= {key: rate(hits) for key, hits in _two(*verdicts)}
        figures["first interval"] = interval(int(verdicts.first.sum()), len(specs))
        plain = self.judge.verdicts(reading.names, asked, merge=False)
        figures |= {f"{key} unmerged": rate(hits) for key, hits in _two(*plain)}
        real = self.judge.read(self.real.pictures[[spec.row for spec in specs]])
        figures |= {f"real pictures {key}": rate(hits) for key, hits in _two(*self.judge.verdicts(real.names, asked))}
        by = Counter(labels)
        if len(by) > 1:
            hits = Counter(label for label, hit in zip(labels, verdicts.first.tolist(), strict=True) if hit)
            figures["by label"] = {str(label): [hits[label], by[label]] for label in sorted(by, key=str)}
        return figures

    def law(self, features: Tensor, names: Tensor) -> Figures:
        """Compare all pictures with real ones (FID, KID, IS, precision, recall), beside real against real pictures."""
        n = len(features)
        rows = self.real.draw(self.real.rows(False).tolist(), REFERENCE)
        real = self.judge.read(self.real.pictures[rows])
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
        some, others = order[:n], order[n : 2 * n]
        figures: Figures = {"n": n, "real n": len(rows), "d": features.shape[1]}
        figures |= {"fid": fid(features, real.features), "kid": kid(features, real.features)}
        figures["is"] = inception_score(names)
        figures["precision"], figures["recall"] = precision_recall(real.features[some], features)
        if len(others) == n:
            figures["real fid"] = fid(real.features[some], real.features[order[n:]])
            figures["real kid"] = kid(real.features[some], real.features[order[n:]])
            figures["real is"] = inception_score(real.names[some])
            alike = precision_recall(real.features[some], real.features[others])
            figures["real precision"], figures["real recall"] = alike
        return figures

    def memory(self, made: dict[str, Tensor], lists: dict[str, list[PictureSpec]]) -> Figures:
        """Measure the distance to the nearest training picture (RMS at 16×16, in levels of 255), and which one it is.

        The reference is held-out real pictures. A picture that is nearer to the training set than 95 % of them counts
        as near: the model has memorised much of it.
        """
        trained = self.real.rows(False)
        among = coarse_features(self.real.pictures[trained])

        def levels(pictures: Tensor) -> tuple[Tensor, Tensor]:
            distance, which = nearest(coarse_features(pictures), among)
            return distance / among.shape[1] ** 0.5 * 127.5, trained[which]

        figures: Figures = {}
        limit = None
        if self.real.held_out.any():
            reference, _ = levels(self.real.pictures[self.real.draw(self.real.rows(True).tolist(), 500)])
            limit = reference.quantile(0.05)
            figures["real pictures held out"] = {"n": len(reference), "distance": _quantiles(reference)}
        for name in ("evaluation", "held out"):
            if name in made:
                distance, rows = levels(made[name])
                asked = [(spec.row, spec.name) for spec in lists[name]]
                found = [(row, self.real.names[row]) for row in rows.tolist()]
                figures[name] = {"n": len(asked), "distance": _quantiles(distance)}
                figures[name]["of the pair asked"] = _part(f[0] == a[0] for f, a in zip(found, asked, strict=True))
                figures[name]["of the name asked"] = _part(f[1] == a[1] for f, a in zip(found, asked, strict=True))
                if limit is not None:
                    figures[name]["near"] = rate(distance < limit)
        return figures

    def sweep(self, specs: Sequence[PictureSpec], guidances: Sequence[float]) -> list[Figures]:
        """Draw the same pictures at each γ; measure how often the judge sees the names, FID, KID, precision, recall."""
        rows = self.real.draw(self.real.rows(False).tolist(), REFERENCE)
        real = self.judge.read(self.real.pictures[rows]).features
        some = real[torch.randperm(len(real), generator=torch.Generator().manual_seed(0))[: len(specs)]]
        points = []
        for guidance in guidances:
            reading = self.judge.read(self.draw(specs, guidance=guidance))
            verdicts = self.judge.verdicts(reading.names, [spec.name for spec in specs])
            point: Figures = {"guidance": guidance, "n": len(specs)} | {
                key: rate(hits) for key, hits in _two(*verdicts)
            }
            point |= {"fid": fid(reading.features, real), "kid": kid(reading.features, real)}
            point["precision"], point["recall"] = precision_recall(some, reading.features)
            points.append(point)
        return points


def rate(hits: Tensor) -> float:
    """Return the share that is true."""
    return float(hits.double().mean())


def _two(first: Tensor, among_five: Tensor) -> tuple[tuple[str, Tensor], tuple[str, Tensor]]:
    return ("first", first), ("among five", among_five)


def _part(hits: Iterable[bool]) -> float:
    return rate(torch.tensor(list(hits)))


def _quantiles(values: Tensor) -> list[float]:
    return values.quantile(torch.tensor(QUANTILES)).tolist()
