"""The codec of models that denoise pixels themselves: states are pictures."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.models import alpha

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue in what is seen as grey (ITU-R BT.601)


@dataclass(frozen=True, slots=True)
class PixelCodec:
    """Pictures in [−1, 1] are states as they are; `channels` is 1 for grey, 3 for colour, 4 for colour with alpha.

    With alpha, states are laid out as engine.models.alpha says, and the picture of a state is what it is on white.
    """

    channels: int = 3

    @property
    def transparent(self) -> bool:
        """Whether states say how much of each pixel can be seen through."""
        return self.channels == alpha.CHANNELS

    def encode(self, image: Tensor) -> Tensor:
        """Colour becomes grey where the states are, and opaque where they have alpha; straight alpha is kept."""
        if self.channels == 1 and image.shape[1] == 3:
            return (image * image.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
        if self.transparent:
            opaque = torch.ones_like(image[:, :1])
            return torch.cat([image, opaque], 1) if image.shape[1] == 3 else alpha.premultiplied(image)
        return image

    def decode(self, x0: Tensor) -> Tensor:
        return x0[:, :3] if self.transparent else x0

    def cutout(self, x0: Tensor) -> Tensor:
        """(B, 4, h, w) in [−1, 1]: straight colour and alpha, of a codec that is transparent."""
        return alpha.straight(x0)

    def preview(self, x0: Tensor) -> Tensor:
        """(B, 3, h, w) in [−1, 1]."""
        return self.decode(x0).clamp(-1, 1).expand(-1, 3, -1, -1)

    def latent_shape(self, width: int, height: int) -> tuple[int, ...]:
        return (self.channels, height, width)
