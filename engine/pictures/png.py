"""PNG files with all settings: the Request, and the `parameters` text that other studios read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine.files import replace_file
from engine.pictures.image_file import ImageError, text_of
from engine.pictures.parameters import parameters
from engine.pictures.resizing import resize
from engine.spec.picture_text import COMPLETE, PictureText
from engine.spec.request import Request, RequestError

RESAMPLING = ("nearest", "lanczos")  # ways to enlarge
AT_ONCE = 1 << 18  # pixels that Pillow is given at a time
KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}  # by the end of a file's name
LONGEST = {"PNG": 2**31 - 1, "JPEG": 65500, "WEBP": 16383}  # pixels a side that its format can say


def save_png(
    path: Path,
    rgb: np.ndarray,
    request: Request,
    index: int = 0,
    enlarge: int = 1,
    resampling: str = "nearest",
    parent: Mapping[str, Any] | None = None,
    box: Sequence[int] | None = None,
    fresh: bool = False,
    text: PictureText = COMPLETE,
) -> None:
    """Write image `index` of a request, atomically; its text holds that one image's Request.

    rgb    -- uint8 (H, W, 3), or (H, W, 4) with straight alpha
    parent -- of a run that went on from another one's step, as its file's header says it: without that step the Request
              alone makes another picture, so the text says so too
    box    -- (x, y, width, height) of the part that the model saw; None if it saw the whole picture
    fresh  -- never replace a file: raises FileExistsError where one has the name
    text   -- which parts are written; without one of them the Request is not, nor are the parent and the box

    Raises OSError when it cannot be written; then nothing is left behind, and an older file stands as it was.
    """
    alone = replace(request, seeds=(request.seeds[index],))
    chunks = PngInfo()
    if text.complete:
        chunks.add_itxt("tweedie", alone.to_json())
    if not text.empty:
        chunks.add_itxt("parameters", parameters(alone, text))
    if parent is not None and text.complete:
        chunks.add_itxt("tweedie-parent", json.dumps(parent, sort_keys=True))
    if box is not None and text.complete:
        chunks.add_itxt("tweedie-box", json.dumps(list(box)))
    save_image(path, image_of(enlarge_picture(rgb, enlarge, resampling)), "PNG", fresh, pnginfo=chunks)


def enlarge_picture(rgb: np.ndarray, factor: int, resampling: str = "nearest") -> np.ndarray:
    """The picture (H, W, 3 or 4) `factor` times as large, by one of RESAMPLING."""
    if factor == 1:
        return rgb
    height, width = rgb.shape[:2]
    channels = rgb.shape[2]
    if resampling == "lanczos" and channels == 4:  # Pillow weighs colour by alpha: what is clear lends no colour
        return np.asarray(Image.fromarray(rgb).resize((width * factor, height * factor), Image.Resampling.LANCZOS))
    if resampling == "lanczos":
        return resize(np.ascontiguousarray(rgb), (width * factor, height * factor))
    wide = np.broadcast_to(rgb[:, :, None], (height, width, factor, channels)).reshape(height, -1, channels)
    tall = np.broadcast_to(wide[:, None], (height, factor, width * factor, channels))
    return tall.reshape(height * factor, width * factor, channels)


def image_of(rgb: np.ndarray) -> Image.Image:
    """As Image.fromarray, some rows at a time: while that copies, no other thread of Python's goes on."""
    height, width = rgb.shape[:2]
    mode = "RGBA" if rgb.shape[2] == 4 else "RGB"
    image, rows = Image.new(mode, (width, height)), max(1, AT_ONCE // width)
    for top in range(0, height, rows):
        image.paste(Image.fromarray(np.ascontiguousarray(rgb[top : top + rows])), (0, top))
    return image


def save_copy(path: Path, rgb: np.ndarray, quality: int = 95) -> None:
    """Write the picture (H, W, 3) alone, atomically, as the kind of KINDS that its name ends in.

    quality -- of JPEG and WebP, 1 … 100; WebP at 100 loses nothing

    Raises ImageError for another ending or a side too long for the kind; OSError as save_png.
    """
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise ImageError(f"“{path.suffix}” is no kind of picture that can be written: choose {', '.join(KINDS)}.")
    if max(rgb.shape[:2]) > LONGEST[kind]:
        raise ImageError(f"{kind} has at most {LONGEST[kind]} pixels a side: choose PNG, or enlarge it less.")
    more: dict[str, Any] = {}
    if kind != "PNG":
        more["quality"] = quality
    if kind == "JPEG" and quality >= 90:
        more["subsampling"] = 0
    if kind == "WEBP":
        more["lossless"] = quality == 100
    save_image(path, image_of(rgb), kind, **more)


def save_image(path: Path, image: Image.Image, kind: str, fresh: bool = False, **more: Any) -> None:
    """Write a picture atomically; `more` goes to Pillow's writer of that kind, `fresh` to files.replacing.

    Raises OSError as save_png.
    """
    with replace_file(path, fresh) as file:
        image.save(file, kind, **more)


def read_settings(path: Path) -> Request | None:
    """Read the Request in a PNG, None where it holds none. Raises RequestError where it is damaged or no PNG."""
    text = _text(path, "tweedie")
    return None if text is None else Request.from_json(text)


def read_parent(path: Path) -> dict[str, Any] | None:
    """Read the run and step that a picture was forked from, as save_png wrote them, or None. Raises RequestError."""
    text = _text(path, "tweedie-parent")
    try:
        parent = None if text is None else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"The settings in {path.name} are damaged: not JSON.") from error
    return parent if isinstance(parent, dict) else None


def _text(path: Path, key: str) -> str | None:
    try:
        return text_of(path, key)
    except ImageError as error:
        raise RequestError(str(error)) from error
