"""One training run from a built data set to a model folder: what `train` does."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.catalog import resource_root
from engine.models.net import PatchTransformer
from engine.models.text import TextEncoder
from engine.train.data import Captioned, load
from engine.train.export import export
from engine.train.loop import Config, Report, Run, train
from engine.train.sheets import Sheet
from engine.types import Cond

NET: dict[str, Any] = {"side": 32, "patch": 4, "channels": 3, "width": 288, "depth": 8, "head": 48, "detail": 16}
TEXT: dict[str, Any] = {"encoder": "minilm", "length": 16}
DEFAULTS = {
    "sampler": "dpmpp-2m",
    "spacing": "karras",
    "steps": 20,
    "guidance": 3.0,
    "sigma_min": 0.02,
    "sigma_max": 80.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to train on, for how long and where to (the options of `train`)."""

    data: Path
    out: Path
    minutes: float | None
    steps: int | None = None
    batch: int = 48
    rate: float = 2e-3
    seed: int = 0
    warm_start: Path | None = None
    compiled: bool = False
    export: Path | None = None

    def run(self, say: Callable[[str], None]) -> None:
        """Train to the end; `say` is told how it stands about once a minute."""
        if not (self.data / "rows.json").is_file():
            raise ValueError(f"{self.data} is no data set: build one with `data build` first.")
        table = json.loads((self.data / "rows.json").read_text(encoding="utf-8"))
        encode = TextEncoder(resource_root() / "text" / TEXT["encoder"], TEXT["length"])
        data = load(self.data, NET["side"], encode)
        torch.manual_seed(self.seed)
        shape = NET | {"text_length": encode.length, "text_width": encode.width, "labels": len(data.labels)}
        net = PatchTransformer(**shape)
        if self.warm_start is not None:
            say(f"{warm_start(net, load_file(self.warm_start))} arrays taken over from {self.warm_start}")
        config = Config(minutes=self.minutes, steps=self.steps, batch=self.batch, lr=self.rate, seed=self.seed)
        run = Run(net, data, config, torch.compile(net.predict) if self.compiled else net.predict)
        said = -60.0

        def progress(report: Report) -> None:
            nonlocal said
            if report.seconds - said >= 60 or report.progress >= 1:
                said = report.seconds
                say(f"{report.samples} samples, loss {report.loss:.4f}, {report.eta / 60:.0f} min to go")

        train(run, self.out, contact_sheet(net, data, encode, table["examples"]), progress)
        if self.export is not None:
            words = {word.strip(",") for row in table["rows"] for text in row["captions"] for word in text.split()}
            names = {row["name"] for row in table["rows"]}
            export(run.average, self.description(table, shape), words | names, self.export)
            say(f"{self.export} is a model that the studio opens")

    def description(self, table: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
        """The config.json of the model, but for the hashes."""
        return {
            "id": table["id"],
            "title": table["title"],
            "kind": "embedded",
            "size": [NET["side"], NET["side"]],
            "net": {"type": "patch-transformer", **shape},
            "schedule": {"type": "flow"},
            "predicts": "x0",
            "codec": {"type": "pixel"},
            "conditioning": {"text": TEXT, "labels": table["labels"], "label_kind": table["label_kind"]},
            "defaults": DEFAULTS,
            "examples": table["examples"],
            "vocabulary": "words.txt",
        }


def warm_start(net: torch.nn.Module, weights: dict[str, Tensor]) -> int:
    """Begin from other weights where names fit; an array that is shorter along a side fills its part. How many did."""
    state, taken = net.state_dict(), 0
    for name, value in weights.items():
        own = state.get(name)
        part = tuple(slice(length) for length in value.shape)
        if own is not None and own.ndim == value.ndim and own[part].shape == value.shape:
            own[part].copy_(value)
            taken += 1
    return taken


def contact_sheet(net: PatchTransformer, data: Captioned, encode: TextEncoder, prompts: list[str]) -> Sheet:
    """Draws the prompts, a row for each of up to four labels."""
    labels = list(range(min(4, len(data.labels)))) or [0]
    pairs = [encode(prompt) for prompt in prompts] * len(labels)
    label = torch.tensor(labels).repeat_interleave(len(prompts))
    cond = Cond(tokens=torch.cat([p[0] for p in pairs]), mask=torch.cat([p[1] for p in pairs]), label=label)
    tokens, mask = encode("")
    null = Cond(tokens=tokens, mask=mask, label=torch.tensor([len(data.labels)]))
    return Sheet(copy.deepcopy(net), cond, null, columns=len(prompts), rows=len(labels))
