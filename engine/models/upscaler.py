"""The second stage of a cascade: a convolutional net that generates a large picture from a small one.

Ho et al., "Cascaded diffusion models for high fidelity image generation" (2022): the net sees the small picture with
Gaussian noise at a known level ("Gaussian conditioning augmentation"), so that it tolerates errors of the first stage.
It works on the small picture's grid, where a cell holds a block of the large one's pixels, and is purely local: it
needs no knowledge of the whole picture.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.models.widening import Runs
from engine.types import Cond


def frequencies() -> Tensor:
    """Return the 64 angular frequencies, 1 to 1000, in which a net reads its time (on the meta device, too: real)."""
    return torch.exp(torch.linspace(0, math.log(1000), 64, device="cpu"))


class UpscalerBlock(nn.Module):
    """Two 3×3 convolutions over the cells, modulated by `c`, as a residual."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.b = nn.Parameter(torch.zeros(3, width))
        nn.init.zeros_(self.conv2.weight)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """h (B, width, H, W), c (B, 3, width) the modulation."""
        scale, shift, gate = (c + self.b)[..., None, None].unbind(1)
        y = self.conv1(F.silu(_rms(h) * (1 + scale) + shift))
        return h + (1 + gate) * self.conv2(F.silu(y))


class Upscaler(nn.Module):
    """Predicts a picture from a noisy one, its time, a small version of it with noise in it, and a class.

    side, factor  -- of the large picture in pixels, and how many times smaller the small one is
    width, depth  -- channels, and blocks of two convolutions
    labels        -- how many classes; index `labels` means "none"
    """

    def __init__(
        self, side: int = 128, factor: int = 4, channels: int = 3, width: int = 128, depth: int = 4, labels: int = 6
    ) -> None:
        super().__init__()
        self.side, self.factor, self.channels = side, factor, channels
        pixels = channels * factor**2
        self.inp = nn.Conv2d(pixels + channels, width, 3, padding=1)
        self.times = nn.Sequential(nn.Linear(2 * 128, width), nn.SiLU(), nn.Linear(width, width))
        self.label = nn.Embedding(labels + 1, width)
        modulation = nn.Linear(width, 3 * width)
        self.ada = nn.Sequential(nn.SiLU(), modulation)
        self.blocks = nn.ModuleList(UpscalerBlock(width) for _ in range(depth))
        self.out = nn.Conv2d(width, pixels, 3, padding=1)
        for zero in (modulation.weight, modulation.bias, self.out.weight, self.out.bias):
            assert zero is not None
            nn.init.zeros_(zero)
        self.f: Tensor
        self.register_buffer("f", frequencies(), persistent=False)

    def by_channel(self) -> dict[str, Runs]:
        """The arrays that grow with the channels, and how (engine.models.widening)."""
        pixels = (self.factor**2, True)
        return {"inp.weight": (1, (pixels, (1, True))), "out.weight": (0, (pixels,)), "out.bias": (0, (pixels,))}

    def forward(self, x: Tensor, t: Tensor, cond: Cond | None) -> Tensor:
        """x (B, channels, side, side) in the net's own scale, t (B,) in [0, 1] → the prediction, shaped like x."""
        return self.predict(x, t, *self.arguments(cond, len(x)))

    def arguments(self, cond: Cond | None, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the arguments of predict() for `size` pictures: the small picture, its noise level, the class."""
        if cond is None or cond.image is None or cond.level is None or cond.label is None:
            raise ValueError("This model needs a condition: a small picture, the level of the noise in it and a label.")
        whole = cond.expand(size)
        assert whole.image is not None
        assert whole.level is not None
        assert whole.label is not None
        return whole.image, whole.level, whole.label

    def predict(self, x: Tensor, t: Tensor, image: Tensor, level: Tensor, label: Tensor) -> Tensor:
        """Do forward() on plain tensors: image (B, channels, small, small) is the picture + level·noise, level (B,)."""
        s = level.view(-1, 1, 1, 1)
        angle = torch.cat([t[:, None] * self.f, (level / (1 + level))[:, None] * self.f], 1)
        c = self.times(torch.cat([angle.sin(), angle.cos()], 1)) + embed_label(self.label, label)
        c = self.ada(c).view(len(x), 3, -1)
        h = self.inp(torch.cat([F.pixel_unshuffle(x, self.factor), image / (1 + s**2).sqrt()], 1))
        for block in self.blocks:
            h = block(h, c)
        # Relative to the small picture, whose noise is removed as far as unit data allows.
        rough = F.interpolate(image / (1 + s**2), scale_factor=self.factor, mode="bilinear", align_corners=False)
        return rough + F.pixel_shuffle(self.out(F.silu(_rms(h))), self.factor)


def embed_label(embedding: nn.Embedding, label: Tensor) -> Tensor:
    """Return the embedding of a label (B,), or the mixture by weights of all labels (B, labels + 1); (B, width)."""
    if label.ndim == 1:
        vectors: Tensor = embedding(label)
        return vectors
    return label.to(embedding.weight.dtype) @ embedding.weight


def _rms(h: Tensor) -> Tensor:
    return h * torch.rsqrt(h.square().mean(1, keepdim=True) + 1e-6)
