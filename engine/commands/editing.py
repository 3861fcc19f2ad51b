"""What `inpaint` and `img2img` share: the picture, its box, the run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from engine.commands.flags import draft_of
from engine.commands.guide_flags import guides_of
from engine.commands.sampling import run_and_save
from engine.errors import UsageError
from engine.pictures.compositing import box_around, crop, whole_box
from engine.spec.catalog import ModelInfo, find
from engine.spec.draft import resolve, size
from engine.spec.edit import Box, Pixels


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
    draft = draft_of(args, info, guides=guides, **choices)
    box = box_of(args.box, rgb, mask, info)
    inputs = crop(rgb, mask, box, size(draft, info))
    if mask is not None and inputs.mask is not None and not inputs.mask.any():
        raise UsageError("The box and the mask do not overlap: move the box over the white part of the mask.")
    run_and_save(args, info, resolve(draft, info, inputs), inputs, (rgb, mask, box), aims)
    return 0


def box_of(text: str | None, rgb: Pixels, mask: Pixels | None, info: ModelInfo) -> Box:
    """Parse the box, or return the default one. Raises UsageError for an invalid box."""
    shape = info.width, info.height
    if text is None:
        return whole_box(rgb, shape)
    if text == "mask":
        return whole_box(rgb, shape) if mask is None else box_around(mask, shape)
    try:
        x, y, w, h = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"“{text}” is no box: type X,Y,W,H in pixels, as in --box 100,40,256,256.") from None
    if w < 1 or h < 1:
        raise UsageError("The box has no size: give a width and a height of 1 or more.")
    if w * info.height != h * info.width:
        raise UsageError(f"The box is {w}×{h}: {info.title} sees {_ratio(info)}.")
    return x, y, w, h


def _ratio(info: ModelInfo) -> str:
    divisor = int(np.gcd(info.width, info.height))
    wide, high = info.width // divisor, info.height // divisor
    return "squares, so make both sides alike" if wide == high else f"boxes of {wide} to {high}"
