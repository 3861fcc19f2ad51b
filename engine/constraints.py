"""Constraints: pixels that a run keeps, put back after every step with the noise of its level (inpainting)."""

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
    """Per-pixel time: pins a pixel to y + σ·n until its last k steps; there the run changes it freely.

    y      -- the kept picture as a state without its batch, such as (C, h, w)
    to_go  -- k: in how many of the last steps each value is free, whole numbers that broadcast to y's shape. 0 pins it
              in every step, so that it ends as y itself; the number of steps leaves it free from the start
    sigmas -- the noise levels of the run, descending, steps + 1 of them
    steady -- whether n is the same at every level, so that kept pixels follow the probability flow of y, as all pixels
              do under a sampler that draws no noise; otherwise n is drawn anew at each level

    With only 0 and all steps in to_go it is the replacement of Song et al. 2021 (appendix I.2), and on RePaint's path
    RePaint (Lugmayr et al. 2022); with values in between it is "Differential Diffusion" (Levin and Fried 2023). None of
    them samples the posterior given the kept pixels.
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
