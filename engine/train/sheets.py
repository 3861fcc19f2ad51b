"""Contact sheets: what the net draws while it learns."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from engine.models.net import PatchTransformer
from engine.types import Cond


@torch.no_grad()
def draw(
    net: PatchTransformer, cond: Cond, null: Cond, steps: int = 20, guidance: float = 3.0, seed: int = 0
) -> Tensor:
    """One picture per condition, (B, C, side, side) in [−1, 1], by DDIM over uniform t with classifier-free guidance.

    A look at a flow net that predicts x0 and is still learning; the studio's samplers are in engine.rules.
    """
    size = len(cond.tokens) if cond.tokens is not None else 0
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(size, net.channels, net.side, net.side, generator=generator)
    both = Cond.cat([cond, null.expand(size)])
    for k in range(steps):
        t, t2 = 1 - k / steps, 1 - (k + 1) / steps
        guided, free = net(torch.cat([x, x]), torch.full((2 * size,), t), both).chunk(2)
        x0 = (free + guidance * (guided - free)).clamp(-1.05, 1.05)
        x = (1 - t2) * x0 + t2 * (x - (1 - t) * x0) / t
    return x.clamp(-1, 1)


def tile(pictures: Tensor, columns: int, zoom: int = 2) -> Image.Image:
    """The pictures (B, C, h, w) in [−1, 1] as one, row by row."""
    pictures = pictures.repeat_interleave(zoom, 2).repeat_interleave(zoom, 3)
    size, channels, height, width = pictures.shape
    rows = pictures.reshape(size // columns, columns, channels, height, width).permute(0, 3, 1, 4, 2)
    array = ((rows.reshape(-1, columns * width, channels) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(array.squeeze(-1).numpy())


class Sheet:
    """Draws the same prompts with the same seeds from whatever weights it is given."""

    def __init__(self, net: PatchTransformer, cond: Cond, null: Cond, columns: int) -> None:
        self.net, self.cond, self.null, self.columns = net, cond, null, columns

    def __call__(self, weights: dict[str, Tensor], path: Path) -> None:
        self.net.load_state_dict(weights)
        tile(draw(self.net, self.cond, self.null), self.columns).save(path)
