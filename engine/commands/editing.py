"""What `inpaint` and `img2img` share: the picture, its box, the run."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from engine.commands.flags import draft_of
from engine.commands.guide_flags import guides_of
from engine.commands.sampling import run_and_save
from engine.errors import UsageError
from engine.pictures.compositing import box_around, crop, whole_box
from engine.spec.catalog import ModelInfo, find
from engine.spec.draft import first_size, resolve, size
from engine.spec.edit import Box, Pixels, Size

STRETCH = 0.02  # by which a box of a free model may differ from its size in shape, as a ratio


def add_picture(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("image", type=Path, metavar="IMAGE", help="picture file of any format and size")
    add("prompt", help='what the picture should show; "" uses the class alone')
    add(
        "--box",
        metavar="X,Y,W,H",
        help="part of the picture that the model sees (default: all); “mask”: around the mask",
    )


def edit_picture(args: argparse.Namespace, rgb: Pixels, mask: Pixels | None, **choices: Any) -> int:
    info = find(args.model)
    guides, aims = guides_of(args, info.id)
    if args.size is None:
        args.size = _size_for(args.box, rgb, info)
    draft = draft_of(args, info, guides=guides, **choices)
    info.sizes.check(first_size(draft, info), info.title)
    box = box_of(args.box, rgb, mask, info, first_size(draft, info))
    inputs = crop(rgb, mask, box, size(draft, info))
    if mask is not None and inputs.mask is not None and not inputs.mask.any():
        raise UsageError("The box and the mask do not overlap: move the box over the white part of the mask.")
    run_and_save(args, info, resolve(draft, info, inputs), inputs, (rgb, mask, box), aims)
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
        return whole_box(rgb, size)
    if text == "mask":
        return whole_box(rgb, size) if mask is None else box_around(mask, size)
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
