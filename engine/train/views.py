"""Augmented views of a picture for guidance: cut out, turned a little, tinted, with grain. Never mirrored."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def cut(pictures: Tensor, generator: torch.Generator, low: float = 0.5, high: float = 1.15) -> Tensor:
    """Cut a part out of each picture (B, C, side, side) in [−1, 1] and enlarge it to the whole side.

    A quarter stay whole; of the others the part is `low` … `high` of the side (more than 1: seen from further away,
    with the border repeated) and lies anywhere inside. Half are tinted, a third get grain.
    """
    size, channels = len(pictures), pictures.shape[1]

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(size, *shape, generator=generator)

    def some(part: float) -> Tensor:
        return (torch.rand(size, generator=generator) < part).float()

    whole = some(0.25)
    part = uniform(low, high) * (1 - whole) + whole
    angle = uniform(-0.15, 0.15) * (1 - whole)
    room = (1 - part).abs().clamp(min=0.06) * (1 - whole)
    shift = uniform(-1, 1, 2) * room[:, None]
    cos, sin = part * angle.cos(), part * angle.sin()
    affine = torch.stack([torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1)
    grid = F.affine_grid(affine, list(pictures.shape), align_corners=False)
    x = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    tinted = some(0.5).view(-1, 1, 1, 1)
    gain = uniform(-0.2, 0.2, 1, 1, 1) + uniform(-0.1, 0.1, channels, 1, 1)
    x = 1 + (x - 1) * (1 + tinted * gain) + tinted * uniform(-0.1, 0.1, 1, 1, 1)
    grain = some(0.35).view(-1, 1, 1, 1) * uniform(0, 0.15, 1, 1, 1)
    return x + grain * torch.randn(x.shape, generator=generator)
