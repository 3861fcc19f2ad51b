"""Save pictures of the lab as PNG, WebP or animated WebP, with their settings inside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine.pictures.image_file import info_of
from engine.pictures.png import save_image
from engine.spec.lab_data import LabError

FORMATS = {".png": "PNG", ".webp": "WEBP"}
DESCRIPTION = 0x010E  # Exif: ImageDescription
STILL_MS = 1500  # the last frame stays longer, so that the user sees the result


def save(path: Path, frames: Sequence[NDArray[np.uint8]], settings: str, frame_ms: int = 100) -> None:
    """Write frames (H, W, 3) atomically; several frames make an animated WebP that repeats without end.

    `settings`, in ASCII, go into the text "tweedie-lab" of a PNG and into the Exif description of a WebP.

    Raises LabError for a file name that ends in neither .png nor .webp and for an animated PNG, OSError where the file
    cannot be written; then an older file stays unchanged.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise LabError(f"A picture cannot be saved as “{path.suffix}”: end its name in .png or .webp.")
    if kind == "PNG" and len(frames) > 1:
        raise LabError("A PNG holds only one picture: end the name of an animation in .webp.")
    images = [Image.fromarray(frame) for frame in frames]
    more: dict[str, Any] = {}
    if kind == "PNG":
        text = PngInfo()
        text.add_itxt("tweedie-lab", settings)
        more["pnginfo"] = text
    else:
        exif = Image.Exif()
        exif[DESCRIPTION] = settings
        more |= {"exif": exif, "quality": 90, "method": 3, "lossless": len(images) == 1}
    if len(images) > 1:
        durations = [frame_ms] * (len(images) - 1) + [STILL_MS]
        more |= {"save_all": True, "append_images": images[1:], "duration": durations, "loop": 0}
    save_image(path, images[0], kind, **more)


def read_settings(path: Path) -> str | None:
    """Read the settings in a picture of the lab, None where it holds none. Raises ImageError."""
    info, exif = info_of(path)
    text = info.get("tweedie-lab") or exif.get(DESCRIPTION)
    return None if text is None else str(text)
