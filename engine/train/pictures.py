"""Render vector graphics and image files on white, and write the folder of a data set."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
SIDE = 128  # pictures are first rendered at this size, then averaged down


def render_svg(svg: str) -> Image.Image:
    """Render an SVG text at its own size."""
    try:
        import resvg_py
    except ModuleNotFoundError as error:
        raise ValueError("Vector graphics need resvg_py: install it with `pip install resvg_py`.") from error
    return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg))), formats=("PNG",))


def on_white(picture: Image.Image, side: int) -> Bytes:
    """Return the picture at side×side on white, RGB uint8. ValueError unless side divides SIDE."""
    return with_alpha(picture, side)[..., :3]


def with_alpha(picture: Image.Image, side: int) -> Bytes:
    """Return the picture at side×side, uint8 with four channels: its colour on white, and its alpha.

    These four are linear in premultiplied colour and alpha (engine.models.alpha), so they may be averaged.
    """
    if side < 1 or SIDE % side:
        raise ValueError(f"Pictures cannot be averaged down to {side} pixels: choose a divisor of {SIDE}.")
    picture = picture.convert("RGBA")
    if picture.size != (SIDE, SIDE):
        picture = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture)
    parts = (ground.convert("RGB"), picture.getchannel("A"))
    return np.dstack([np.asarray(part.reduce(SIDE // side)) for part in parts])


def write(out: Path, pictures: Bytes, table: Mapping[str, Any]) -> None:
    """Write a data set in the format of engine.train.data."""
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / "pictures.npy", pictures)
    (out / "rows.json").write_text(json.dumps(table, indent=0), encoding="utf-8")
