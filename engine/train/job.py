"""One training run from a built data set to a model folder: the command `train`."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from engine import rules, schedules
from engine.models.net import PatchTransformer
from engine.models.text import TextEncoder
from engine.models.upscaler import Upscaler
from engine.models.widening import widen_weights
from engine.pictures.data_set import read_table
from engine.spec.catalog import resource_root
from engine.train.cascade import Enlarging
from engine.train.data import Captioned, Drop, load
from engine.train.export import add_stage, export
from engine.train.loop import Batches, Config, DenoiserTraining, Net, Report, train
from engine.train.sheets import EnlargedSheet, Sheet
from engine.types import Cond

NET: dict[str, Any] = {"side": 32, "patch": 4, "head": 48, "detail": 16}
TEXT: dict[str, Any] = {"encoder": "minilm", "length": 16}
STAGE: dict[str, Any] = {
    "schedule": {"type": "flow"},
    "predicts": "x0",
    "defaults": {
        "sampler": "dpmpp-2m",
        "spacing": "log",
        "steps": 5,
        "sigma_min": 0.02,
        "sigma_max": 20.0,
        "level": 0.1,
    },
}
DEFAULTS = {  # the most exact in few steps on the mixture; `bench samplers --model` measures the best for a model
    "sampler": rules.DEFAULT,
    "spacing": schedules.DEFAULT,
    "steps": 12,
    "guidance": 3.0,
    "sigma_min": 0.02,
    "sigma_max": 80.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """The options of `train`: what to train on, for how long, and where to write."""

    data: Path
    out: Path
    minutes: float | None
    steps: int | None = None
    batch: int = 48
    rate: float = 2e-3
    fall: float = 0.45
    level: float = 0.8
    floor: float = 0.1
    seed: int = 0
    warm_start: Path | None = None
    compiled: bool = False
    precision: str = "auto"
    width: int = 288
    depth: int = 8
    factor: int = 1
    export: Path | None = None

    def run(self, say: Callable[[str], None]) -> None:
        """Train to the end; `say` is called with the progress about once a minute."""
        if not (self.data / "rows.json").is_file():
            raise ValueError(f"{self.data} is no data set: build one with `data build` first.")
        torch.manual_seed(self.seed)
        (self.cascade if self.factor > 1 else self.base)(say)

    def base(self, say: Callable[[str], None]) -> None:
        """Train a net that is conditioned on a text, a class or both."""
        table = read_table(self.data)
        reads = any(row["captions"] for row in table["rows"])
        encode = TextEncoder(resource_root() / "text" / TEXT["encoder"], TEXT["length"]) if reads else None
        data = load(self.data, NET["side"], encode)
        shape = NET | {
            "channels": data.pictures.shape[1],
            "width": self.width,
            "depth": self.depth,
            "text_length": encode.length if encode else 0,
            "text_width": encode.width if encode else 0,
            "labels": len(data.labels),
        }
        net = PatchTransformer(**shape)
        drop = Drop() if reads else Drop(both=0.15, text_alone=0, label_alone=0)
        average = self.train(net, data, drop, contact_sheet(net, data, encode, table["examples"]), say)
        if self.export is not None:
            words = {word.strip(",") for row in table["rows"] for text in row["captions"] for word in text.split()}
            names = {row["name"] for row in table["rows"]}
            export(average, self.description(table, shape), words | names if reads else (), self.export)
            say(f"{self.export} is a model that the studio opens")

    def cascade(self, say: Callable[[str], None]) -> None:
        """Train a second stage that enlarges the first one's pictures `factor` times."""
        data = load(self.data, NET["side"] * self.factor, None)
        shape = {
            "side": NET["side"] * self.factor,
            "factor": self.factor,
            "channels": data.pictures.shape[1],
            "width": self.width,
            "depth": self.depth,
            "labels": len(data.labels),
        }
        net = Upscaler(**shape)
        pairs = Enlarging(data, self.factor)
        drop = Drop(both=0.1, text_alone=0, label_alone=0)
        average = self.train(net, pairs, drop, EnlargedSheet(net, pairs), say)
        if self.export is not None:
            add_stage(average, {"net": {"type": "upscaler", **shape}, **STAGE}, self.export)
            say(f"{self.export} has a second stage")

    def train(
        self, net: Net, data: Batches, drop: Drop, sheet: Callable[..., None], say: Callable[[str], None]
    ) -> dict[str, Tensor]:
        """Train and return the weights: their moving average."""
        if self.warm_start is not None:
            weights = widen_weights(load_file(self.warm_start), net.by_channel(), net.channels)
            say(f"{warm_start(net, weights)} arrays from {self.warm_start}")
        config = Config(
            minutes=self.minutes,
            steps=self.steps,
            batch=self.batch,
            lr=self.rate,
            fall=self.fall,
            level=self.level,
            floor=self.floor,
            precision=faster_precision() if self.precision == "auto" else self.precision,
            seed=self.seed,
            drop=drop,
        )
        say(f"matrix products in {config.precision}")
        run = DenoiserTraining(net, data, config, torch.compile(net.predict) if self.compiled else net.predict)
        said = -60.0

        def progress(report: Report) -> None:
            nonlocal said
            if report.seconds - said >= 60 or report.progress >= 1:
                said = report.seconds
                say(f"{report.samples} samples, loss {report.loss:.4f}, {report.eta / 60:.0f} min to go")

        train(run, self.out, sheet, progress)
        return run.average

    def description(self, table: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
        """Return the config.json of the model, without the hashes."""
        return {
            "id": table["id"],
            "title": table["title"],
            "kind": "embedded",
            "size": [NET["side"], NET["side"]],
            "net": {"type": "patch-transformer", **shape},
            "schedule": {"type": "flow"},
            "predicts": "x0",
            "codec": {"type": "pixel"},
            "conditioning": {
                "text": TEXT if shape["text_length"] else None,
                "labels": table["labels"],
                "label_kind": table["label_kind"],
            },
            "defaults": DEFAULTS,
            "examples": table["examples"],
        }


def warm_start(net: torch.nn.Module, weights: dict[str, Tensor]) -> int:
    """Copy other weights where names fit, and return how many; an array that is shorter along a side fills its part."""
    state, taken = net.state_dict(), 0
    for name, value in weights.items():
        own = state.get(name)
        part = tuple(slice(length) for length in value.shape)
        if own is not None and own.ndim == value.ndim and own[part].shape == value.shape:
            own[part].copy_(value)
            taken += 1
    return taken


def faster_precision() -> str:
    """Return "bfloat16" where this processor multiplies matrices at least 1.5 times as fast in it, else "float32"."""

    def seconds(dtype: torch.dtype) -> float:
        a, b = torch.ones(4096, 288, dtype=dtype), torch.ones(1536, 288, dtype=dtype)
        spent = []
        for _ in range(8):
            start = time.perf_counter()
            F.linear(a, b)
            spent.append(time.perf_counter() - start)
        return min(spent)

    return "bfloat16" if 1.5 * seconds(torch.bfloat16) < seconds(torch.float32) else "float32"


def contact_sheet(net: PatchTransformer, data: Captioned, encode: TextEncoder | None, prompts: list[str]) -> Sheet:
    """Return a Sheet of the prompts, a row for each of up to four labels; without a text encoder a row of every
    label.
    """
    if encode is None:
        label = torch.arange(len(data.labels)).repeat(4)
        null = Cond(label=torch.tensor([len(data.labels)]))
        return Sheet(copy.deepcopy(net), Cond(label=label), null, columns=len(data.labels), seeds=range(len(label)))
    labels = list(range(min(4, len(data.labels)))) or [0]
    pairs = [encode(prompt) for prompt in prompts] * len(labels)
    label = torch.tensor(labels).repeat_interleave(len(prompts))
    cond = Cond(tokens=torch.cat([p[0] for p in pairs]), mask=torch.cat([p[1] for p in pairs]), label=label)
    tokens, mask = encode("")
    null = Cond(tokens=tokens, mask=mask, label=torch.tensor([len(data.labels)]))
    return Sheet(copy.deepcopy(net), cond, null, columns=len(prompts), seeds=[*range(len(prompts))] * len(labels))
