"""Convert pictures between [−1, 1] and 8 bits; PixelCodec, the codec of models that denoise pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import Cancelled
from engine.layout import canonical, from_array
from engine.models import alpha

LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue in grey (ITU-R BT.601)


@dataclass(frozen=True, slots=True)
class PixelCodec:
    """The codec of pixel models: states are pictures in [−1, 1]; `channels` is 1 (grey), 3 (colour) or 4 (colour,
    alpha).

    With alpha, states have the form of engine.models.alpha, and decode() gives the picture on white.
    """

    channels: int = 3

    factor: ClassVar[int] = 1
    linear: ClassVar[None] = None
    identity: ClassVar[bool] = True

    @property
    def transparent(self) -> bool:
        """Whether states have an alpha channel."""
        return self.channels == alpha.CHANNELS

    def encode(self, image: Tensor) -> Tensor:
        """Convert a picture to a state: colour becomes grey for grey states, and opaque for states with alpha; alpha is
        kept.
        """
        if self.channels == 1 and image.shape[1] == 3:
            return (image * image.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
        if self.transparent:
            opaque = torch.ones_like(image[:, :1])
            return torch.cat([image, opaque], 1) if image.shape[1] == 3 else alpha.premultiply(image)
        return image

    def decode(self, x0: Tensor, cancelled: Callable[[], bool] = lambda: False) -> Tensor:
        if cancelled():
            raise Cancelled
        return x0[:, :3] if self.transparent else x0

    def cutout(self, x0: Tensor) -> Tensor:
        """Return straight colour and alpha, (B, 4, h, w) in [−1, 1], of a transparent codec."""
        return alpha.to_straight(x0)

    def preview(self, x0: Tensor) -> Tensor:
        """Return pictures (B, 3, h, w) in [−1, 1]."""
        return self.decode(x0).clamp(-1, 1).expand(-1, 3, -1, -1)

    def latent_shape(self, width: int, height: int) -> tuple[int, ...]:
        return (self.channels, height, width)


def from_uint8(rgb: NDArray[np.uint8], device: torch.device | str = "cpu") -> Tensor:
    """Convert a picture uint8 (H, W, 3) to (1, 3, H, W) float32 in [−1, 1]."""
    return canonical(from_array(rgb, device).permute(2, 0, 1)[None].float() / 127.5 - 1)


def to_uint8(pictures: Tensor) -> NDArray[np.uint8]:
    """Convert pictures (B, C, H, W), clipped to [−1, 1], to uint8 (B, H, W, C); grey ones get three channels."""
    image = pictures.clamp(-1, 1)
    image = image.expand(-1, 3, -1, -1) if image.shape[1] == 1 else image
    return ((image + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
