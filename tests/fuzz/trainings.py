"""A training of a few numbers, and an encoder that needs no file: they read checkpoints and caches."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from engine.train.loop import Config, Training

LENGTH, WIDTH, PICTURES = 4, 6, 3
TEXTS = ("an apple", "a pear", "")


class SmallNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Linear(4, 4)
        self.out = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.out(self.blocks(x))
        return found


class SmallTraining(Training):
    """Has both optimizers: the matrix in `blocks` is Muon's."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__(SmallNet(), Config(steps=100, precision="float32"))

    def error(self, generator: torch.Generator) -> Tensor:
        return self.net(torch.randn(3, 4, generator=generator)).square().mean()


class SmallEncoder:
    """As engine.models.text.TextEncoder, as far as the caches need it."""

    length, width = LENGTH, WIDTH

    def __init__(self) -> None:
        self.tokenizer: Any = self

    def encode(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        return torch.zeros(len(texts), LENGTH, WIDTH), torch.ones(len(texts), LENGTH, dtype=torch.bool)

    def encode_batch(self, texts: Sequence[str]) -> list[Any]:
        return [SimpleNamespace(ids=[1] * LENGTH, attention_mask=[1] * LENGTH) for _ in texts]

    def net(self, ids: Tensor, mask: Tensor) -> Tensor:
        return torch.zeros(*ids.shape, WIDTH)
