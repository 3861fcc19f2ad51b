"""A denoiser's estimates of real pictures under noise: the blurred x̂₀ that guidance uses.

A CLIP trained on sharp pictures alone is easily misled by them, and guidance acts on x̂₀ (docs/guidance.md). So the
clean one is also trained on such estimates, of the branch without text.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engine.types import Cond, Model, Said

AT_ONCE = 64


@torch.no_grad()
def estimates(
    model: Model,
    pictures: Tensor,
    label: Tensor,
    many: int,
    seed: int = 0,
    precision: str = "float32",
    progress: Callable[[int], None] = lambda done: None,
) -> Tensor:
    """Return D(x0 + σ·ε, σ) of the null condition, (N, many, C, side, side) uint8; ln σ even from ln .15 to ln 20.

    pictures -- (N, C, side, side) uint8 of the model's own size
    label    -- (N,) int64: a third of each picture's estimates are conditioned on its label
    progress -- called with the number of finished pictures
    """
    generator = torch.Generator().manual_seed(seed)
    null = model.condition(Said())
    assert null.label is not None
    low, high = (torch.tensor(end).log() for end in (0.15, 20.0))
    parts = []
    for at in range(0, len(pictures), AT_ONCE):
        x0 = pictures[at : at + AT_ONCE].float() / 127.5 - 1
        drawn = []
        for _ in range(many):
            sigma = torch.exp(low + (high - low) * torch.rand(len(x0), generator=generator))
            labelled = torch.rand(len(x0), generator=generator) < 1 / 3
            whole = null.expand(len(x0))
            of = torch.where(labelled, label[at : at + AT_ONCE], null.label.expand(len(x0)))
            cond = Cond(tokens=whole.tokens, mask=whole.mask, label=of)
            x = x0 + sigma.view(-1, 1, 1, 1) * torch.randn(x0.shape, generator=generator)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                d = model.denoiser(x, sigma, cond)
            drawn.append(((d.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8))
        parts.append(torch.stack(drawn, 1))
        progress(at + len(x0))
    return torch.cat(parts)
