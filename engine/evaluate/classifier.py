"""The judge's net: a small convolutional classifier of real pictures, independent of every model.

A residual net (He et al. 2016) at 32×32, trained by engine.train.judge on real pictures alone. FID, KID, precision and
recall use its pooled features.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """Two 3×3 convolutions beside a skip connection; the first can halve the sides and add channels."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.a = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm_a = nn.BatchNorm2d(outputs)
        self.b = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm_b = nn.BatchNorm2d(outputs)
        self.skip = nn.Conv2d(inputs, outputs, 1, bias=False) if (inputs, stride) != (outputs, 1) else None
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm_b(self.b(F.relu(self.norm_a(self.a(x)))))
        if self.skip is not None:
            x = self.skip(F.avg_pool2d(x, self.stride) if self.stride > 1 else x)
        return F.relu(x + y)


class Classifier(nn.Module):
    """Pictures → logits of the names.

    side, channels -- of the pictures
    widths         -- channels of the stages, at side/2, side/4 …; the last stage gives the features
    names          -- number of names
    """

    def __init__(self, side: int, channels: int, widths: Sequence[int], names: int) -> None:
        super().__init__()
        self.side, self.channels = side, channels
        self.stem = nn.Conv2d(channels, widths[0], 4, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(widths[0])
        inputs = (widths[0], *widths[:-1])
        self.stages = nn.Sequential(
            *(Residual(a, b, 1 if k == 0 else 2) for k, (a, b) in enumerate(zip(inputs, widths, strict=True)))
        )
        self.name = nn.Linear(widths[-1], names)

    def features(self, pictures: Tensor) -> Tensor:
        """Compute the features of pictures (B, C, side, side) in [−1, 1]: (B, widths[−1]), each ≥ 0."""
        x = F.relu(self.norm(self.stem(pictures)))
        return self.stages(x).mean((2, 3))

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute the logits, (B, names)."""
        return self.name(self.features(pictures))
