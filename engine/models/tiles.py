"""Decode a latent in tiles that overlap, for pictures whose decoder does not fit into the memory."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor

from engine.errors import Cancelled

TILE = 64  # latents of a tile's side
OVERLAP = 16  # latents that two neighbours share, at least


def decode_in_tiles(
    decode: Callable[[Tensor], Tensor],
    latent: Tensor,
    factor: int,
    cancelled: Callable[[], bool] = lambda: False,
    tile: int = TILE,
    overlap: int = OVERLAP,
) -> Tensor:
    """Decode a latent (B, C, h, w) by `decode` to a picture (B, 3, factor·h, factor·w), tile by tile.

    All tiles have the same size, and neighbours share `overlap` latents at least. There a picture is their mean, whose
    weights rise linearly from a tile's edge: so no edge shows. A decoder that sees less than half of the overlap far
    gives the picture that it gives of the whole latent; the attention and the normalisation of the Stable Diffusion
    decoder see all of a tile, so its pictures differ a little.

    Raises Cancelled between two tiles.
    """
    height, width = latent.shape[-2:]
    total, weights = latent.new_empty(0), latent.new_empty(0)
    for top, left in product(starts(height, tile, overlap), starts(width, tile, overlap)):
        if cancelled():
            raise Cancelled
        part = decode(latent[..., top : top + tile, left : left + tile])
        if total.ndim == 1:  # the first: it says how many channels and which dtype
            total = part.new_zeros((*part.shape[:2], height * factor, width * factor))
            weights = part.new_zeros(total.shape[-2:])
        rise = [ramp(side, overlap * factor).to(part) for side in part.shape[-2:]]
        weight = rise[0][:, None] * rise[1]
        rows = slice(top * factor, top * factor + part.shape[-2])
        columns = slice(left * factor, left * factor + part.shape[-1])
        total[..., rows, columns] += part * weight
        weights[rows, columns] += weight
    return total.div_(weights)


def starts(length: int, tile: int = TILE, overlap: int = OVERLAP) -> list[int]:
    """Return where the tiles of a side begin: as few as cover it, evenly spread."""
    if length <= tile:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))
    return [round(k * (length - tile) / (count - 1)) for k in range(count)]


def ramp(side: int, overlap: int) -> Tensor:
    """Return the weights of a tile along one side, (side,): they rise from 0 to 1 over `overlap` pixels at each end."""
    inward = torch.arange(side, dtype=torch.float64) + 0.5
    return torch.minimum(inward, inward.flip(0)).div(overlap).clamp_max(1)
