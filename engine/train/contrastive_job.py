"""From a data set to a CLIP in a folder: the command `train-clip`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from engine.models import load as load_model
from engine.models.clip import TEXT, assemble
from engine.models.text import TextEncoder
from engine.models.towers import Towers
from engine.pictures.data_set import read_array, read_table
from engine.spec.catalog import find, resource_root
from engine.train.contrastive import Aligned, ContrastiveConfig, ContrastiveRun
from engine.train.estimates import estimates
from engine.train.export import WEIGHTS, describe, save_half
from engine.train.job import faster_precision, warm_start
from engine.train.loop import Report, train

SIDE, OUTPUTS, HEAD = 32, 192, 32
GREY = {"mean": [0.5] * 3, "std": [0.5] * 3}  # towers of ours take values in [−1, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastiveJob:
    """The options of `train-clip`: what to train on, for how long, and where to write."""

    data: Path
    out: Path
    minutes: float | None
    steps: int | None = None
    batch: int = 192
    rate: float = 2e-3
    seed: int = 0
    noisy: bool = False
    denoiser: str | None = None
    estimated: int = 8
    blurred: float = 0.5
    repeats: str = "apart"
    robust: float = 0.0
    level: float = 0.5
    width: int = 128
    depth: int = 6
    warm_start: Path | None = None
    compiled: bool = False
    precision: str = "auto"
    id: str = ""
    title: str = ""
    export: Path | None = None

    def run(self, say: Callable[[str], None]) -> None:
        """Train to the end; `say` is called with the progress about once a minute."""
        if not (self.data / "rows.json").is_file():
            raise ValueError(f"{self.data} is no data set: build one with `data build` first.")
        if self.width % HEAD:
            raise ValueError(f"The width of the tower must be a multiple of {HEAD}.")
        precision = faster_precision() if self.precision == "auto" else self.precision
        torch.manual_seed(self.seed)
        shape = model_config(self.width, self.depth)
        whole = assemble(shape)
        towers = Towers(whole.visual, whole.text.proj.in_features, self.noisy)
        if self.warm_start is not None:
            say(f"{warm_start(towers, load_file(self.warm_start))} arrays from {self.warm_start}")
        data = self.read_pairs(precision, say)
        config = ContrastiveConfig(
            minutes=self.minutes,
            steps=self.steps,
            batch=self.batch,
            lr=self.rate,
            seed=self.seed,
            level=self.level,
            precision=precision,
            blurred=self.blurred,
            repeats=self.repeats,
            robust=self.robust,
        )
        say(f"{len(data.pictures)} pictures, {data.estimates.shape[1]} estimates of each; products in {precision}")
        run = ContrastiveRun(towers, data, config, torch.compile(towers) if self.compiled else towers)
        said = -60.0

        def progress(report: Report) -> None:
            nonlocal said
            if report.seconds - said >= 60 or report.progress >= 1:
                said = report.seconds
                say(f"{report.step} steps, loss {report.loss:.4f}, {report.eta / 60:.0f} min to go")

        train(run, self.out, None, progress)
        if self.export is not None:
            table = read_table(self.data)
            name = self.id or f"{table['id']}-clip"
            title = self.title or f"{table['title']} CLIP"
            about: dict[str, Any] = {"id": name, "title": title, "noisy": self.noisy}
            if self.noisy:
                about["least_sigma"] = round(math.exp(config.level - 2 * config.spread), 3)
            export_clip(run.average, shape, about, self.export)
            say(f"{self.export} is a CLIP that the studio opens")

    def read_pairs(self, precision: str, say: Callable[[str], None]) -> Aligned:
        """Read the data set except what is held out, encode its captions, and make its estimates (kept in `out`)."""
        table = read_table(self.data)
        kept = [k for k, row in enumerate(table["rows"]) if not row.get("held_out")]
        rows = [table["rows"][k] for k in kept]
        pictures = shrink_pictures(read_array(self.data, table), kept)
        names = {name: k for k, name in enumerate(dict.fromkeys(row["name"] for row in rows))}
        if len(names) < 2:
            raise ValueError(f"{self.data} has one concept only: a CLIP needs at least two.")
        called = [row["captions"] or [row["name"]] for row in rows]
        texts = {text: k for k, text in enumerate(sorted({text for captions in called for text in captions}))}
        most = max(map(len, called))
        encoder = TextEncoder(resource_root() / "text" / TEXT["encoder"], TEXT["length"])
        self.out.mkdir(parents=True, exist_ok=True)
        if self.denoiser is None or self.noisy:
            drawn = torch.empty(len(pictures), 0, *pictures.shape[1:], dtype=torch.uint8)
        else:
            drawn = self.estimates(pictures, [row["label"] for row in rows], precision, say)
        return Aligned(
            pictures=pictures,
            name=torch.tensor([names[row["name"]] for row in rows]),
            weight=torch.tensor([float(row.get("weight", 1)) for row in rows]),
            caption=torch.tensor([[texts[captions[v % len(captions)]] for v in range(most)] for captions in called]),
            states=pool_texts(list(texts), encoder, self.data),
            estimates=drawn,
        )

    def estimates(self, pictures: Tensor, labels: Sequence[str], precision: str, say: Callable[[str], None]) -> Tensor:
        path = self.out / "estimates.npy"
        if path.exists() and len(kept := np.load(path)) == len(pictures):
            return torch.from_numpy(kept)
        assert self.denoiser is not None
        info = find(self.denoiser)
        if (info.width, info.height) != (SIDE, SIDE):
            raise ValueError(f"The model “{info.title}” cannot make estimates: it draws no pictures of {SIDE} pixels.")
        say(f"estimates of {len(pictures)} pictures by {info.title}")
        of = torch.tensor([info.labels.index(label) if label in info.labels else len(info.labels) for label in labels])
        model = load_model(info, torch.device("cpu"))
        drawn = estimates(model, pictures, of, self.estimated, self.seed, precision)
        np.save(path, drawn.numpy())
        return drawn


def model_config(width: int, depth: int) -> dict[str, Any]:
    """An open_clip configuration: a small picture transformer beside the frozen text encoder."""
    return {
        "embed_dim": OUTPUTS,
        "vision_cfg": {
            "image_size": SIDE,
            "patch_size": 4,
            "width": width,
            "layers": depth,
            "head_width": HEAD,
            "mlp_ratio": 4.0,
            "pool_type": "avg",
            "final_ln_after_pool": True,
        },
        "text_cfg": {
            "hf_model_name": TEXT["encoder"],
            "hf_tokenizer_name": TEXT["encoder"],
            "hf_proj_type": "linear",
            "hf_pooler_type": "mean_pooler",
            "context_length": TEXT["length"],
        },
        "custom_text": True,
    }


def shrink_pictures(array: np.ndarray, rows: Sequence[int]) -> Tensor:
    """Return those rows of (N, h, w, C) uint8 as colour (on white), averaged down to SIDE: (n, 3, SIDE, SIDE) uint8."""
    parts = []
    for at in range(0, len(rows), 256):
        part = torch.from_numpy(np.array(array[rows[at : at + 256]])).permute(0, 3, 1, 2).float()
        parts.append(F.interpolate(part, SIDE, mode="area").round().to(torch.uint8)[:, :3].expand(-1, 3, -1, -1))
    return torch.cat(parts)


def pool_texts(texts: Sequence[str], encoder: TextEncoder, folder: Path) -> Tensor:
    """Return the mean state of each text's tokens, (K, width) float16, as open_clip's mean pooler computes it.

    Computed states are cached in `folder`.
    """
    path = folder / f"pooled-{encoder.length}.pt"
    kept: dict[str, Any] = {"texts": [], "states": torch.empty(0, encoder.width, dtype=torch.float16)}
    if path.exists():
        kept = torch.load(path, weights_only=True)
    known = set(kept["texts"])
    if new := sorted({text for text in texts if text not in known}, key=len):  # alike in length: little padding
        parts = [states(new[at : at + 256], encoder) for at in range(0, len(new), 256)]
        kept = {"texts": [*kept["texts"], *new], "states": torch.cat([kept["states"], *parts])}
        torch.save(kept, path)
    place = {text: k for k, text in enumerate(kept["texts"])}
    chosen: Tensor = kept["states"][[place[text] for text in texts]]
    return chosen


@torch.no_grad()
def states(texts: Sequence[str], encoder: TextEncoder) -> Tensor:
    """Return the mean state of each of a few texts, (K, width) float16."""
    encoded = encoder.tokenizer.encode_batch(list(texts))
    mask = torch.tensor([e.attention_mask for e in encoded])
    longest = int(mask.sum(1).max())
    ids, counts = torch.tensor([e.ids for e in encoded])[:, :longest], mask[:, :longest, None]
    tokens = encoder.net(ids, mask[:, :longest].bool())
    return ((tokens * counts).sum(1) / counts.sum(1)).half()


def export_clip(weights: dict[str, Tensor], shape: dict[str, Any], about: dict[str, Any], folder: Path) -> None:
    """Write model.safetensors, in half precision and without the text encoder, and config.json with its hash."""
    folder.mkdir(parents=True, exist_ok=True)
    save_half(weights, folder / WEIGHTS)
    describe(folder, {**about, "model_cfg": shape, "preprocess_cfg": GREY}, (WEIGHTS,))
