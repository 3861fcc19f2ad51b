"""Small CLIPs and classifiers with random weights for guidance tests, in float64, fast."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.guidance.library import Library
from engine.types import Sigma

SHA = hashlib.sha256(b"tiny").hexdigest()


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def seed_of(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


@dataclass
class TinyClip:
    """A nonlinear map of pictures to the unit sphere; each text has a fixed random point on it."""

    side: int = 8
    channels: int = 3
    noisy: bool = False
    dtype: torch.dtype = torch.float64
    title: str = "Tiny CLIP"
    sha256: str = SHA
    width: int = 5

    def __post_init__(self) -> None:
        self.read = 0  # pictures, in all

    def text(self, texts: Sequence[str]) -> Tensor:
        points = torch.stack([random(self.width, seed=seed_of(text), dtype=self.dtype) for text in texts])
        return F.normalize(points, dim=1)

    def image(self, pictures: Tensor, sigma: Sigma | None = None) -> Tensor:
        x = pictures.expand(-1, self.channels, -1, -1).to(self.dtype)
        x = F.interpolate(x, (self.side, self.side), mode="bilinear", antialias=x.shape[-1] > self.side)
        self.read += len(x)
        if self.noisy:
            level = torch.as_tensor(0.0 if sigma is None else sigma, dtype=self.dtype).reshape(-1, 1, 1, 1)
            x = x * torch.rsqrt(1 + level**2) + 0.1 * level.clamp_min(1e-3).log()
        inner = torch.tanh(x.flatten(1) @ random(x[0].numel(), 16, seed=1, dtype=self.dtype) / 4)
        return F.normalize(inner @ random(16, self.width, seed=2, dtype=self.dtype) + 0.1, dim=1)


@dataclass
class TinyClassifier:
    side: int = 16
    labels: tuple[str, ...] = ("round", "square", "long")
    noisy: bool = True
    title: str = "Tiny classifier"
    sha256: str = SHA

    def logp(self, x: Tensor, sigma: Sigma) -> Tensor:
        level = torch.as_tensor(sigma if self.noisy else 0.0, dtype=x.dtype).reshape(-1, 1, 1, 1)
        inner = torch.tanh(
            (x * torch.rsqrt(1 + level**2)).flatten(1) @ random(x[0].numel(), 16, seed=3).to(x.dtype) / 4
        )
        return (inner @ random(16, len(self.labels), seed=4).to(x.dtype)).log_softmax(1)


def library(clip: TinyClip | None = None, classifier: TinyClassifier | None = None) -> Library:
    """Return a Library that gives these models for every name; by default float32 ones."""
    clip = clip or TinyClip(dtype=torch.float32)
    classifier = classifier or TinyClassifier()

    def twin(name: str, device: torch.device, noisy: bool) -> TinyClassifier:
        return replace(classifier, noisy=noisy)

    return Library(torch.device("cpu"), lambda name, device: clip, twin)
