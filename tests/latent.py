"""A latent model in closed form: independent normal latents, and a linear codec from blocks of pixels to four numbers.

A latent cell is a block of 8×8 pixels: its mean red, green and blue, and a slope of light from left to right. `kind`
"latent" decodes it exactly; "lossy-latent" adds a fixed pattern, as a real decoder never gives a picture back exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from engine import models
from engine.errors import Cancelled
from engine.schedules import Flow
from engine.spec.catalog import ModelInfo
from engine.spec.sizes import SizeRule
from engine.types import Cond, Linear, Said, Schedule, Sigma

CELL = 8  # pixels a side of a latent cell
SPREAD = 0.3  # of every latent number
LINEAR = Linear(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0)))
PATTERN = 3 / 127.5  # of a lossy decoder: three levels
SIZES = SizeRule(((64, 64), (96, 64), (64, 96)), multiple=CELL, least=32, most=256, free=True)


def _columns() -> Tensor:
    """The picture of each latent number in a block, (4, 3, 8, 8); orthogonal."""
    blocks = torch.zeros(4, 3, CELL, CELL)
    for k in range(3):
        blocks[k, k] = 1
    blocks[3] = 0.2 * torch.linspace(-1, 1, CELL)
    return blocks


@dataclass(frozen=True)
class BlockCodec:
    """An engine.types.Codec; `decoded` lists how many pictures each call of decode() has done."""

    lossy: bool = False
    factor: int = CELL
    identity: bool = False
    linear: Linear = LINEAR
    decoded: list[int] = field(default_factory=list)

    def encode(self, image: Tensor) -> Tensor:
        blocks = pixel_unshuffle(image, CELL).unflatten(1, (3, CELL, CELL))
        columns = _columns().to(image)
        return torch.einsum("bcijhw,kcij->bkhw", blocks, columns / columns.square().sum((1, 2, 3), keepdim=True))

    def decode(self, x0: Tensor, cancelled: Callable[[], bool] = lambda: False) -> Tensor:
        made = []
        for one in x0.split(1):
            if cancelled():
                raise Cancelled
            blocks = torch.einsum("bkhw,kcij->bcijhw", one, _columns().to(one))
            picture = pixel_shuffle(blocks.flatten(1, 3), CELL)
            made.append(picture + PATTERN * self.pattern(picture) if self.lossy else picture)
        self.decoded.append(len(made))
        return torch.cat(made)

    @staticmethod
    def pattern(picture: Tensor) -> Tensor:
        """Stripes of ±1 over the columns."""
        return 1 - 2 * (torch.arange(picture.shape[-1], device=picture.device) % 2).to(picture)

    def preview(self, x0: Tensor) -> Tensor:
        return x0[:, :3].clamp(-1, 1)

    def latent_shape(self, width: int, height: int) -> tuple[int, ...]:
        return 4, height // CELL, width // CELL


@dataclass(frozen=True)
class LatentModel:
    """An engine.types.Model: latents of N(mean, SPREAD²) where the mean is the text's length and the size say."""

    id: str
    sha256: str
    codec: BlockCodec
    device: torch.device
    compute_dtype: torch.dtype = torch.float32
    micro_batch: int = 2
    bytes: int = 0
    labels: tuple[str, ...] = ()
    second: None = None
    schedule: Schedule = field(default_factory=Flow)
    batches: list[int] = field(default_factory=list)  # of each call

    def condition(self, said: Said) -> Cond:
        width, height = said.size or SIZES.native[0]
        colour = [((len(said.text) * k) % 7) / 14 for k in (1, 2, 3)]
        numbers = torch.tensor([[float(width), float(height)]])
        return Cond(tokens=torch.tensor([[[*colour, 0.1]]]), numbers=numbers)

    @property
    def denoiser(self) -> LatentModel:
        return self

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        assert cond is not None
        assert cond.tokens is not None
        assert cond.numbers is not None
        if not x.requires_grad:  # memory for gradients is estimated on smaller states
            assert (x.shape[-1] * CELL, x.shape[-2] * CELL) == tuple(cond.numbers[0].int().tolist()), "the size is said"
        self.batches.append(len(x))
        level = sigma if isinstance(sigma, float | int) else sigma.to(x).reshape(-1, 1, 1, 1)
        mean = cond.tokens.to(x)[:, 0, :, None, None]
        return mean + SPREAD**2 / (SPREAD**2 + level**2) * (x - mean)


def load(info: ModelInfo, device: torch.device, dtype: torch.dtype = torch.float32) -> LatentModel:
    return LatentModel(info.id, info.sha256, BlockCodec(info.config["lossy"]), device, dtype, info.micro_batch)


def latent_info(folder: Path, lossy: bool = False) -> ModelInfo:
    """Describe the model; latent_models() lets the engine load it."""
    return ModelInfo(
        id="lossy" if lossy else "latent",
        title="Lossy" if lossy else "Latent",
        folder=folder,
        sha256=("b" if lossy else "a") * 64,
        labels=(),
        label_kind="class",
        sizes=SIZES,
        takes=frozenset({"text", "negative", "size"}),
        defaults={
            "sampler": "dpmpp-2m", "spacing": "log", "steps": 4, "guidance": 2.0, "sigma_min": 0.02, "sigma_max": 80.0,
        },
        examples=("red apple",),
        config={
            "kind": "closed-form-latent", "lossy": lossy, "schedule": {"type": "flow"},
            "codec": {"type": "block", "factor": CELL},
        },
        micro_batch=2,
    )  # fmt: skip


def latent_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the engine load models of this kind."""
    monkeypatch.setitem(models.LOADERS, "closed-form-latent", "tests.latent")
