"""The two towers of an embedded CLIP: a small picture transformer of open_clip's, and a projection of frozen text
states.

Radford et al., "Learning transferable visual models from natural language supervision" (2021). The picture tower may
also read the noise level of its picture: Nichol et al., "GLIDE" (2022), section 2.4, "noised CLIP".
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

FREQUENCIES = 32


class Level(nn.Module):
    """The embedding of σ > 0, (B,), as a vector (B, width) that is added to every token. Zero until trained."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(2 * FREQUENCIES, width), nn.Linear(width, width)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)
        self.f: Tensor
        self.register_buffer("f", torch.linspace(0.25, 8, FREQUENCIES), persistent=False)

    def forward(self, sigma: Tensor) -> Tensor:
        angle = sigma.clamp(1e-3, 1e3).log()[:, None] * self.f
        return self.outer(nn.functional.silu(self.inner(torch.cat([angle.sin(), angle.cos()], 1))))


def scale_input(x: Tensor, sigma: Tensor) -> Tensor:
    """Scale x = x0 + σ·ε for a tower that reads σ: c_in·x, c_in = 1/√(1 + σ²), of unit size at every level.

    x (B, C, h, w); sigma (B,).
    """
    return x * torch.rsqrt(1 + sigma**2).view(-1, 1, 1, 1)


def features(visual: Any, x: Tensor, shift: Tensor | None = None) -> Tensor:
    """Return the features (B, d) of x by an open_clip tower `visual`; `shift` (B, width) is first added to its
    tokens.
    """
    if shift is None:
        whole: Tensor = visual(x)
        return whole
    pooled, _ = visual._pool(visual.transformer(visual._embeds(x) + shift[:, None]))
    projected: Tensor = pooled if visual.proj is None else pooled @ visual.proj
    return projected


class Towers(nn.Module):
    """The trained part of an embedded CLIP; its parameters have the same names as in an open_clip model.

    visual     -- an open_clip VisionTransformer for pictures of side visual.image_size in [−1, 1]
    text_width -- of the pooled states of the frozen text encoder
    noisy      -- whether the picture tower reads σ
    """

    def __init__(self, visual: nn.Module, text_width: int, noisy: bool) -> None:
        super().__init__()
        self.visual = visual
        projection = visual.get_parameter("proj")
        width, outputs = projection.shape
        self.text = nn.ModuleDict({"proj": nn.Linear(text_width, outputs, bias=False)})
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.level = Level(width) if noisy else None

    def forward(self, x: Tensor, sigma: Tensor | None = None) -> Tensor:
        """x (B, 3, side, side), scaled by scale_input() if σ (B,) is given → features (B, d), not normalised."""
        return features(self.visual, x, None if self.level is None or sigma is None else self.level(sigma))
