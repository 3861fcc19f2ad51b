"""Make a picture anew, or part of it: what `inpaint` and `img2img` share."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from engine.commands.flags import draft_of
from engine.commands.guide_flags import guides_of
from engine.commands.making import make
from engine.errors import UsageError
from engine.pictures.compositing import around, crop, whole
from engine.spec.catalog import ModelInfo, find
from engine.spec.draft import first_size, resolve, size
from engine.spec.edit import Box, Pixels, Size

STRETCH = 0.02  # by which a box of a free model may differ from its size in shape, as a ratio


def add_picture(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("image", type=Path, metavar="IMAGE", help="the picture, of any kind and size")
    add("prompt", help='what to see; "" to let the class alone decide')
    add("--box", metavar="X,Y,W,H", help="what the model sees of it (default: all); “mask”: around the mask")


def rework(args: argparse.Namespace, rgb: Pixels, mask: Pixels | None, **choices: Any) -> int:
    info = find(args.model)
    guides, aims = guides_of(args, info.id)
    if args.size is None:
        args.size = _size_for(args.box, rgb, info)
    draft = draft_of(args, info, guides=guides, **choices)
    info.sizes.check(first_size(draft, info), info.title)
    box = box_of(args.box, rgb, mask, info, first_size(draft, info))
    inputs = crop(rgb, mask, box, size(draft, info))
    if mask is not None and inputs.mask is not None and not inputs.mask.any():
        raise UsageError("The box holds nothing of the mask: move it over what is white there.")
    make(args, info, resolve(draft, info, inputs), inputs, (rgb, mask, box), aims)
    return 0


def _size_for(box: str | None, rgb: Pixels, info: ModelInfo) -> Size:
    """The model's size for a picture and its box, where none is typed: one of about the same shape."""
    if box is None or box == "mask":
        return info.sizes.like((rgb.shape[1], rgb.shape[0]))
    _, _, width, height = _typed_box(box)
    return info.sizes.like((width, height))


def box_of(text: str | None, rgb: Pixels, mask: Pixels | None, info: ModelInfo, size: Size) -> Box:
    """The box that was typed, or the default one, for pictures of `size`. Raises UsageError for one that cannot be."""
    if text is None:
        return whole(rgb, size)
    if text == "mask":
        return whole(rgb, size) if mask is None else around(mask, size)
    x, y, w, h = _typed_box(text)
    if abs(math.log(w * size[1] / (h * size[0]))) > (STRETCH if info.sizes.free else 0):
        raise UsageError(f"The box is {w}×{h}: {info.title} sees {_ratio(info, size)}.")
    return x, y, w, h


def _typed_box(text: str) -> Box:
    try:
        x, y, w, h = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"“{text}” is no box: type X,Y,W,H in pixels, as in --box 100,40,256,256.") from None
    if w < 1 or h < 1:
        raise UsageError("The box has no size: give a width and a height of 1 or more.")
    return x, y, w, h


def _ratio(info: ModelInfo, size: Size) -> str:
    divisor = math.gcd(*size)
    wide, high = size[0] // divisor, size[1] // divisor
    if wide == high:
        return "squares, so make both sides alike"
    return f"boxes of {wide} to {high}" + (": give a --size of the box's shape" if info.sizes.free else "")
