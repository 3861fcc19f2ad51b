"""Key frames from picture files: by their seed where they say how they were made, else as pictures to encode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.pictures.compositing import crop, whole
from engine.pictures.image_file import load, not_cancelled
from engine.pictures.png import read_parent, read_settings
from engine.spec.catalog import ModelInfo
from engine.spec.edit import Pixels, digest
from engine.spec.morph import Key
from engine.spec.request import Request, RequestError


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A key from a file. rgb -- the picture (H, W, 3) that is encoded, None for a seed; settings -- what the file says
    made it, None where it says nothing
    """

    key: Key
    rgb: Pixels | None
    settings: Request | None


def from_file(path: Path, info: ModelInfo, cancelled: Callable[[], bool] = not_cancelled) -> Found:
    """Read a picture file as a key of `info`'s model.

    A picture of this model that its Request alone makes is its seed: nothing is encoded and nothing lost. One that was
    forked, edited or guided further, and everything from elsewhere, is a picture. Raises ImageError.
    """
    try:
        settings, parent = read_settings(path), read_parent(path)
    except RequestError:
        settings = parent = None  # it may be a picture all the same
    if settings is not None and parent is None and follows(settings, info):
        return Found(Key.of(settings), None, settings)
    found = from_pixels(load(path, cancelled).rgb, info)
    return (
        found if settings is None else replace(found, key=with_settings(found.key, settings, info), settings=settings)
    )


def from_pixels(rgb: Pixels, info: ModelInfo) -> Found:
    """A picture (H, W, 3) as a key: whole, at the model's size, wider or higher by its own edge where it has to be."""
    size = info.width, info.height
    small = crop(rgb, None, whole(rgb, size), size).source
    return Found(Key(picture=digest(small)), small, None)


def follows(request: Request, info: ModelInfo) -> bool:
    """Whether a picture of `request` comes from its seed alone, in `info`'s model."""
    guided = any(guide.scale != 0 for guide in request.guides)
    return request.model_sha256 == info.sha256 and request.edit is None and not guided


def with_settings(key: Key, request: Request, info: ModelInfo) -> Key:
    """The key with the prompt and the label of a request, as far as `info`'s model takes them."""
    label = request.label if request.label in info.labels else None
    return replace(key, prompt=request.prompt if info.text else "", label=label)
