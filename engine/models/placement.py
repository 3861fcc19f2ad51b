"""Whether a picture is decoded whole or in tiles, by the memory that is free."""

from __future__ import annotations

import torch

from engine.models.memory import free_bytes
from engine.spec.memory import decode_bytes

SPARE = 256 * 2**20  # bytes to leave free


def decodes_in_tiles(device: torch.device, width: int, height: int, channels: int) -> bool:
    """Whether a picture must be decoded in tiles. False where the free memory is unknown."""
    free = free_bytes(device)
    return free is not None and decode_bytes(width, height, channels) + SPARE > free
