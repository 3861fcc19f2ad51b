"""Contact sheets: pictures that the net draws during its training."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from engine.denoisers import adapt
from engine.models import alpha
from engine.models.net import PatchTransformer
from engine.models.upscaler import Upscaler
from engine.noise import Noise
from engine.paths import descending
from engine.rules import DEFAULT, RULES
from engine.run import run
from engine.schedules import Flow, grid
from engine.train.cascade import Enlarging
from engine.train.data import Drop
from engine.transforms import cfg
from engine.types import Cond


def draw(net: PatchTransformer, cond: Cond, null: Cond, seeds: Sequence[int], guidance: float = 3.0) -> Tensor:
    """Draw one picture per condition and seed, (B, C, side, side) in [−1, 1], in 20 steps of the default sampler."""
    denoiser = cfg(guidance, cond, null)(adapt(net, Flow(), "x0"))
    sigmas = grid("karras", 20, sigma_max=80, sigma_min=0.02)
    noise = Noise(seeds)
    x = noise.normal(torch.empty(len(seeds), net.channels, net.side, net.side)) * Flow().start_std(float(sigmas[0]))
    for step in run(denoiser, descending(sigmas), RULES[DEFAULT], x, noise):
        x = step.move.x
    return x.clamp(-1, 1)


def tile(pictures: Tensor, columns: int, zoom: int = 2) -> Image.Image:
    """Join the pictures (B, C, h, w) in [−1, 1] to one, row by row; those with alpha lie on a checkerboard."""
    if pictures.shape[1] == alpha.CHANNELS:
        pictures = alpha.over(pictures, alpha.checkerboard(*pictures.shape[2:])).clamp(-1, 1)
    pictures = pictures.repeat_interleave(zoom, 2).repeat_interleave(zoom, 3)
    size, channels, height, width = pictures.shape
    rows = pictures.reshape(size // columns, columns, channels, height, width).permute(0, 3, 1, 4, 2)
    array = ((rows.reshape(-1, columns * width, channels) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(array.squeeze(-1).numpy())


class Sheet:
    """Draws the same conditions with the same seeds, `columns` in each row, from the given weights."""

    def __init__(self, net: PatchTransformer, cond: Cond, null: Cond, columns: int, seeds: Sequence[int]) -> None:
        self.net, self.cond, self.null, self.columns, self.seeds = net, cond, null, columns, seeds

    def __call__(self, weights: dict[str, Tensor], path: Path) -> None:
        self.net.load_state_dict(weights)
        tile(draw(self.net, self.cond, self.null, self.seeds), self.columns).save(path)


class EnlargedSheet:
    """Row by row: small pictures (their pixels repeated), the net's enlargements, the real ones."""

    def __init__(self, net: Upscaler, data: Enlarging, columns: int = 8) -> None:
        self.net, self.columns = copy.deepcopy(net), columns
        self.real, cond = data.batch(columns, Drop(0, 0, 0), torch.Generator().manual_seed(0))
        small = F.interpolate(self.real, scale_factor=1 / data.factor, mode="area")
        level = torch.full((columns,), 0.1)
        self.cond = replace(cond, image=small + 0.1 * Noise(range(columns)).normal(small, draw=1), level=level)
        self.seen = F.interpolate(small, scale_factor=data.factor, mode="nearest")

    def __call__(self, weights: dict[str, Tensor], path: Path) -> None:
        self.net.load_state_dict(weights)
        d = adapt(self.net, Flow(), "x0")
        sigmas = grid("log", 5, sigma_max=20, sigma_min=0.02)
        noise = Noise(range(self.columns))
        x = noise.normal(torch.empty_like(self.real)) * Flow().start_std(float(sigmas[0]))
        for step in run(lambda x, s, c=None: d(x, s, self.cond), descending(sigmas), RULES["dpmpp-2m"], x, noise):
            x = step.move.x
        tile(torch.cat([self.seen, x.clamp(-1, 1), self.real]), self.columns, zoom=1).save(path)
