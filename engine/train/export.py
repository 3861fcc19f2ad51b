"""Trained weights → a model folder that the studio opens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor


def export(weights: Mapping[str, Tensor], config: Mapping[str, Any], words: Iterable[str], folder: Path) -> None:
    """Write model.safetensors in half precision, words.txt (one a line, sorted) and config.json with their hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    half = {name: value.detach().to(torch.float16).contiguous() for name, value in weights.items()}
    if broken := [name for name, value in half.items() if not value.isfinite().all()]:
        raise ValueError(f"These weights are not finite in half precision: {', '.join(broken)}.")
    save_file(half, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "words.txt").write_text("".join(f"{word}\n" for word in sorted(set(words))), encoding="utf-8")
    hashes = {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in ("model.safetensors", "words.txt")}
    text = json.dumps({**config, "sha256": hashes}, indent=2, ensure_ascii=False)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")
