"""What is pinned: the pixels that a run keeps, put back with the noise of the level after every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from engine.noise import START
from engine.precision import wide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from engine.types import NoiseSource


@dataclass(frozen=True, slots=True, eq=False)
class Pinned:
    """Per-pixel time: a pixel with k steps to go is y + σ·n at every level until the k-th from the end, then free.

    y      -- what is kept, as a state: (C, h, w), or any shape that a state without its batch has
    to_go  -- in how many of the last steps each value is remade, whole numbers that broadcast to y's shape; 0 pins it
              always, so that it ends as y itself, and as many as there are steps leaves it free from the start
    sigmas -- the noise levels of the run, descending, steps + 1 of them
    steady -- one and the same n at every level, so that what is kept walks the probability flow of y, as all else does
              under a sampler that draws no noise; otherwise n is drawn anew at each level

    With two values, 0 and all steps, it is the replacement of Song et al. 2021 (appendix I.2), on RePaint's path
    RePaint (Lugmayr et al. 2022); with those in between "Differential Diffusion" (Levin and Fried 2023). None of them
    draws from the posterior given what is kept.
    """

    y: Tensor
    to_go: Tensor
    sigmas: Sequence[float]
    steady: bool = False

    def __call__(self, x: Tensor, sigma: float, noise: NoiseSource) -> Tensor:
        left = sum(s < sigma for s in self.sigmas)  # steps from this level to the end
        held = self.to_go <= (left if sigma < self.sigmas[0] else left - 1)
        n = (noise.at(START) if self.steady else noise).normal(x)
        kept = (wide(self.y) + sigma * wide(n)).to(x.dtype)
        return torch.where(held, kept, x)
