"""The training loop: one seeded stream per step, moving averages, a falling learning rate, checkpoints that resume.

Every draw of step k comes from a generator seeded by (seed, k). So a resumed run equals the uninterrupted one, and no
state of a generator is stored.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor, nn

from engine.files import replace_file
from engine.models.net import PatchTransformer
from engine.models.upscaler import Upscaler
from engine.train import curves
from engine.train.data import Drop
from engine.train.muon import Muon
from engine.train.objective import flow_levels, flow_weight, loss
from engine.types import Cond

Net: TypeAlias = PatchTransformer | Upscaler
Predict = Callable[..., Tensor]  # (x_native, t, *net.arguments(cond, size)) → the net's output


class Batches(Protocol):
    """A source of training batches: random pictures (B, C, H, W) in [−1, 1] with their conditions, some of them
    dropped.
    """

    def batch(self, size: int, drop: Drop, generator: torch.Generator) -> tuple[Tensor, Cond]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One training run. Its length is `steps`, or `minutes` of wall clock (checkpoints remember the minutes spent).

    precision -- of matrix products, "float32" or "bfloat16"; weights and averages are float32
    fall      -- the part of the run, at its end, in which the learning rate falls to zero
    level     -- the mean of ln σ, about which noise levels are drawn (objective.flow_levels)
    floor     -- the t below which the weight 1/t² grows no more (objective.flow_weight)
    """

    steps: int | None = None
    minutes: float | None = None
    batch: int = 48
    lr: float = 2e-3
    fall: float = 0.45
    level: float = 0.0
    floor: float = 0.1
    warm: int = 100
    predicts: str = "x0"
    precision: str = "float32"
    seed: int = 0
    drop: Drop = field(default_factory=Drop)
    save_minutes: float = 5.0
    sheet_minutes: float = 10.0

    def rate(self, progress: float, step: int) -> float:
        """Learning rate over its peak: rises over `warm` steps, falls to zero over the last `fall` of the run."""
        return min(1.0, (step + 1) / self.warm, max(0.0, 1 - progress) / self.fall)


@dataclass(frozen=True, slots=True)
class Report:
    """The state of a run after a step."""

    step: int
    samples: int
    loss: float
    seconds: float
    progress: float

    @property
    def eta(self) -> float:
        """The remaining seconds."""
        return self.seconds * (1 / max(self.progress, 1e-9) - 1)

    def line(self) -> dict[str, float]:
        """Return the log entry."""
        line = {"step": self.step, "samples": self.samples, "loss": round(self.loss, 5)}
        return line | {"seconds": round(self.seconds, 1), "eta": round(self.eta)}


