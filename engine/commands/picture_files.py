"""Read the picture and mask files of a command; print notes on them to standard error."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.errors import EngineError
from engine.jobs.likelihood import check_picture
from engine.pictures.compositing import crop, whole_box
from engine.pictures.image_file import load
from engine.pictures.mask_file import load_mask
from engine.spec.catalog import ModelInfo
from engine.spec.edit import Pixels


def open_picture(path: Path) -> Pixels:
    """Read a picture (H, W, 3). Raises ImageError."""
    loaded = load(path)
    _print_notes(path, loaded.notes)
    return loaded.rgb


def open_mask(path: Path) -> Pixels:
    """Read a mask (H, W). Raises ImageError."""
    loaded = load_mask(path)
    _print_notes(path, loaded.notes)
    return loaded.mask


def _print_notes(path: Path, notes: tuple[str, ...]) -> None:
    for note in notes:
        print(f"{path.name}: {note}", file=sys.stderr)


def read_picture(path: Path, info: ModelInfo, fit: bool) -> Pixels:
    """Read a picture at a size of the model; with `fit` it is brought to one of about its shape.

    Raises ImageError and RequestError in one sentence.
    """
    rgb = open_picture(path)
    size = info.sizes.like((rgb.shape[1], rgb.shape[0]))
    if fit and not info.sizes.fits((rgb.shape[1], rgb.shape[0])):
        return crop(rgb, None, whole_box(rgb, size), size).source
    try:
        return check_picture(info, rgb)
    except EngineError as error:
        raise type(error)(f"{path.name}: {error} Or add --fit.") from error
