"""Picture files that a command is given, as pixels; what is to be said of them goes to standard error."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.errors import EngineError
from engine.jobs.likelihood import check_picture
from engine.pictures.compositing import crop, whole
from engine.pictures.image_file import load
from engine.spec.catalog import ModelInfo
from engine.spec.edit import Pixels


def open_picture(path: Path) -> Pixels:
    loaded = load(path)
    for note in loaded.notes:
        print(f"{path.name}: {note}", file=sys.stderr)
    return loaded.rgb


def read_picture(path: Path, info: ModelInfo, fit: bool) -> Pixels:
    """The picture in a file at the model's own size. Raises ImageError and RequestError in one sentence."""
    rgb = open_picture(path)
    size = info.width, info.height
    if fit and rgb.shape[:2] != size[::-1]:
        return crop(rgb, None, whole(rgb, size), size).source
    try:
        return check_picture(info, rgb)
    except EngineError as error:
        raise type(error)(f"{path.name}: {error} With --fit it is done here.") from error
