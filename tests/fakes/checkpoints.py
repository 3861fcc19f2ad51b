"""Checkpoint files with the names and shapes of published ones: true headers, and holes instead of weights."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Mapping
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

LAYOUTS = Path(__file__).resolve().parents[1] / "data" / "layouts.json.gz"
RANK = 8  # for −1, which stands for any rank of a LoRA
BYTES = {"F16": 2, "F32": 4, "BF16": 2, "I64": 8}

Shapes = dict[str, tuple[int, ...]]

SMALL: Shapes = {  # the parts of a checkpoint whose family is set by hand; its hash takes no time
    "model.diffusion_model.input_blocks.0.0.weight": (32, 4, 3, 3),
    "first_stage_model.decoder.conv_in.weight": (8, 4, 3, 3),
    "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (8, 8),
}


@lru_cache(maxsize=1)
def layouts() -> dict[str, Shapes]:
    """The published layouts by name (tests/data/README.md)."""
    held = json.loads(gzip.decompress(LAYOUTS.read_bytes()))
    return {
        name: {tensor: tuple(RANK if side == -1 else side for side in shape) for tensor, shape in shapes.items()}
        for name, shapes in held.items()
    }


def under(prefix: str, layout: str) -> Shapes:
    """A layout with a prefix before every name."""
    return {prefix + name: shape for name, shape in layouts()[layout].items()}


def single_file(unet: str) -> Shapes:
    """The whole single file of a UNet's layout: UNet, VAE and text encoders, as the published files name them."""
    whole = under("model.diffusion_model.", unet) | under("first_stage_model.", "vae-v1-sd")
    if "-v1-" in unet:
        return whole | under("cond_stage_model.transformer.text_model.", "clip-v1-sd")
    if "-v2-" in unet:
        return whole | under("cond_stage_model.model.", "clip-v2-sd")
    if "refiner" in unet:
        return whole | under("conditioner.embedders.0.model.", "clip-xl-sd")
    whole |= under("conditioner.embedders.0.transformer.text_model.", "clip-v1-sd")
    return whole | under("conditioner.embedders.1.model.", "clip-xl-sd")


def header(
    shapes: Mapping[str, tuple[int, ...]], dtype: str = "F16", metadata: Mapping[str, str] | None = None
) -> bytes:
    """The bytes before the data, and with them the length of the data."""
    at, listed = 0, dict[str, Any]({"__metadata__": dict(metadata)} if metadata else {})
    for name, shape in shapes.items():
        size = prod(shape) * BYTES[dtype]
        listed[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(listed).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def write_hollow(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    dtype: str = "F16",
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a file whose header is true and whose data is a hole: it takes no room on the disk."""
    start = header(shapes, dtype, metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.write(start)
        file.truncate(len(start) + sum(prod(shape) for shape in shapes.values()) * BYTES[dtype])
    return path
