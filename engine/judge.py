"""A first judge of pictures: the nearest real ones, pixel by pixel.

It knows the training pictures, so it tells how well a model has learned them, not how well it generalises; it needs no
training of its own and cannot be fooled by what it has never seen.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

JUDGED_SIDE = 16  # pixels: coarse enough to forgive an outline that is one pixel off


class JudgeError(ValueError):
    """A data set that cannot be judged by; the message says what to do."""


class Verdict(NamedTuple):
    """first: the nearest picture shows the asked name; among_five: one of the five nearest names is the asked one."""

    first: bool
    among_five: bool


@dataclass(frozen=True)
class NearestPicture:
    """Real pictures as (N, features) with their names and labels."""

    features: Tensor
    names: tuple[str, ...]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, folder: Path) -> NearestPicture:
        """From a data set of engine.train.data. Raises JudgeError when it is not there or damaged."""
        try:
            rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))["rows"]
            pictures = torch.from_numpy(np.load(folder / "pictures.npy")).permute(0, 3, 1, 2).float() / 127.5 - 1
            names, labels = (tuple(row[key] for row in rows) for key in ("name", "label"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise JudgeError(f"{folder} is no data set: build it with run.py data build.") from error
        return cls(features_of(pictures), names, labels)

    def pairs(self, n: int, seed: int = 0) -> list[tuple[str, str]]:
        """n different (name, label) pairs of real pictures, drawn with `seed`."""
        if not 1 <= n <= len(self.names):
            raise JudgeError(f"{n} pairs cannot be drawn from {len(self.names)} pictures: ask for fewer.")
        rows = random.Random(seed).sample(range(len(self.names)), n)
        return [(self.names[k], self.labels[k]) for k in rows]

    def judge(self, picture: Tensor, name: str) -> Verdict:
        """A picture (C, H, W) in [−1, 1] against the name that it was asked to show."""
        order = torch.cdist(features_of(picture[None]), self.features)[0].argsort().tolist()
        nearest = list(dict.fromkeys(self.names[k] for k in order))[:5]
        return Verdict(nearest[0] == name, name in nearest)


def features_of(pictures: Tensor) -> Tensor:
    """(B, C, H, W) in [−1, 1], a multiple of JUDGED_SIDE a side → (B, features): averaged down and laid out flat."""
    return F.interpolate(pictures.clamp(-1, 1), JUDGED_SIDE, mode="area").flatten(1)
