"""Data sets of captioned pictures, on disk and in memory.

A data set is a folder with pictures.npy, (N, side, side, C) uint8, and rows.json: {"id", "title", "labels": […],
"label_kind": "style", "examples": […], "rows": [{"name": "red apple", "label": "noto", "captions": ["a red apple"]}]}.
A caption that is listed more often is drawn more often; the first one is the plain one. A row may have a "weight", how
often its picture is drawn against one of weight 1, and "held_out": true, which excludes it from training.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.models.text import TextEncoder
from engine.pictures.data_set import DataSetError, read_array, read_table
from engine.types import Cond


@dataclass(frozen=True)
class Captions:
    """The captions of pictures: caption (N, V) int64, the rows of `tokens` that fit each picture.

    tokens (K, L, width) float16 and mask (K, L) bool: of every text, the last one empty.
    """

    caption: Tensor
    tokens: Tensor
    mask: Tensor

    def drawn(self, i: Tensor, empty: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw a caption of each of the pictures `i` (B,), or the empty text: tokens (B, L, width) and mask (B, L)."""
        j = torch.randint(self.caption.shape[1], (len(i),), generator=generator)
        text = self.caption[i, j].masked_fill(empty, len(self.tokens) - 1)
        return self.tokens[text].float(), self.mask[text]


@dataclass(frozen=True)
class Captioned:
    """Pictures with labels and, except for sets of classes alone, captions.

    pictures (N, C, side, side) uint8; label (N,) int64; weight (N,) how often each is drawn.
    """

    pictures: Tensor
    label: Tensor
    weight: Tensor
    labels: tuple[str, ...]
    captions: Captions | None = None

    def __len__(self) -> int:
        return len(self.pictures)

    def batch(self, size: int, drop: Drop, generator: torch.Generator) -> tuple[Tensor, Cond]:
        """Draw `size` random pictures (size, C, side, side) in [−1, 1] with a random caption each, some conditions
        dropped.
        """
        i = torch.multinomial(self.weight, size, replacement=True, generator=generator)
        no_text, no_label = drop(size, generator)
        tokens, mask = (None, None) if self.captions is None else self.captions.drawn(i, no_text, generator)
        label = self.label[i].masked_fill(no_label, len(self.labels))
        return self.pictures[i].float() / 127.5 - 1, Cond(tokens=tokens, mask=mask, label=label)


@dataclass(frozen=True)
class Drop:
    """The probabilities of leaving out a condition, so that every branch of classifier-free guidance is trained.

    Ho & Salimans, "Classifier-Free Diffusion Guidance" (2022), with two conditions: both dropped, only the text kept,
    only the label kept; otherwise both are kept.
    """

    both: float = 0.15
    text_alone: float = 0.10
    label_alone: float = 0.10

    def __call__(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw which of `size` conditions lose their text, and which their label: two (size,) bool."""
        u = torch.rand(size, generator=generator)
        a, b = self.both + self.label_alone, self.both + self.label_alone + self.text_alone
        return u < a, (u < self.both) | ((u >= a) & (u < b))


def load(folder: Path, side: int, encoder: TextEncoder | None, limit: int | None = None) -> Captioned:
    """Read the data set in `folder` except what is held out, its pictures area-averaged down to side×side.

    Captions are encoded (and the states kept in the folder); without an encoder only labels are read. At most the first
    `limit` pictures. Raises DataSetError for a damaged data set, and for one without pictures to train on.
    """
    table = read_table(folder)
    kept = [k for k, row in enumerate(table["rows"]) if not row.get("held_out")][:limit]
    if not kept:
        raise DataSetError(f"{folder} holds no pictures to train on: build it with `run.py data build`.")
    rows = [table["rows"][k] for k in kept]
    array = torch.from_numpy(read_array(folder, table)[kept]).permute(0, 3, 1, 2)
    pictures = torch.cat([F.interpolate(part.float(), side, mode="area") for part in array.split(256)])
    labels = tuple(table["labels"])
    captioned = Captioned(
        pictures=pictures.round().to(torch.uint8),
        label=torch.tensor([labels.index(row["label"]) if row["label"] else len(labels) for row in rows]),
        weight=torch.tensor([float(row.get("weight", 1)) for row in rows]),
        labels=labels,
    )
    if encoder is None:
        return captioned
    texts = [*sorted({caption for row in rows for caption in row["captions"]}), ""]
    place = {text: k for k, text in enumerate(texts)}
    most = max(len(row["captions"]) for row in rows)
    caption = [[place[row["captions"][v % len(row["captions"])]] for v in range(most)] for row in rows]
    tokens, mask = encode_texts(texts, encoder, folder)
    return replace(captioned, captions=Captions(torch.tensor(caption), tokens, mask))


def _read_cache(path: Path) -> dict[str, Any]:
    """Read the token states that encode_texts() cached; empty where the file is missing or damaged."""
    try:
        kept: dict[str, Any] = torch.load(path, weights_only=True)
        whole = len(kept["texts"]) == len(kept["tokens"]) == len(kept["mask"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, pickle.UnpicklingError):
        whole = False
    return kept if whole else {"texts": []}


def encode_texts(texts: list[str], encoder: TextEncoder, folder: Path) -> tuple[Tensor, Tensor]:
    """Return token states of all texts in half precision and their mask; computed ones are cached in `folder`."""
    path = folder / f"tokens-{encoder.length}.pt"
    kept = _read_cache(path)
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
