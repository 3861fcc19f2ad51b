"""Fit an opened picture to the model's sizes, in one of four ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.pictures.compositing import crop
from engine.pictures.resizing import resize
from engine.spec.catalog import ModelInfo
from engine.spec.edit import Box

Size: TypeAlias = tuple[int, int]  # width, height in pixels
Pixels: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FittingWay:
    """One of WAYS, with its texts for the user."""

    name: str
    title: str
    about: str


WAYS = (
    FittingWay("keep", "Keep every pixel", "The model works inside a box that you move over the picture"),
    FittingWay("crop", "Crop", "Its middle, scaled until it fills the model's size"),
    FittingWay("fit", "Fit", "All of it, scaled until its longer side is the model's"),
    FittingWay("pad", "Pad", "All of it; the missing parts around it are masked to be made anew"),
)


def sizes(model: ModelInfo, own: Size | None = None) -> list[Size]:
    """Return the sizes of a model's pictures: `own` (None: its native size), and its second stage's."""
    width, height = own or model.size
    factors = [1] if model.cascade is None else [1, int(model.cascade["net"]["factor"])]
    return [(factor * width, factor * height) for factor in factors]


def targets(model: ModelInfo, own: Size, picture: Size) -> list[Size]:
    """Return the sizes that a picture can be brought to: those of `own`; where sizes are free, also one of the
    picture's shape, and the native ones.
    """
    if not model.sizes.free:
        return sizes(model, own)
    return list(dict.fromkeys([own, model.sizes.like(picture), *model.sizes.native]))


def is_multiple_of_box(size: Size, own: Size) -> bool:
    """Whether a size is a whole multiple of the model's own."""
    times, rest = divmod(size[0], own[0])
    return rest == 0 and size[1] == times * own[1]


def ways(size: Size, target: Size) -> tuple[FittingWay, ...]:
    """Return the ways that differ: a picture of the target's aspect ratio needs no crop and no padding."""
    same_shape = size[0] * target[1] == size[1] * target[0]
    return tuple(way for way in WAYS if not (same_shape and way.name in ("crop", "pad")))


def result(way: str, size: Size, target: Size) -> Size:
    """Return the size of the result for a picture of `size`."""
    if way == "keep":
        return size
    if way == "fit":
        scale = min(target[0] / size[0], target[1] / size[1])
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    return target


def frame(way: str, size: Size, target: Size) -> Box:
    """Return the part of the picture that the result shows, in its pixels; for "pad" it reaches outside."""
    width, height = size
    if way in ("keep", "fit"):
        return 0, 0, width, height
    by_width = width, max(1, round(width * target[1] / target[0]))
    by_height = max(1, round(height * target[0] / target[1])), height
    w, h = min(by_width, by_height) if way == "crop" else max(by_width, by_height)
    return (width - w) // 2, (height - h) // 2, w, h


def fit_picture(rgb: Pixels, way: str, target: Size) -> tuple[Pixels, Pixels | None]:
    """Fit a picture (H, W, 3) in one way. Returns it and its mask (h, w), or None where nothing is to be made anew."""
    size = rgb.shape[1], rgb.shape[0]
    if way == "keep":
        return rgb, None
    if way == "fit":
        return resize(rgb, result(way, size, target)), None
    box = frame(way, size, target)
    made = crop(rgb, None, box, target).source
    return made, _outside(size, box, target) if way == "pad" else None


def _outside(size: Size, box: Box, target: Size) -> Pixels:
    """Return a mask: 255 where a pixel of the target reaches outside the picture, also in part."""
    inside = []
    for length, start, span, n in zip(size, box[:2], box[2:], target, strict=True):
        edges = start + np.arange(n + 1) * span / n
        inside.append((edges[:-1] >= -0.5) & (edges[1:] <= length + 0.5))
    return np.where(inside[1][:, None] & inside[0], 0, 255).astype(np.uint8)
