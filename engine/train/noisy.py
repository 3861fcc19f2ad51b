"""Train a small classifier that reads σ, and its twin on clean pictures: from a data set's labels to a folder.

The draws of step k come from a generator seeded by (seed, k), as in engine.train.loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from engine.evaluate.dataset_pictures import RealPictures
from engine.models.noisy import CLEAN, NOISY, WIDTHS, NoisyClassifier, NoisyNet
from engine.pictures.data_set import read_table
from engine.train.export import describe, save_half

SIDE = 32
LEVELS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)  # noise levels at which both are measured


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisySettings:
    """The settings of one training: `steps` of `batch` pictures for the clean twin, then twice as many with noise.

    ln σ is normal around `level` with deviation `spread`; a tenth of the pictures are clean. `shift` is the largest
    move of a picture, as a share of its side.
    """

    steps: int = 700
    batch: int = 128
    rate: float = 2e-3
    decay: float = 0.02
    level: float = 0.0
    spread: float = 1.7
    shift: float = 0.1
    seed: int = 0
    precision: str = "float32"

    def of(self, noisy: bool) -> int:
        """Return the steps of one of the twins."""
        return 2 * self.steps if noisy else self.steps

    def schedule(self, step: int, noisy: bool) -> float:
        """Return the learning rate over its peak: up over a twentieth of the steps, down over the second half."""
        steps = self.of(noisy)
        return min(1.0, (step + 1) / max(1, steps // 20), 2 * (1 - step / steps))


def train(
    pictures: Tensor,
    labels: Tensor,
    settings: NoisySettings,
    noisy: bool,
    widths: tuple[int, ...] = WIDTHS,
    begin: Mapping[str, Tensor] | None = None,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> NoisyNet:
    """Train a net on pictures (N, C, side, side) in [−1, 1] and labels (N,); `noisy`: with σ, else on clean pictures.

    It starts from the weights `begin` as far as they fit: the net with σ starts from its clean twin's.
    """
    torch.manual_seed(settings.seed)
    net = NoisyNet(pictures.shape[-1], pictures.shape[1], widths, int(labels.max()) + 1, noisy)
    if begin is not None:
        net.load_state_dict(dict(begin), strict=False)
    net = net.to(memory_format=torch.channels_last).train()
    average = {name: value.detach().clone() for name, value in net.state_dict().items()}
    optimizer = torch.optim.AdamW(net.parameters(), lr=settings.rate, weight_decay=settings.decay, betas=(0.9, 0.98))
    running = 0.0
    for step in range(settings.of(noisy)):
        generator = torch.Generator().manual_seed((settings.seed << 32) + step)
        i = torch.randint(len(pictures), (settings.batch,), generator=generator)
        x, sigma = shift_and_scale(pictures[i], settings.shift, generator), None
        if noisy:
            sigma = torch.exp(settings.level + settings.spread * torch.randn(len(x), generator=generator))
            sigma = sigma * (torch.rand(len(x), generator=generator) > 0.1)
            x = x + sigma.view(-1, 1, 1, 1) * torch.randn(x.shape, generator=generator)
        for group in optimizer.param_groups:
            group["lr"] = settings.rate * settings.schedule(step, noisy)
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bfloat16"):
            logits = net(x.contiguous(memory_format=torch.channels_last), sigma)
        loss = F.cross_entropy(logits.float(), labels[i])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            amount = max(0.01, 1 / (step / 10 + 1))
            newest = net.state_dict()
            torch._foreach_lerp_(list(average.values()), [newest[name] for name in average], amount)
        running += (loss.item() - running) * max(0.02, 1 / (step + 1))
        progress(step + 1, running)
    net.load_state_dict(average)
    return net.eval().requires_grad_(False)


def shift_and_scale(pictures: Tensor, shift: float, generator: torch.Generator) -> Tensor:
    """Move each picture by up to `shift` of its side and scale it a little, with its border repeated. Never
    mirrored.
    """
    size = len(pictures)
    zoom = torch.exp(0.12 * (2 * torch.rand(size, generator=generator) - 1))
    way = 2 * shift * (2 * torch.rand(size, 2, generator=generator) - 1)
    none = torch.zeros(size)
    affine = torch.stack([torch.stack([zoom, none, way[:, 0]], 1), torch.stack([none, zoom, way[:, 1]], 1)], 1)
    grid = F.affine_grid(affine, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


@torch.no_grad()
def accuracy(classifier: NoisyClassifier, pictures: Tensor, labels: Tensor, sigma: float, seed: int = 0) -> float:
    """Return the share of noisy pictures x0 + σ·ε whose label is ranked first."""
    generator = torch.Generator().manual_seed(seed)
    right = 0
    for x, y in zip(pictures.split(256), labels.split(256), strict=True):
        noise = torch.randn(x.shape, generator=generator)
        right += int((classifier.logp(x + sigma * noise, sigma).argmax(1) == y).sum())
    return right / len(pictures)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisyJob:
    """The options of `train-classifier`: what to train on, where to write, and how."""

    data: Path
    out: Path
    settings: NoisySettings
    id: str = ""
    title: str = ""
    begin: Path | None = None

    def run(self, say: Callable[[str], None]) -> dict[str, Any]:
        """Train both twins, measure them on held-out pictures, write the folder; return the figures."""
        table = read_table(self.data)
        real = RealPictures.of(self.data, SIDE)
        names = tuple(table["labels"])
        if len(names) < 2:
            raise ValueError(f"{self.data} has fewer than two labels: put its pictures into one folder for each label.")
        index = torch.tensor([names.index(label) if label in names else -1 for label in real.labels])
        trained, unseen = ((real.held_out == held) & (index >= 0) for held in (False, True))
        nets: dict[bool, NoisyNet] = {}
        begin = None if self.begin is None else load_file(self.begin / CLEAN)
        for noisy, title in ((False, "clean twin"), (True, "with σ")):

            def progress(step: int, loss: float, title: str = title, steps: int = self.settings.of(noisy)) -> None:
                if step % 100 == 0 or step == steps:
                    say(f"{title}: {step}/{steps} steps, loss {loss:.3f}")

            net = train(real.pictures[trained], index[trained], self.settings, noisy, WIDTHS, begin, progress)
            nets[noisy] = net.half().float().to(memory_format=torch.contiguous_format)
            begin = nets[noisy].state_dict()
        among = unseen if unseen.any() else trained
        figures: dict[str, Any] = {"n": int(among.sum()), "held out": bool(unseen.any()), "sigma": [0.0, *LEVELS]}
        for noisy, key in ((True, "told"), (False, "clean twin")):
            classifier = NoisyClassifier("", "", "", names, noisy, nets[noisy])
            figures[key] = [
                accuracy(classifier, real.pictures[among], index[among], sigma) for sigma in figures["sigma"]
            ]
        self.write(nets, table, names, figures)
        say(f"{self.out} holds a classifier and its twin")
        return figures

    def write(self, nets: dict[bool, NoisyNet], table: Any, names: tuple[str, ...], figures: dict[str, Any]) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        for noisy, file in ((True, NOISY), (False, CLEAN)):
            save_half(nets[noisy].state_dict(), self.out / file)
        kind = table.get("label_kind", "class")
        about = {
            "id": self.id or f"{table['id']}-{kind}",
            "title": self.title or f"{table['title']}: {kind}",
            "model": table["id"],
            "noisy": True,
            "labels": names,
            "net": {"side": SIDE, "channels": nets[True].channels, "widths": WIDTHS},
            "training": asdict(self.settings),
            "accuracy": figures,
        }
        describe(self.out, about, (NOISY, CLEAN))


def lines(figures: dict[str, Any]) -> list[str]:
    """Return the accuracy by σ of both twins, as a table in Markdown."""
    where = "held out" if figures["held out"] else "trained on"
    rows = [f"| σ (N = {figures['n']}, {where}) | with σ | clean twin |", "|---|---|---|"]
    columns = zip(figures["sigma"], figures["told"], figures["clean twin"], strict=True)
    return [*rows, *(f"| {sigma:g} | {noisy:.1%} | {clean:.1%} |" for sigma, noisy, clean in columns)]
