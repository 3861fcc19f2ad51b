"""Views of a picture for a CLIP to score: the whole of it, and square parts of it, the same at every step of a run."""

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
    """`count` square parts for each image of the batch: (B, count, 3) float64, side and centre (x, y).

    The side is a share of the picture's shorter side, uniform in `size`; the centre is uniform where the part lies
    inside, as a share of what is left on either side, in [0, 1]. Addressed by the image's seed and the number of the
    part: an image has the same in every batch and at every step (fixed seeds: Crowson 2021 draws anew at each).
    """
    if count == 0:
        return torch.zeros(len(seeds), 0, 3, dtype=torch.float64)
    noise, (low, high) = Noise(tuple(seeds)).of(TRANSFORM), size
    drawn = np.stack([np.stack([noise.uniform(3 * k + n) for n in range(3)], 1) for k in range(count)], 1)
    drawn[..., 0] = low + (high - low) * drawn[..., 0]
    return torch.from_numpy(drawn)


def views(pictures: Tensor, parts: Tensor, side: int) -> Tensor:
    """What a CLIP sees of pictures (B, C, H, W): the whole and the parts (B, n, 3), (B·(1 + n), C, side, side).

    The views of an image lie one after the other. Bilinear, of a picture that is averaged down first where a part of it
    has more than twice the pixels that are asked for; linear in the pictures, and so is the gradient.
    """
    whole = resized(pictures, side)[:, None]
    if parts.shape[1] == 0:
        return whole.flatten(0, 1)
    return torch.cat([whole, _cut(pictures, parts, side)], 1).flatten(0, 1)


def resized(pictures: Tensor, side: int) -> Tensor:
    """Pictures (B, C, H, W) at (side, side), smoothed where that makes them smaller."""
    if pictures.shape[-2:] == (side, side):
        return pictures
    smaller = min(pictures.shape[-2:]) > side
    return F.interpolate(pictures, (side, side), mode="bilinear", align_corners=False, antialias=smaller)


def _cut(pictures: Tensor, parts: Tensor, side: int) -> Tensor:
    """(B, n, C, side, side)."""
    batch, n, _ = parts.shape
    shorter = min(pictures.shape[-2:])
    factor = int(float(parts[..., 0].min()) * shorter / side)
    if factor > 1:
        pictures = F.avg_pool2d(pictures, factor)
    height, width = pictures.shape[-2:]
    share = parts.to(pictures.device)
    length = share[..., 0] * min(height, width)  # of a part's side, in pixels
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
