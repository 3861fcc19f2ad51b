"""Export trained weights as a model folder that the studio opens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

WEIGHTS, STAGE, WORDS = "model.safetensors", "upscaler.safetensors", "words.txt"


def export(weights: Mapping[str, Tensor], config: Mapping[str, Any], words: Iterable[str], folder: Path) -> None:
    """Write model.safetensors in half precision, words.txt (one a line, sorted) and config.json with their hashes.

    Without `words`, as for a model of classes alone, there is no words.txt.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_half(weights, folder / WEIGHTS)
    known = sorted(set(words))
    if known:
        (folder / WORDS).write_text("".join(f"{word}\n" for word in known), encoding="utf-8")
    named = {**config, "vocabulary": WORDS} if known else config
    describe(folder, named, (WEIGHTS, WORDS) if known else (WEIGHTS,))


def add_stage(weights: Mapping[str, Tensor], stage: Mapping[str, Any], folder: Path) -> None:
    """Add a second stage, described by `stage`, to the model in `folder`. ValueError where there is no model."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder} is no model folder: export the first stage into it first.") from error
    save_half(weights, folder / STAGE)
    describe(folder, {**config, "cascade": dict(stage)}, {**config["sha256"], STAGE: ""})


def save_half(weights: Mapping[str, Tensor], path: Path) -> None:
    """Write half-precision safetensors. ValueError for a weight that half precision cannot hold."""
    half = {name: value.detach().to(torch.float16).contiguous() for name, value in weights.items()}
    if broken := [name for name, value in half.items() if not value.isfinite().all()]:
        raise ValueError(f"These weights are not finite in half precision: {', '.join(broken)}.")
    save_file(half, path, metadata={"format": "pt"})


def describe(folder: Path, config: Mapping[str, Any], files: Iterable[str]) -> None:
    """Write config.json with the hash of each of the `files`."""
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}
    text = json.dumps({**config, "sha256": hashes}, indent=2, ensure_ascii=False)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")
