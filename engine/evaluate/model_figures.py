"""How good a model is, by judges that never saw it: every figure with its N, beside what real pictures get."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.evaluate.batches import Ask, by_name, draw, held_out, paraphrased
from engine.evaluate.dataset_pictures import Real, averaged
from engine.evaluate.judge import Judge, NearestPicture, Reading, coarse
from engine.metrics import fid, inception_score, interval, kid, nearest, overlap, precision_recall
from engine.session import Session
from engine.spec.catalog import ModelInfo

Figures = dict[str, Any]
REFERENCE = 3_000  # at most as many real pictures stand for the data set: the kernel distance takes their square
QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Evaluation:
    """One model before its judges.

    choices  -- what differs from the model's defaults: "steps", "guidance" …
    progress -- told how many more pictures are done, of how many in all (known from the start)
    """

    info: ModelInfo
    judge: Judge
    real: Real
    session: Session
    choices: Figures
    progress: Callable[[int], None] = lambda count: None

    def lists(self, n: int, seed: int = 0) -> dict[str, list[Ask]]:
        """What is asked for: up to n names, held-out and trained pairs, paraphrases; no text, then classes alone."""
        lists = {"evaluation": by_name(self.real, n, self.info.text, seed)}
        if self.info.text:
            unseen, seen = held_out(self.real, n, True, seed)
            lists |= {"held out": unseen, "trained": seen, "paraphrases": paraphrased(self.real, n, seed)}
        return {name: asks for name, asks in lists.items() if asks}

    def draw(self, asks: Sequence[Ask], transparent: bool = False, **choices: Any) -> Tensor:
        return draw(self.session, self.info, asks, self.choices | choices, self.progress, transparent=transparent)

    def run(self, lists: dict[str, list[Ask]]) -> Figures:
        """Every figure but the sweep's."""
        transparent = self.real.alpha is not None and self.info.transparent
        whole = {name: self.draw(asks, transparent) for name, asks in lists.items()}
        made = {name: pictures[:, :3] for name, pictures in whole.items()}
        readings = {name: self.judge.read(pictures) for name, pictures in made.items()}
        second = NearestPicture.of(self.real)
        rates = {}
        for name, asks in lists.items():
            rates[name] = self.rates(readings[name], asks)
            verdicts = second.verdicts(made[name], [ask.name for ask in asks])
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

    def outlines(self, pictures: Tensor, asks: Sequence[Ask]) -> Figures:
        """How well the alpha of pictures (N, 4, h, w) fits that of real ones: mean IoU of what is more than half there.

        Against the real picture of the pair asked, which the model may well draw in another way; and against the real
        picture whose colours on white are the nearest, which tells whether the outline belongs to what was drawn.
        """
        assert self.real.alpha is not None
        made = averaged(pictures, self.real.alpha.shape[-1])[:, 3:] > 0
        _, which = nearest(coarse(pictures[:, :3]), coarse(self.real.pictures))
        rows = {"of the pair asked": torch.tensor([ask.row for ask in asks]), "of the nearest": which}
        figures: Figures = {"n": len(asks)}
        return figures | {key: float(overlap(made, self.real.alpha[at] > 0).mean()) for key, at in rows.items()}

    def rates(self, reading: Reading, asks: Sequence[Ask]) -> Figures:
        """How often the judge sees what was asked, and how often it does in the real pictures of the same pairs."""
        asked, labels = [ask.name for ask in asks], [ask.label for ask in asks]
        figures: Figures = {"n": len(asks), "seeds": [asks[0].seed, asks[-1].seed]}
        verdicts = self.judge.verdicts(reading.names, asked)
        figures |= {key: rate(hits) for key, hits in _two(*verdicts)}
        figures["first interval"] = interval(int(verdicts.first.sum()), len(asks))
        plain = self.judge.verdicts(reading.names, asked, merge=False)
        figures |= {f"{key} unmerged": rate(hits) for key, hits in _two(*plain)}
        real = self.judge.read(self.real.pictures[[ask.row for ask in asks]])
        figures |= {f"real pictures {key}": rate(hits) for key, hits in _two(*self.judge.verdicts(real.names, asked))}
        by = Counter(labels)
        if len(by) > 1:
            hits = Counter(label for label, hit in zip(labels, verdicts.first.tolist(), strict=True) if hit)
            figures["by label"] = {str(label): [hits[label], by[label]] for label in sorted(by, key=str)}
        return figures

    def law(self, features: Tensor, names: Tensor) -> Figures:
        """How like real pictures the made ones are as a whole, beside what real pictures in their stead get."""
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

    def memory(self, made: dict[str, Tensor], lists: dict[str, list[Ask]]) -> Figures:
        """How far the nearest training picture is (root mean square at 16×16, in levels of 255), and which one it is.

        The reference are real pictures that are held out. What is nearer to the training set than 19 in 20 of them are
        counts as near: much of it is remembered rather than made up.
        """
        trained = self.real.rows(False)
        among = coarse(self.real.pictures[trained])

        def levels(pictures: Tensor) -> tuple[Tensor, Tensor]:
            distance, which = nearest(coarse(pictures), among)
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
                asked = [(ask.row, ask.name) for ask in lists[name]]
                found = [(row, self.real.names[row]) for row in rows.tolist()]
                figures[name] = {"n": len(asked), "distance": _quantiles(distance)}
                figures[name]["of the pair asked"] = _part(f[0] == a[0] for f, a in zip(found, asked, strict=True))
                figures[name]["of the name asked"] = _part(f[1] == a[1] for f, a in zip(found, asked, strict=True))
                if limit is not None:
                    figures[name]["near"] = rate(distance < limit)
        return figures

    def sweep(self, asks: Sequence[Ask], guidances: Sequence[float]) -> list[Figures]:
        """The same pictures at each γ: how often the judge sees what was asked, and how like real ones they are."""
        rows = self.real.draw(self.real.rows(False).tolist(), REFERENCE)
        real = self.judge.read(self.real.pictures[rows]).features
        some = real[torch.randperm(len(real), generator=torch.Generator().manual_seed(0))[: len(asks)]]
        points = []
        for guidance in guidances:
            reading = self.judge.read(self.draw(asks, guidance=guidance))
            verdicts = self.judge.verdicts(reading.names, [ask.name for ask in asks])
            point: Figures = {"guidance": guidance, "n": len(asks)} | {key: rate(hits) for key, hits in _two(*verdicts)}
            point |= {"fid": fid(reading.features, real), "kid": kid(reading.features, real)}
            point["precision"], point["recall"] = precision_recall(some, reading.features)
            points.append(point)
        return points


def rate(hits: Tensor) -> float:
    """The part that is true."""
    return float(hits.double().mean())


def _two(first: Tensor, among_five: Tensor) -> tuple[tuple[str, Tensor], tuple[str, Tensor]]:
    return ("first", first), ("among five", among_five)


def _part(hits: Iterable[bool]) -> float:
    return rate(torch.tensor(list(hits)))


def _quantiles(values: Tensor) -> list[float]:
    return values.quantile(torch.tensor(QUANTILES)).tolist()