class Training:
    """A net in training. The optimizers change `net`; `average` is its moving average and the result."""

    def __init__(self, net: nn.Module, config: Config) -> None:
        self.net, self.config = net, config
        self.average = {name: value.detach().clone() for name, value in net.state_dict().items()}
        matrices = [p for n, p in net.named_parameters() if "blocks." in n and n.endswith("weight") and p.ndim > 1]
        others = [p for p in net.parameters() if all(p is not m for m in matrices)]
        self.optimizers: list[torch.optim.Optimizer] = [
            Muon(matrices, lr=config.lr, half=config.precision == "bfloat16"),
            torch.optim.AdamW(others, lr=config.lr, betas=(0.9, 0.98), weight_decay=0.01),
        ]
        self.step, self.seconds, self.mean = 0, 0.0, 0.0

    @property
    def progress(self) -> float:
        """The finished part of the run, 0 … 1."""
        done = 0.0
        if self.config.steps is not None:
            done = self.step / self.config.steps
        if self.config.minutes is not None:
            done = max(done, self.seconds / (60 * self.config.minutes))
        return min(1.0, done)

    def steps(self) -> Iterator[Report]:
        """Train until the run is finished; yield one report a step."""
        if self.config.steps is None and self.config.minutes is None:
            raise ValueError("A training run needs a length: steps or minutes.")
        while self.progress < 1:
            start = time.monotonic()
            value = self.advance()
            self.step += 1
            self.seconds += time.monotonic() - start
            self.mean += (value - self.mean) * max(0.02, 1 / self.step)
            yield Report(self.step, self.step * self.config.batch, self.mean, self.seconds, self.progress)

    def advance(self) -> float:
        """Do one step; return its loss."""
        config = self.config
        error = self.error(torch.Generator().manual_seed((config.seed << 32) + self.step))
        if not error.isfinite():  # a checkpoint of it could not be gone on with
            raise ValueError(
                f"Step {self.step + 1} failed: the loss is no number. The last checkpoint is whole: "
                "take a lower rate and go on from it."
            )
        rate = config.lr * config.rate(self.progress, self.step)
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        error.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
        self.follow()
        return error.item()

    def error(self, generator: torch.Generator) -> Tensor:
        """Return the loss of the next batch, a scalar to differentiate; all randomness comes from the generator."""
        raise NotImplementedError

    @torch.no_grad()
    def follow(self) -> None:
        """Move the average towards the net, over a tenth of the steps so far (at most 2000)."""
        amount = max(1 / 2000, 1 / (self.step / 10 + 1))
        state = self.net.state_dict()
        torch._foreach_lerp_(list(self.average.values()), [state[name] for name in self.average], amount)

    def save(self, path: Path) -> None:
        """Write everything that a resume needs, atomically."""
        state = {
            "config": {k: v for k, v in asdict(self.config).items() if k not in ("minutes", "steps")},
            "net": self.net.state_dict(),
            "average": self.average,
            "optimizers": [o.state_dict() for o in self.optimizers],
            "step": self.step,
            "seconds": self.seconds,
            "mean": self.mean,
        }
        with replace_file(path) as file:
            torch.save(state, file)

    def resume(self, path: Path) -> None:
        """Continue from a checkpoint of the same net, in the checkpoint's precision."""
        state: dict[str, Any] = torch.load(path, weights_only=True)
        self.config = replace(self.config, precision=state["config"].get("precision", "float32"))
        self.net.load_state_dict(state["net"])
        self.average = state["average"]
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.step, self.seconds, self.mean = state["step"], state["seconds"], state["mean"]


class DenoiserTraining(Training):
    """A denoiser in training; predict is the net itself, compiled or not."""

    net: Net

    def __init__(self, net: Net, data: Batches, config: Config, predict: Predict) -> None:
        super().__init__(net, config)
        self.data, self.predict = data, predict

    def error(self, generator: torch.Generator) -> Tensor:
        config = self.config
        x0, cond = self.data.batch(config.batch, config.drop, generator)
        eps = torch.randn(x0.shape, generator=generator)
        sigma = flow_levels(config.batch, generator, config.level)
        t = sigma / (1 + sigma)
        level = t.view(-1, *[1] * (x0.ndim - 1))
        with torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bfloat16"):
            output = self.predict((1 - level) * x0 + level * eps, t, *self.net.arguments(cond, len(x0)))
        output = output.float()
        return loss(output, config.predicts, x0, eps, sigma, 1 - t, flow_weight(sigma, config.floor)).mean()


def train(
    run: Training,
    folder: Path,
    sheet: Callable[[dict[str, Tensor], Path], None] | None = None,
    progress: Callable[[Report], None] | None = None,
) -> None:
    """Train to the end in `folder`: checkpoint.pt (resumed when it exists), log.jsonl, sheets on the way."""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        run.resume(checkpoint)
    saved = drawn = run.seconds
    written = 0
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        for report in run.steps():
            if progress is not None:
                progress(report)
            last = report.progress >= 1
            if report.step % 20 == 0 or last:
                log.write(json.dumps(report.line() | {"time": time.strftime("%H:%M:%S")}) + "\n")
                log.flush()
                written += 1
            if last or report.seconds - saved > 60 * run.config.save_minutes:
                run.save(checkpoint)
                saved = report.seconds
            if last or report.seconds - drawn > 60 * run.config.sheet_minutes:
                if sheet is not None:
                    sheet(run.average, folder / f"sheet-{report.step:05}.png")
                if written > 1:
                    curves.draw(folder / "log.jsonl", folder / "loss.png", folder.name)
                drawn = report.seconds
