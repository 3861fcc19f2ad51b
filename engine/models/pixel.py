"""The codec of models that denoise pixels themselves: states are pictures."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

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
