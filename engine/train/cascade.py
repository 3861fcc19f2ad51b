"""Training batches for the second stage of a cascade: pictures, each with a small noisy version of itself."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.train.data import Captioned, Drop
from engine.types import Cond

LEVELS = (0.02, 1.0)  # of the noise in the small picture, drawn evenly in log σ


@dataclass(frozen=True)
class Enlarging:
    """Batches for engine.models.upscaler: `pictures` at the large size, `factor` times as large as the small ones."""

    pictures: Captioned
    factor: int

    def __len__(self) -> int:
        return len(self.pictures)

    def batch(self, size: int, drop: Drop, generator: torch.Generator) -> tuple[Tensor, Cond]:
        """Draw random pictures (size, C, side, side) in [−1, 1]; the condition is z_s = small + s·n, its level s, the
        label.

        Ho et al. (2022), section 4.2: s is drawn per picture and part of the condition.
        """
        x0, cond = self.pictures.batch(size, drop, generator)
        low, high = (math.log(level) for level in LEVELS)
        level = torch.exp(low + (high - low) * torch.rand(size, generator=generator))
        small = F.interpolate(x0, scale_factor=1 / self.factor, mode="area")
        noise = torch.randn(small.shape, generator=generator)
        return x0, replace(cond, image=small + level.view(-1, 1, 1, 1) * noise, level=level)
