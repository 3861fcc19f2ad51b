"""Small classifiers p(label | x_t, σ) trained on noise, and for each a twin trained on clean pictures only.

Classifier guidance needs the former (Dhariwal & Nichol, "Diffusion models beat GANs on image synthesis", 2021, section
4); the twin shows why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.models.checksums import check
from engine.models.errors import REMEDY, ModelError
from engine.models.towers import Level, scale_input
from engine.spec import guide_models
from engine.types import Sigma

NOISY, CLEAN = "noisy.safetensors", "clean.safetensors"
WIDTHS = (32, 64, 128)


class Part(nn.Module):
    """Two 3×3 convolutions beside a skip, shifted by the embedding of the level; the first may halve the picture."""

    def __init__(self, inputs: int, outputs: int, stride: int, embedded: int) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(inputs, outputs, 3, stride, 1), nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.norm_a, self.norm_b = nn.GroupNorm(8, inputs), nn.GroupNorm(8, outputs)
        self.told = nn.Linear(embedded, outputs) if embedded else None  # "told" in the weights' files
        self.skip = nn.Conv2d(inputs, outputs, 1) if (inputs, stride) != (outputs, 1) else None
        self.stride = stride
        nn.init.zeros_(self.b.weight)

    def forward(self, x: Tensor, level: Tensor | None) -> Tensor:
        y = self.a(F.silu(self.norm_a(x)))
        if self.told is not None and level is not None:
            y = y + self.told(level)[:, :, None, None]
        y = self.b(F.silu(self.norm_b(y)))
        if self.skip is not None:
            x = self.skip(F.avg_pool2d(x, self.stride) if self.stride > 1 else x)
        return x + y


class NoisyNet(nn.Module):
    """Logits of labels: a small residual net with smooth activations, because its gradient is the guide.

    side, channels -- of the pictures; side is a multiple of 2 ** len(widths)
    widths         -- channels of the stages at side/2, side/4 …, multiples of 8
    labels         -- the number of labels
    noisy          -- whether it reads σ; without, it is the clean twin
    """

    def __init__(self, side: int, channels: int, widths: Sequence[int], labels: int, noisy: bool) -> None:
        super().__init__()
        self.side, self.channels = side, channels
        embedded = widths[-1] if noisy else 0
        self.level = Level(embedded) if noisy else None
        self.stem = nn.Conv2d(channels, widths[0], 4, stride=2, padding=1)
        inputs = (widths[0], *widths[:-1])
        self.parts = nn.ModuleList(
            Part(a, b, 1 if k == 0 else 2, embedded) for k, (a, b) in enumerate(zip(inputs, widths, strict=True))
        )
        self.norm, self.out = nn.GroupNorm(8, widths[-1]), nn.Linear(widths[-1], labels)

    def forward(self, x: Tensor, sigma: Tensor | None = None) -> Tensor:
        """x (B, channels, side, side): x0, or x0 + σ·ε if σ (B,) is given → (B, labels)."""
        level = None
        if self.level is not None:
            sigma = torch.zeros(len(x), dtype=x.dtype, device=x.device) if sigma is None else sigma
            x, level = scale_input(x, sigma), self.level(sigma)
        z = self.stem(x)
        for part in self.parts:
            z = part(z, level)
        logits: Tensor = self.out(F.silu(self.norm(z)).mean((2, 3)))
        return logits


@dataclass(frozen=True, eq=False)
class NoisyClassifier:
    """A frozen classifier; `noisy` says which of the twins it is, `side` and `channels` describe the pictures that it
    reads.
    """

    id: str
    title: str
    sha256: str
    labels: tuple[str, ...]
    noisy: bool
    net: NoisyNet

    @property
    def side(self) -> int:
        return self.net.side

    @property
    def channels(self) -> int:
        return self.net.channels

    def logp(self, x: Tensor, sigma: Sigma) -> Tensor:
        """Return log p(label | x, σ), (B, labels), of x = x0 + σ·ε (B, C, side, side); differentiable in x.

        σ is a float or (B,). The clean twin treats x as a clean picture for every σ. Raises ValueError for other
        shapes.
        """
        first = self.net.out.weight
        if x.ndim != 4 or x.shape[1:] != (self.channels, self.side, self.side):
            size = f"{self.side}×{self.side} pixels and {self.channels} channel{'s' if self.channels > 1 else ''}"
            raise ValueError(f"“{self.title}” reads pictures of {size}, not {tuple(x.shape)}.")
        x = x.to(first.device, first.dtype)
        level = torch.as_tensor(sigma, dtype=x.dtype, device=x.device).reshape(-1).expand(len(x))
        return F.log_softmax(self.net(x, level if self.noisy else None), dim=1)


def load(
    name: str | Path,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    noisy: bool = True,
) -> NoisyClassifier:
    """Load the classifier of that id (“emoji-style”, “fashion-class”) or folder; its clean twin with noisy False.

    Raises ModelError for an unknown id and for damaged files.
    """
    embedded = {info.id: info for info in guide_models.classifiers()}
    info = embedded.get(str(name))
    if info is None:
        try:
            info = guide_models.read(Path(name))
        except ValueError as error:
            choices = " or ".join(embedded) or "the folder of one"
            raise ModelError(f"There is no classifier “{name}”: choose {choices}.") from error
    assert info.folder is not None
    file = NOISY if noisy else CLEAN
    try:
        check(info.folder / file, info.config["sha256"][file])
        net = NoisyNet(**info.config["net"], labels=len(info.labels), noisy=noisy)
        net.load_state_dict({name: value.float() for name, value in load_file(info.folder / file).items()})
    except ModelError:
        raise
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"The classifier in {info.folder} does not fit its config.json: {REMEDY}.") from error
    net = net.to(torch.device(device), dtype).eval().requires_grad_(False)
    return NoisyClassifier(info.id, info.title, info.sha256, info.labels, noisy, net)
