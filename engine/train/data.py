"""Captioned pictures on disk and in memory: what every training run reads.

A data set is a folder with pictures.npy, (N, side, side, C) uint8, and rows.json: {"id", "title", "labels": […],
"label_kind": "style", "examples": […], "rows": [{"name": "red apple", "label": "noto", "captions": ["a red apple"]}]}.
A caption that stands in the list more often is drawn more often; the first one is the plain one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.models.text import TextEncoder
from engine.types import Cond


@dataclass(frozen=True)
class Captioned:
    """Pictures with captions and labels.

    pictures (N, C, side, side) uint8; label (N,) int64; caption (N, V) int64: rows of tokens, any of the V fits;
    tokens (K, L, width) float16 and mask (K, L) bool: the token states of every caption, the last the empty text.
    """

    pictures: Tensor
    label: Tensor
    caption: Tensor
    tokens: Tensor
    mask: Tensor
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.pictures)

    def batch(self, size: int, drop: Drop, generator: torch.Generator) -> tuple[Tensor, Cond]:
        """`size` random pictures (size, C, side, side) in [−1, 1] with a random caption each, conditions dropped."""
        i = torch.randint(len(self), (size,), generator=generator)
        j = torch.randint(self.caption.shape[1], (size,), generator=generator)
        no_text, no_label = drop(size, generator)
        text = self.caption[i, j].masked_fill(no_text, len(self.tokens) - 1)
        label = self.label[i].masked_fill(no_label, len(self.labels))
        cond = Cond(tokens=self.tokens[text].float(), mask=self.mask[text], label=label)
        return self.pictures[i].float() / 127.5 - 1, cond


@dataclass(frozen=True)
class Drop:
    """How often a condition is left out, so that every branch of classifier-free guidance is trained.

    Ho & Salimans, "Classifier-Free Diffusion Guidance" (2022), with two conditions: both dropped, only the text kept,
    only the label kept; otherwise both are kept.
    """

    both: float = 0.15
    text_alone: float = 0.10
    label_alone: float = 0.10

    def __call__(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Which of `size` conditions lose their text, and which their label: two (size,) bool."""
        u = torch.rand(size, generator=generator)
        a, b = self.both + self.label_alone, self.both + self.label_alone + self.text_alone
        return u < a, (u < self.both) | ((u >= a) & (u < b))


def load(folder: Path, side: int, encoder: TextEncoder, limit: int | None = None) -> Captioned:
    """The data set in `folder`, its pictures area-averaged down to side×side, its captions encoded (and kept there)."""
    table: dict[str, Any] = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    rows = table["rows"][:limit]
    array = torch.from_numpy(np.load(folder / "pictures.npy")[:limit]).permute(0, 3, 1, 2)
    pictures = torch.cat([F.interpolate(part.float(), side, mode="area") for part in array.split(256)])
    texts = [*sorted({caption for row in rows for caption in row["captions"]}), ""]
    place = {text: k for k, text in enumerate(texts)}
    most = max(len(row["captions"]) for row in rows)
    caption = [[place[row["captions"][v % len(row["captions"])]] for v in range(most)] for row in rows]
    tokens, mask = encoded(texts, encoder, folder)
    labels = tuple(table["labels"])
    return Captioned(
        pictures=pictures.round().to(torch.uint8),
        label=torch.tensor([labels.index(row["label"]) if row["label"] else len(labels) for row in rows]),
        caption=torch.tensor(caption),
        tokens=tokens,
        mask=mask,
        labels=labels,
    )


def encoded(texts: list[str], encoder: TextEncoder, folder: Path) -> tuple[Tensor, Tensor]:
    """Token states of all texts in half precision and their mask; those once computed are kept in `folder`."""
    path = folder / f"tokens-{encoder.length}.pt"
    kept: dict[str, Any] = torch.load(path, weights_only=True) if path.exists() else {"texts": []}
    place = {text: k for k, text in enumerate(kept["texts"])}
    new = [text for text in texts if text not in place]
    if new:
        place |= {text: len(place) + k for k, text in enumerate(new)}
        parts = [encoder.encode(new[k : k + 256]) for k in range(0, len(new), 256)]
        tokens = torch.cat([*([kept["tokens"]] if kept["texts"] else []), *(p[0].half() for p in parts)])
        mask = torch.cat([*([kept["mask"]] if kept["texts"] else []), *(p[1] for p in parts)])
        kept = {"texts": list(place), "tokens": tokens, "mask": mask}
        torch.save(kept, path)
    order = torch.tensor([place[text] for text in texts])
    return kept["tokens"][order], kept["mask"][order]
