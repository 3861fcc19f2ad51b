"""A model of grey classes without text, known exactly: each class is a Gaussian around its own pattern."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from engine import schedules
from engine.models.pixel import PixelCodec
from engine.spec.catalog import ModelInfo
from engine.types import Cond, Said, Schedule, Sigma

SPREAD = 0.2  # of each class around its pattern


@dataclass(frozen=True)
class GreyModel:
    """Implements engine.types.Model; index len(labels) is any class: the mean of all patterns, wider."""

    id: str
    sha256: str
    labels: tuple[str, ...]
    patterns: Tensor  # (classes + 1, 1, H, W)
    schedule: Schedule
    device: torch.device
    compute_dtype: torch.dtype = torch.float32
    micro_batch: int = 16
    bytes: int = 0
    second: None = None
    codec: PixelCodec = field(default_factory=lambda: PixelCodec(1))

    def condition(self, said: Said) -> Cond:
        label = said.label
        assert said.text == "", "no text reaches a model without any"
        return Cond(label=torch.tensor([len(self.labels) if label is None else self.labels.index(label)]))

    @property
    def denoiser(self) -> GreyModel:
        return self

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        assert cond is not None
        assert cond.label is not None
        assert isinstance(sigma, float)
        mean = self.patterns[cond.label]
        return mean + SPREAD**2 / (SPREAD**2 + sigma**2) * (x - mean)


def load(info: ModelInfo, device: torch.device, dtype: torch.dtype = torch.float32) -> GreyModel:
    ramp = torch.linspace(-1, 1, info.width).expand(1, info.height, info.width)
    waves = [(torch.pi * (k + 1) * ramp).sin() for k in range(len(info.labels))]
    patterns = torch.stack([*waves, sum(waves, torch.zeros_like(ramp)) / len(waves)])
    schedule = schedules.from_config(info.config["schedule"])
    return GreyModel(info.id, info.sha256, info.labels, patterns, schedule, device)
