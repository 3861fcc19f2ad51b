"""Pictures as numbers in [−1, 1] and as 8-bit ones, and the codec of models that denoise pixels themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.layout import canonical, from_array

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue in what is seen as grey (ITU-R BT.601)


@dataclass(frozen=True, slots=True)
class PixelCodec:
    """Pictures in [−1, 1] are states as they are; `channels` is 3 for colour, 1 for grey."""

    channels: int = 3

    def encode(self, image: Tensor) -> Tensor:
        """A picture of red, green and blue becomes grey where the states are."""
        if self.channels == 1 and image.shape[1] == 3:
            return (image * image.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
        return image

    def decode(self, x0: Tensor) -> Tensor:
        return x0

    def preview(self, x0: Tensor) -> Tensor:
        """(B, 3, h, w) in [−1, 1]."""
        return x0.clamp(-1, 1).expand(-1, 3, -1, -1)

    def latent_shape(self, width: int, height: int) -> tuple[int, ...]:
        return (self.channels, height, width)


def from_uint8(rgb: NDArray[np.uint8], device: torch.device | str = "cpu") -> Tensor:
    """A picture uint8 (H, W, 3) → (1, 3, H, W) float32 in [−1, 1]."""
    return canonical(from_array(rgb, device).permute(2, 0, 1)[None].float() / 127.5 - 1)


def to_uint8(pictures: Tensor) -> NDArray[np.uint8]:
    """Pictures (B, 3 or 1, H, W), clipped to [−1, 1] → uint8 (B, H, W, 3)."""
    image = pictures.clamp(-1, 1).expand(-1, 3, -1, -1)
    return ((image + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
