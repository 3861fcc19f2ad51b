"""The real pictures of a data set with their names and labels, as judges need them; without captions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import EngineError
from engine.models.alpha import CHANNELS
from engine.pictures.data_set import read_array, read_table


class JudgeError(EngineError, ValueError):
    """The data set or the judge cannot be used; the message says what to do."""

    kind = "judge"


@dataclass(frozen=True)
class RealPictures:
    """All N pictures of a data set of engine.train.data.

    pictures    -- (N, 3 or 1, side, side) in [−1, 1]; transparent ones on white
    names       -- what each picture shows
    labels      -- its class or style; "" for none
    held_out    -- (N,) bool: rows that no model and no judge is trained on
    evaluation  -- the names for evaluations; all names where the data set lists none
    paraphrases -- (text, name): other texts for a name, which no caption contains
    alpha       -- (N, 1, side, side) in [−1, 1]; None for a data set without transparency
    """

    pictures: Tensor
    names: tuple[str, ...]
    labels: tuple[str, ...]
    held_out: Tensor
    evaluation: tuple[str, ...] = ()
    paraphrases: tuple[tuple[str, str], ...] = ()
    alpha: Tensor | None = None

    @classmethod
    def of(cls, folder: Path, side: int | None = None) -> RealPictures:
        """Read a data set, averaged down to `side`. Raises JudgeError when it is missing or damaged."""
        try:
            table = read_table(folder)
            array, rows = read_array(folder, table), table["rows"]
            whole = torch.cat([to_pictures(np.array(array[k : k + 512]), side) for k in range(0, len(array), 512)])
            pictures, alpha = (whole[:, :3], whole[:, 3:]) if whole.shape[1] == CHANNELS else (whole, None)
            names, labels = (tuple(str(row[key]) for row in rows) for key in ("name", "label"))
            held_out = torch.tensor([bool(row.get("held_out", False)) for row in rows])
            evaluation = tuple(table.get("evaluation") or dict.fromkeys(names))
            paraphrases = tuple((str(text), str(name)) for text, name in table.get("paraphrases", ()))
            return cls(pictures, names, labels, held_out, evaluation, paraphrases, alpha)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise JudgeError(f"{folder} is no data set: build it with run.py data build.") from error

    def __len__(self) -> int:
        return len(self.names)

    @property
    def distinct(self) -> tuple[str, ...]:
        """Return every name once, sorted."""
        return tuple(sorted(set(self.names)))

    def rows(self, held_out: bool, without: str | None = None) -> Tensor:
        """Return the indices of the rows that are held out, or that are not, except those with the label `without`."""
        keep = self.held_out == held_out
        return (keep & torch.tensor([label != without for label in self.labels])).nonzero()[:, 0]

    def draw(self, rows: Sequence[int], n: int, seed: int = 0) -> list[int]:
        """Draw n different ones of `rows` with `seed`; all of them where there are at most n."""
        rows = list(rows)
        return random.Random(seed).sample(rows, n) if n < len(rows) else rows


def to_pictures(array: np.ndarray, side: int | None = None) -> Tensor:
    """Convert (B, h, w, C) uint8 to (B, C, side, side) in [−1, 1], averaged down; side None keeps the size."""
    pictures = torch.from_numpy(array).permute(0, 3, 1, 2).float() / 127.5 - 1
    return pictures if side is None else average_down(pictures, side)


def average_down(pictures: Tensor, side: int) -> Tensor:
    """Resize (B, C, h, w) to (B, C, side, side) by averaging over areas."""
    return pictures if pictures.shape[-2:] == (side, side) else F.interpolate(pictures, side, mode="area")
