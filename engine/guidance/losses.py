"""Losses of CLIP guidance: distance to the aims, total variation, values out of range. Smaller is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from engine.guidance.cutouts import views
from engine.meter import checkpoint_if

if TYPE_CHECKING:
    from torch import Tensor

    from engine.guidance.library import Clip
    from engine.types import Sigma

_NEAR, _FAR = 1e-12, 1 - 1e-7  # where the slope of the arc or of its square root would be infinite


def spherical(u: Tensor, v: Tensor) -> Tensor:
    """Compute 2·arcsin²(‖u − v‖/2), half the squared angle of unit vectors (…, d) → (…): 0 … π²/2 (Crowson 2021)."""
    half = ((u - v).square().sum(-1) / 4).clamp(_NEAR, _FAR).sqrt()
    return 2 * half.arcsin().square()


def total_variation(pictures: Tensor) -> Tensor:
    """Compute the mean squared difference of neighbouring pixels of pictures (B, C, H, W), across and down → (B,)."""
    across, down = pictures.diff(dim=-1).square(), pictures.diff(dim=-2).square()
    return across.flatten(1).sum(1) / max(1, across[0].numel()) + down.flatten(1).sum(1) / max(1, down[0].numel())


def out_of_range(pictures: Tensor) -> Tensor:
    """Compute the mean squared distance of the values of pictures (B, …) to [−1, 1] → (B,)."""
    return (pictures - pictures.clamp(-1, 1)).flatten(1).square().mean(1)


@dataclass(frozen=True)
class Aims:
    """The encoded aims of a CLIP guide.

    vectors -- unit vectors (1, A, d), or (B, A, d) where each image of the batch has its own
    weights -- (A,), signed; their absolute values sum to 1
    """

    vectors: Tensor
    weights: Tensor

    def distance(self, seen: Tensor) -> Tensor:
        """Compute Σ w·spherical for the views of each image, unit vectors (B, n, d) → (B, n)."""
        return spherical(seen[:, :, None], self.vectors[:, None]) @ self.weights

    def score(self, seen: Tensor) -> Tensor:
        """Compute Σ w·cosine for the views of each image, unit vectors (B, n, d) → (B, n), in [−1, 1]."""
        return (seen @ self.vectors.mT) @ self.weights

    def split(self, size: int, batch: int) -> list[Aims]:
        """Split the aims as a batch is split into parts of `size` images."""
        return [Aims(vectors, self.weights) for vectors in self.vectors.expand(batch, -1, -1).split(size)]


@dataclass(frozen=True)
class PictureLoss:
    """The loss of states x0 (B, …) → (B,): the mean distance of their views to the aims, plus the regularisers.

    picture    -- states → pictures (B, C, H, W) in [−1, 1]: a codec's decode
    parts      -- (B, n, 3), from engine.guidance.cutouts.boxes
    smooth     -- weight of total_variation()
    keep_range -- weight of out_of_range()
    at_once    -- images in one call of the CLIP
    save       -- whether the gradient computes the CLIP again instead of keeping its activations in memory
    """

    clip: Clip
    aims: Aims
    picture: Callable[[Tensor], Tensor]
    parts: Tensor
    smooth: float = 0.0
    keep_range: float = 0.0
    at_once: int = 16
    save: bool = False

    def __call__(self, x0: Tensor) -> Tensor:
        pictures = self.picture(x0)
        n, size = len(pictures), self.at_once
        cut = zip(pictures.split(size), self.parts.split(size), self.aims.split(size, n), strict=True)
        loss = torch.cat([checkpoint_if(self._distance, self.save)(*part) for part in cut])
        if self.smooth:
            loss = loss + self.smooth * total_variation(pictures)
        if self.keep_range:
            loss = loss + self.keep_range * out_of_range(pictures)
        return loss

    def _distance(self, pictures: Tensor, parts: Tensor, aims: Aims) -> Tensor:
        seen = self.clip.image(views(pictures, parts, self.clip.side))
        return aims.distance(seen.reshape(len(pictures), -1, seen.shape[1])).mean(1)


@dataclass(frozen=True)
class NoisyLoss:
    """The loss of noisy states x = x0 + σ·ε (B, C, h, w) → (B,): their distance to the aims, by a noise-aware CLIP."""

    clip: Clip
    aims: Aims

    def __call__(self, x: Tensor, sigma: Sigma) -> Tensor:
        return self.aims.distance(self.clip.image(x, sigma)[:, None])[:, 0]
