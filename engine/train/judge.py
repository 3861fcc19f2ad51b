"""Train a judge: a classifier of real pictures, with augmentations that keep the concept.

It uses real pictures only, never samples, and shares no weights and no run with any model or CLIP guide. Every draw of
step k comes from a generator seeded by (seed, k), as in engine.train.loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.evaluate.classifier import Classifier
from engine.evaluate.dataset_pictures import RealPictures

WIDTHS = (64, 128, 256)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """The settings of one training: `steps` of `batch` pictures; `precision` of convolutions, "float32" or
    "bfloat16".
    """

    steps: int = 1200
    batch: int = 128
    rate: float = 3e-3
    decay: float = 0.05
    smoothing: float = 0.1
    seed: int = 0
    precision: str = "float32"

    def schedule(self, step: int) -> float:
        """Return the learning rate over its peak: up over a twentieth of the steps, then down along a cosine to
        zero.
        """
        warm = max(1, self.steps // 20)
        return (step + 1) / warm if step < warm else (1 + math.cos(math.pi * (step - warm) / (self.steps - warm))) / 2


def train(
    real: RealPictures,
    rows: Tensor,
    settings: JudgeSettings,
    widths: tuple[int, ...] = WIDTHS,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> Classifier:
    """Train a classifier of real.distinct on the given rows.

    `progress` is called with the number of finished steps and the running loss.
    """
    names = real.distinct
    pictures = real.pictures[rows]
    name = torch.tensor([names.index(real.names[k]) for k in rows.tolist()])
    torch.manual_seed(settings.seed)
    side, channels = pictures.shape[-1], pictures.shape[1]
    net = Classifier(side, channels, widths, len(names)).to(memory_format=torch.channels_last).train()
    plain = [p for p in net.parameters() if p.ndim < 2]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in net.parameters() if p.ndim >= 2]},
        {"params": plain, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings.rate, weight_decay=settings.decay)
    running = 0.0
    for step in range(settings.steps):
        generator = torch.Generator().manual_seed((settings.seed << 32) + step)
        i = torch.randint(len(pictures), (settings.batch,), generator=generator)
        x = augment(pictures[i], generator).contiguous(memory_format=torch.channels_last)
        for group in optimizer.param_groups:
            group["lr"] = settings.rate * settings.schedule(step)
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bfloat16"):
            logits = net(x)
        loss = F.cross_entropy(logits.float(), name[i], label_smoothing=settings.smoothing)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        running += (loss.item() - running) * max(0.02, 1 / (step + 1))
        progress(step + 1, running)
    return net.eval().requires_grad_(False)


def augment(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Augment pictures (B, C, H, W) in [−1, 1]: move, scale, turn, blur, tint and add grain, each a little.

    Never mirrored: a mirrored arrow is another arrow. A quarter keep their geometry, half their colours, half their
    sharpness, half get no grain.
    """
    size, channels = len(pictures), pictures.shape[1]

    def uniform(low: float, high: float, *shape: int, of: float = 1.0) -> Tensor:
        """(B, *shape) in [low, high]; 0 but for a part `of` the pictures."""
        value = low + (high - low) * torch.rand(size, *shape, generator=generator)
        on = torch.rand(size, generator=generator) < of
        return value * on.view(-1, *[1] * len(shape))

    angle, zoom = uniform(-0.22, 0.22, of=0.75), torch.exp(uniform(-0.2, 0.2, of=0.75))
    shift = uniform(-0.16, 0.16, 2, of=0.75)
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    affine = torch.stack([torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1)
    grid = F.affine_grid(affine, list(pictures.shape), align_corners=False)
    x = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)

    column = (size, 1, 1, 1)
    tap = torch.tensor([1.0, 2.0, 1.0]) / 4
    kernel = (tap[:, None] * tap).expand(channels, 1, 3, 3)
    blurred = F.conv2d(F.pad(x, (1, 1, 1, 1), "replicate"), kernel, groups=channels)
    x = x + uniform(0.0, 1.0, of=0.5).view(column) * (blurred - x)

    grey = x.mean(1, keepdim=True)
    x = x + uniform(-0.3, 0.3, of=0.5).view(column) * (x - grey)
    x = 1 + (x - 1) * (1 + uniform(-0.2, 0.2, of=0.5).view(column)) * (1 + uniform(-0.1, 0.1, channels, 1, 1, of=0.5))
    x = x + uniform(-0.1, 0.1, of=0.5).view(column)
    grain = torch.randn(x.shape, generator=generator)
    return (x + uniform(0.0, 0.12, of=0.5).view(column) * grain).clamp(-1, 1)
