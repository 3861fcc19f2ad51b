"""Pictures with everything that made them: PNG whose text holds the Request, and what other studios read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from engine.files import replacing
from engine.pictures.image_file import ImageError
from engine.pictures.resizing import resized
from engine.spec.request import Request, RequestError

RESAMPLING = ("nearest", "lanczos")  # ways to enlarge
AT_ONCE = 1 << 18  # pixels that Pillow is given at a time
KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}  # by the end of a file's name
LONGEST = {"PNG": 2**31 - 1, "JPEG": 65500, "WEBP": 16383}  # pixels a side that its format can say


def parameters(request: Request) -> str:
    """The settings in the text form that other studios read from a PNG's `parameters`."""
    lines = [request.prompt]
    if request.negative:
        lines.append(f"Negative prompt: {request.negative}")
    facts = {
        "Steps": request.steps,
        "Sampler": request.sampler,
        "Schedule type": request.spacing,
        "CFG scale": f"{request.guidance:g}",
        "Seed": request.seeds[0],
        "Size": "{}x{}".format(*request.size),
        "Model hash": request.model_sha256[:10],
        "Model": request.model,
    }
    if request.edit is not None:
        facts["Method"] = request.edit.method
        facts["Denoising strength"] = f"{request.edit.strength:.2g}"
    if request.label:
        facts["Label"] = request.label
    return "\n".join([*lines, ", ".join(f"{key}: {value}" for key, value in facts.items())])


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
) -> None:
    """Write image `index` of a request, uint8 (H, W, 3), atomically; its text holds that one image's Request.

    parent -- of a run that went on from another one's step, as its file's header says it: without that step the Request
              alone makes another picture, so the text says so too
    box    -- (x, y, width, height) of what the model saw of the picture, where that was not all of it
    fresh  -- never replace a file: raises FileExistsError where one has the name

    Raises OSError when it cannot be written; then nothing is left behind, and an older file stands as it was.
    """
    alone = replace(request, seeds=(request.seeds[index],))
    text = PngInfo()
    text.add_itxt("tweedie", alone.to_json())
    text.add_itxt("parameters", parameters(alone))
    if parent is not None:
        text.add_itxt("tweedie-parent", json.dumps(parent, sort_keys=True))
    if box is not None:
        text.add_itxt("tweedie-box", json.dumps(list(box)))
    save_image(path, image_of(enlarged(rgb, enlarge, resampling)), "PNG", fresh, pnginfo=text)


def enlarged(rgb: np.ndarray, factor: int, resampling: str = "nearest") -> np.ndarray:
    """The picture (H, W, 3) `factor` times as large, by one of RESAMPLING."""
    if factor == 1:
        return rgb
    height, width = rgb.shape[:2]
    if resampling == "lanczos":
        return resized(np.ascontiguousarray(rgb), (width * factor, height * factor))
    wide = np.broadcast_to(rgb[:, :, None], (height, width, factor, 3)).reshape(height, width * factor, 3)
    tall = np.broadcast_to(wide[:, None], (height, factor, width * factor, 3))
    return tall.reshape(height * factor, width * factor, 3)


def image_of(rgb: np.ndarray) -> Image.Image:
    """As Image.fromarray, some rows at a time: while that copies, no other thread of Python's goes on."""
    height, width = rgb.shape[:2]
    image, rows = Image.new("RGB", (width, height)), max(1, AT_ONCE // width)
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
    with replacing(path, fresh) as file:
        image.save(file, kind, **more)


def read_settings(path: Path) -> Request | None:
    """The Request in a picture, or None where it holds none. Raises RequestError when it is damaged or no picture."""
    text = _text(path, "tweedie")
    return None if text is None else Request.from_json(text)


def read_parent(path: Path) -> dict[str, Any] | None:
    """The run and step that the picture was forked from, as save_png wrote them, or None. Raises RequestError."""
    text = _text(path, "tweedie-parent")
    try:
        parent = None if text is None else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"The settings in {path.name} are damaged: not JSON.") from error
    return parent if isinstance(parent, dict) else None


def _text(path: Path, key: str) -> str | None:
    try:
        with Image.open(path) as image:
            text = image.info.get(key)
            if text is None and isinstance(image, Image.Image):
                image.load()  # text may stand after the pixels
                text = image.info.get(key)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise RequestError(f"{path.name} cannot be read as a picture ({error}).") from error
    return None if text is None else str(text)
