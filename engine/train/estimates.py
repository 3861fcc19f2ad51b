"""What a denoiser takes real pictures for under noise: the blurred x̂₀ that guidance looks at.

A CLIP that has seen sharp pictures alone is easily led astray by them (ENGINE.md: guidance acts on x̂₀). So the clean
one is trained on such estimates too, of the branch without any text.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engine.types import Cond, Model

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
    """D(x0 + σ·ε, σ) of the null condition, (N, many, C, side, side) uint8; ln σ even from ln .15 to ln 20.

    pictures (N, C, side, side) uint8 of the model's own size; label (N,) int64: of each, which a third of its estimates
    are told. `progress` is told how many pictures are done.
    """
    generator = torch.Generator().manual_seed(seed)
    null = model.condition("", None)
    assert null.label is not None
    low, high = (torch.tensor(end).log() for end in (0.15, 20.0))
    parts = []
    for at in range(0, len(pictures), AT_ONCE):
        x0 = pictures[at : at + AT_ONCE].float() / 127.5 - 1
        made = []
        for _ in range(many):
            sigma = torch.exp(low + (high - low) * torch.rand(len(x0), generator=generator))
            told = torch.rand(len(x0), generator=generator) < 1 / 3
            whole = null.expand(len(x0))
            of = torch.where(told, label[at : at + AT_ONCE], null.label.expand(len(x0)))
            cond = Cond(tokens=whole.tokens, mask=whole.mask, label=of)
            x = x0 + sigma.view(-1, 1, 1, 1) * torch.randn(x0.shape, generator=generator)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                d = model.denoiser(x, sigma, cond)
            made.append(((d.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8))
        parts.append(torch.stack(made, 1))
        progress(at + len(x0))
    return torch.cat(parts)
