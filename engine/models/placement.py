"""Whether a picture is decoded whole or in tiles, by the memory that is free."""

from __future__ import annotations

import torch

from engine.models.memory import free_bytes

# Bytes for each pixel and each channel of a decoder's largest layer, in float32. Measured at 256², 384² and 512² with
# the VAE of Stable Diffusion, whose largest layer has 128 channels: 3.8 to 4.2 kB for each pixel.
BYTES_PER_PIXEL = 33
SPARE = 256 * 2**20  # bytes to leave free
TILE = 64  # latents of a tile's side


def decode_bytes(width: int, height: int, channels: int) -> int:
    """Return the bytes that decoding one picture takes; `channels` of the decoder's largest layer."""
    return BYTES_PER_PIXEL * channels * width * height


def decodes_in_tiles(device: torch.device, width: int, height: int, channels: int) -> bool:
    """Whether a picture must be decoded in tiles. False where the free memory is unknown."""
    free = free_bytes(device)
    return free is not None and decode_bytes(width, height, channels) + SPARE > free
