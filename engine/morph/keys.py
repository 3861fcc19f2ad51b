"""Key frames from picture files: a seed where the file has the settings of its picture, else a picture to encode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.pictures.compositing import crop, whole_box
from engine.pictures.image_file import load, not_cancelled
from engine.pictures.png import read_parent, read_settings
from engine.spec.catalog import ModelInfo
from engine.spec.edit import Pixels, Size, digest
from engine.spec.morph import Key
from engine.spec.request import Request, RequestError


@dataclass(frozen=True, slots=True, eq=False)
class FileKey:
    """A key from a file.

    rgb      -- the picture (H, W, 3) to encode; None for a seed
    settings -- the settings stored in the file, None without any
    """

    key: Key
    rgb: Pixels | None
    settings: Request | None


def from_file(path: Path, info: ModelInfo, size: Size, cancelled: Callable[[], bool] = not_cancelled) -> FileKey:
    """Return the key of a picture file for frames of `size` by `info`'s model.

    A picture that this model draws from its Request alone becomes its seed: exact, without encoding. A forked, edited
    or guided one, and a picture from elsewhere, is encoded. Raises ImageError.
    """
    try:
        settings, parent = read_settings(path), read_parent(path)
    except RequestError:
        settings = parent = None  # the picture may still be readable
    if settings is not None and parent is None and comes_from_seed(settings, info, size):
        return FileKey(Key.of(settings), None, settings)
    found = from_pixels(load(path, cancelled).rgb, size)
    return (
        found if settings is None else replace(found, key=with_settings(found.key, settings, info), settings=settings)
    )


def from_pixels(rgb: Pixels, size: Size) -> FileKey:
    """Return a picture (H, W, 3) as a key: whole, at the frames' size, extended by its edge pixels to their shape."""
    small = crop(rgb, None, whole_box(rgb, size), size).source
    return FileKey(Key(picture=digest(small)), small, None)


def comes_from_seed(request: Request, info: ModelInfo, size: Size) -> bool:
    """Whether a picture of `request` comes from its seed alone, in `info`'s model and at the frames' `size`."""
    guided = any(guide.scale != 0 for guide in request.guides)
    same = request.model_sha256 == info.sha256 and (request.width, request.height) == size
    return same and request.edit is None and not guided


def with_settings(key: Key, request: Request, info: ModelInfo) -> Key:
    """Return the key with the prompt and the label of a request, as far as `info`'s model supports them."""
    label = request.label if request.label in info.labels else None
    return replace(key, prompt=request.prompt if info.text else "", label=label)
