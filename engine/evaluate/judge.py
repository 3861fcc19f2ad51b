"""Judges of pictures: a classifier trained on real pictures only, and as a second judge the nearest real picture."""

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
from engine.evaluate.dataset_pictures import JudgeError, RealPictures, average_down
from engine.metrics import rough_distances
from engine.models.filling import filled
from engine.spec.catalog import resource_root
from engine.spec.model_config import check_net
from engine.spec.validation import text

__all__ = ["Judge", "JudgeError", "JudgeOutput", "NearestPicture", "Verdicts", "judge_folder"]

JUDGED_SIDE = 16  # pixels of the nearest-picture judge: so coarse that an outline may be one pixel off
MAX_SIDE = 512  # of the pictures that a judge sees: AT_ONCE of them fit into memory
AT_ONCE = 256  # pictures in one call of the classifier
WEIGHTS = "model.safetensors"


class Verdicts(NamedTuple):
    """For each picture, (N,) bool: whether its name is ranked first; whether it is among the first five."""

    first: Tensor
    among_five: Tensor

    def __or__(self, other: Verdicts) -> Verdicts:
        """Concatenate two lists."""
        return Verdicts(*(torch.cat(pair) for pair in zip(self, other, strict=True)))


class JudgeOutput(NamedTuple):
    """A judge's output for N pictures: features (N, d), and the probabilities of names (N, names)."""

    features: Tensor
    names: Tensor


@dataclass(frozen=True)
class Judge:
    """A trained classifier with its names.

    merged -- groups of names that it confuses on real pictures: any name of the group counts as right
    card   -- its folder's config.json, with its figures on real pictures ("ceiling")
    """

    net: Classifier
    names: tuple[str, ...]
    merged: tuple[tuple[str, ...], ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Judge:
        """Load a folder that `train-judge` wrote. Raises JudgeError when it is missing or damaged."""
        try:
            card = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            if hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest() != card["sha256"][WEIGHTS]:
                raise ValueError("the checksum of its weights is wrong")
            names = tuple(card["names"])
            check_net(card["net"])
            if not (0 < card["net"]["side"] <= MAX_SIDE and card["net"]["channels"] in (1, 3)):
                raise ValueError("the size of its pictures is impossible")
            weights = load_file(folder / WEIGHTS)  # in half precision: copied into float32
            net = filled(lambda: Classifier(**card["net"], names=len(names)), weights)
            merged = tuple(tuple(group) for group in card["merged"])
            for name in (*names, *(name for group in merged for name in group)):
                text(name)
            return cls(net.eval().requires_grad_(False), names, merged, card)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise JudgeError(f"{folder} holds no usable judge: train one with run.py train-judge.") from error

    def read(self, pictures: Tensor) -> JudgeOutput:
        """Classify pictures (N, C, h, w) in [−1, 1], of any size, grey or colour."""
        parts = [self._read(part) for part in self.fit_to_net(pictures).split(AT_ONCE)]
        return JudgeOutput(*(torch.cat(column) for column in zip(*parts, strict=True)))

    def fit_to_net(self, pictures: Tensor) -> Tensor:
        """Average the pictures down and convert them to the net's input, (N, channels, side, side)."""
        x = average_down(pictures.float().clamp(-1, 1), self.net.side)
        if x.shape[1] != self.net.channels:
            x = x.mean(1, keepdim=True).expand(-1, self.net.channels, -1, -1)
        return x

    @torch.no_grad()
    def _read(self, pictures: Tensor) -> JudgeOutput:
        features = self.net.features(pictures.contiguous(memory_format=torch.channels_last))
        return JudgeOutput(features, self.net.name(features).softmax(1))

    def verdicts(self, probabilities: Tensor, asked: Sequence[str], merge: bool = True) -> Verdicts:
        """Rank the asked name of each picture. A merged group competes as one name, by its summed probability.

        merge -- False ranks every name by itself

        Raises JudgeError for a name that the judge does not know.
        """
        groups = self.groups() if merge else {name: k for k, name in enumerate(self.names)}
        if strange := sorted(set(asked) - set(groups)):
            raise JudgeError(f"This judge does not know {', '.join(strange)}: train one on this data set.")
        place = torch.tensor([groups[name] for name in self.names])
        score = torch.zeros(len(probabilities), int(place.max()) + 1).index_add_(1, place, probabilities)
        wanted = score.gather(1, torch.tensor([[groups[name]] for name in asked]))
        before = (score > wanted).sum(1)
        return Verdicts(before < 1, before < 5)

    def groups(self) -> dict[str, int]:
        """Return the number of each name's group; a name that is not merged is a group by itself."""
        leader = {name: group[0] for group in self.merged for name in group}
        order = {name: k for k, name in enumerate(dict.fromkeys(leader.get(name, name) for name in self.names))}
        return {name: order[leader.get(name, name)] for name in self.names}


@dataclass(frozen=True)
class NearestPicture:
    """A judge that ranks names by the nearest real picture, pixel by pixel: features (N, d) with their names.

    It holds the training pictures, so it measures how well a model has learned them, not how well it generalises. It
    needs no training, and unusual pictures cannot mislead it.
    """

    features: Tensor
    names: tuple[str, ...]

    @classmethod
    def of(cls, real: RealPictures) -> NearestPicture:
        return cls(coarse_features(real.pictures), real.names)

    def verdicts(self, pictures: Tensor, asked: Sequence[str]) -> Verdicts:
        """Rank the requested name of each picture (N, C, H, W) in [−1, 1]."""
        place = {name: k for k, name in enumerate(dict.fromkeys(self.names))}
        column = torch.tensor([place[name] for name in self.names])
        wanted = torch.tensor([[place[name]] for name in asked])
        low = []  # (N, names): distance to the nearest picture of each name
        for rows in rough_distances(coarse_features(pictures), self.features):
            none = rows.new_full((len(rows), len(place)), torch.inf)
            low.append(none.scatter_reduce_(1, column.expand(len(rows), -1), rows, "amin"))
        nearest = torch.cat(low)
        before = (nearest < nearest.gather(1, wanted)).sum(1)
        return Verdicts(before < 1, before < 5)


def coarse_features(pictures: Tensor) -> Tensor:
    """Average (N, C, H, W) in [−1, 1] down and flatten it: (N, C·JUDGED_SIDE²)."""
    return average_down(pictures.clamp(-1, 1), JUDGED_SIDE).flatten(1)


def judge_folder(model: str) -> Path:
    """Return the folder of the embedded judge for a model or data set of that id."""
    return resource_root() / "judges" / model
