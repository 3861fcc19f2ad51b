"""Cutouts for CLIP guidance: the whole picture and square parts of it, the same at every step of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from engine.noise import TRANSFORM, Noise

if TYPE_CHECKING:
    from torch import Tensor


def boxes(seeds: Sequence[int], count: int, size: tuple[float, float]) -> Tensor:
    """Draw `count` square parts for each image: (B, count, 3) float64, each a side and a place (x, y).

    The side is a share of the picture's shorter side, uniform in `size`. The place is uniform in [0, 1]²: 0 is at the
    left or top edge of the picture, 1 at the right or bottom edge. The draws depend on the image's seed and the number
    of the part alone: an image has the same parts in every batch and at every step (Crowson 2021 draws new ones at each
    step).
    """
    if count == 0:
        return torch.zeros(len(seeds), 0, 3, dtype=torch.float64)
    noise, (low, high) = Noise(tuple(seeds)).of(TRANSFORM), size
    drawn = np.stack([np.stack([noise.uniform(3 * k + n) for n in range(3)], 1) for k in range(count)], 1)
    drawn[..., 0] = low + (high - low) * drawn[..., 0]
    return torch.from_numpy(drawn)


def views(pictures: Tensor, parts: Tensor, side: int) -> Tensor:
    """Resample pictures (B, C, H, W) and their parts (B, n, 3) for a CLIP: (B·(1 + n), C, side, side).

    The views of an image follow each other, the whole picture first. Parts are sampled bilinearly; a picture whose
    smallest part has at least twice `side` pixels is averaged down first. The result is linear in the pictures.
    """
    whole = resize(pictures, side)[:, None]
    if parts.shape[1] == 0:
        return whole.flatten(0, 1)
    return torch.cat([whole, _cut(pictures, parts, side)], 1).flatten(0, 1)


def resize(pictures: Tensor, side: int) -> Tensor:
    """Resize pictures (B, C, H, W) to (side, side), with antialiasing where they become smaller."""
    if pictures.shape[-2:] == (side, side):
        return pictures
    smaller = min(pictures.shape[-2:]) > side
    return F.interpolate(pictures, (side, side), mode="bilinear", align_corners=False, antialias=smaller)


def _cut(pictures: Tensor, parts: Tensor, side: int) -> Tensor:
    """Sample the parts: (B, n, C, side, side)."""
    batch, n, _ = parts.shape
    shorter = min(pictures.shape[-2:])
    factor = int(float(parts[..., 0].min()) * shorter / side)
    if factor > 1:
        pictures = F.avg_pool2d(pictures, factor)
    height, width = pictures.shape[-2:]
    share = parts.to(pictures.device)
    length = share[..., 0] * min(height, width)  # the side of a part, in pixels
    steps = (torch.arange(side, dtype=torch.float64, device=pictures.device) + 0.5) / side
    x = (width - length)[..., None] * share[..., 1, None] + length[..., None] * steps  # (B, n, side), in pixels
    y = (height - length)[..., None] * share[..., 2, None] + length[..., None] * steps
    grid = torch.stack(
        [
            (2 * x / width - 1)[..., None, :].expand(-1, -1, side, -1),
            (2 * y / height - 1)[..., None].expand(-1, -1, -1, side),
        ],
        -1,
    )
    repeated = pictures[:, None].expand(-1, n, -1, -1, -1).flatten(0, 1)
    cut = F.grid_sample(
        repeated, grid.flatten(0, 1).to(pictures.dtype), mode="bilinear", padding_mode="border", align_corners=False
    )
    return cut.reshape(batch, n, *cut.shape[1:])
