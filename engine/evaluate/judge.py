"""Judges of pictures: a classifier that knows real ones only, and, as a second opinion, the nearest real picture."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.evaluate.classifier import Classifier
from engine.evaluate.dataset_pictures import JudgeError, Real, averaged
from engine.metrics import rough_distances
from engine.spec.catalog import resource_root

__all__ = ["Judge", "JudgeError", "NearestPicture", "Reading", "Verdicts", "stored"]

JUDGED_SIDE = 16  # pixels of the nearest-picture judge: coarse enough to forgive an outline that is one pixel off
AT_ONCE = 256  # pictures that the classifier reads in one call
WEIGHTS = "model.safetensors"


class Verdicts(NamedTuple):
    """Per picture, (N,) bool: the asked name comes first; it is one of the first five."""

    first: Tensor
    among_five: Tensor

    def __or__(self, other: Verdicts) -> Verdicts:
        """Both lists, one after the other."""
        return Verdicts(*(torch.cat(pair) for pair in zip(self, other, strict=True)))


class Reading(NamedTuple):
    """What a judge sees in N pictures: features (N, d), and the probabilities of names (N, names)."""

    features: Tensor
    names: Tensor


@dataclass(frozen=True)
class Judge:
    """A trained classifier with the names that it tells apart.

    merged holds the groups of names that it confuses on real pictures: within one, any counts as the asked one.
    card is what its folder's config.json says, its own ceiling among it.
    """

    net: Classifier
    names: tuple[str, ...]
    merged: tuple[tuple[str, ...], ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Judge:
        """From a folder that `train-judge` wrote. Raises JudgeError when it is not there or damaged."""
        try:
            card = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            if hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest() != card["sha256"][WEIGHTS]:
                raise ValueError("the checksum of its weights is wrong")
            names = tuple(card["names"])
            net = Classifier(**card["net"], names=len(names))
            net.load_state_dict(load_file(folder / WEIGHTS))  # in half precision: copied into float32
            merged = tuple(tuple(group) for group in card["merged"])
            return cls(net.eval().requires_grad_(False), names, merged, card)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise JudgeError(f"{folder} is no judge that can be used: train one with run.py train-judge.") from error

    def read(self, pictures: Tensor) -> Reading:
        """Pictures (N, C, h, w) in [−1, 1], of any size and in grey or colour, averaged to the judge's own side."""
        parts = [self._read(part) for part in self.fitted(pictures).split(AT_ONCE)]
        return Reading(*(torch.cat(column) for column in zip(*parts, strict=True)))

    def fitted(self, pictures: Tensor) -> Tensor:
        """The pictures as the net takes them: (N, channels, side, side)."""
        x = averaged(pictures.float().clamp(-1, 1), self.net.side)
        if x.shape[1] != self.net.channels:
            x = x.mean(1, keepdim=True).expand(-1, self.net.channels, -1, -1)
        return x

    @torch.no_grad()
    def _read(self, pictures: Tensor) -> Reading:
        features = self.net.features(pictures.contiguous(memory_format=torch.channels_last))
        return Reading(features, self.net.name(features).softmax(1))

    def verdicts(self, probabilities: Tensor, asked: Sequence[str], merge: bool = True) -> Verdicts:
        """Whether the asked names come first, or among the first five: groups compete as one, by their summed
        probability, unless `merge` is off. Raises JudgeError for a name that the judge does not know."""
        groups = self.groups() if merge else {name: k for k, name in enumerate(self.names)}
        if strange := sorted(set(asked) - set(groups)):
            raise JudgeError(f"This judge does not know {', '.join(strange)}: train one on this data set.")
        place = torch.tensor([groups[name] for name in self.names])
        score = torch.zeros(len(probabilities), int(place.max()) + 1).index_add_(1, place, probabilities)
        wanted = score.gather(1, torch.tensor([[groups[name]] for name in asked]))
        before = (score > wanted).sum(1)
        return Verdicts(before < 1, before < 5)

    def groups(self) -> dict[str, int]:
        """The number of each name's group; a name that is merged with none is a group of its own."""
        leader = {name: group[0] for group in self.merged for name in group}
        order = {name: k for k, name in enumerate(dict.fromkeys(leader.get(name, name) for name in self.names))}
        return {name: order[leader.get(name, name)] for name in self.names}


@dataclass(frozen=True)
class NearestPicture:
    """The nearest real pictures, pixel by pixel: features (N, d) with their names.

    It knows the training pictures, so it tells how well a model has learned them, not how well it generalises; it needs
    no training of its own and cannot be fooled by what it has never seen.
    """

    features: Tensor
    names: tuple[str, ...]

    @classmethod
    def of(cls, real: Real) -> NearestPicture:
        return cls(coarse(real.pictures), real.names)

    def verdicts(self, pictures: Tensor, asked: Sequence[str]) -> Verdicts:
        """Pictures (N, C, H, W) in [−1, 1] against the names that they were asked to show."""
        place = {name: k for k, name in enumerate(dict.fromkeys(self.names))}
        column = torch.tensor([place[name] for name in self.names])
        wanted = torch.tensor([[place[name]] for name in asked])
        low = []  # (N, names): how far the nearest picture of each name is
        for rows in rough_distances(coarse(pictures), self.features):
            none = rows.new_full((len(rows), len(place)), torch.inf)
            low.append(none.scatter_reduce_(1, column.expand(len(rows), -1), rows, "amin"))
        nearest = torch.cat(low)
        before = (nearest < nearest.gather(1, wanted)).sum(1)
        return Verdicts(before < 1, before < 5)


def coarse(pictures: Tensor) -> Tensor:
    """(N, C, H, W) in [−1, 1] → (N, C·JUDGED_SIDE²): averaged down and laid out flat."""
    return averaged(pictures.clamp(-1, 1), JUDGED_SIDE).flatten(1)


def stored(model: str) -> Path:
    """The folder of the judge in the box for a model or data set of that id."""
    return resource_root() / "judges" / model
