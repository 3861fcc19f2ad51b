"""`inpaint` and `img2img`: a picture of any size, part of it or all of it made anew, without a window."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from engine.commands.generate import add_flags, drafted, make
from engine.commands.guides import guides_of
from engine.pictures.compositing import around, crop, whole
from engine.pictures.image_file import load, load_mask
from engine.pictures.masks import dilate, feather
from engine.spec.catalog import ModelInfo, find
from engine.spec.draft import METHODS, resolve, size
from engine.spec.edit import Box, Pixels, check

INPAINT = (
    'Example: run.py inpaint apple.png --mask half.png "blue heart" --class noto --seed 5 --out both.png. '
    "What the methods do and how to choose: docs/editing.md"
)
IMG2IMG = 'Example: run.py img2img apple.png "green apple" --class noto --strength 0.8 --batch 4 --out green.png'


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "inpaint",
        help="make part of a picture anew",
        description="Make anew what a mask is white on. What it is black on stays as it is, to the bit; grey is remade "
        "in the last part of the steps, and blends. The result has the picture's own size.",
        epilog=INPAINT,
    )
    add = parser.add_argument
    _add_picture(parser)
    add("--mask", type=Path, required=True, metavar="FILE", help="white: made anew; as large as the picture")
    add("--method", choices=METHODS[1:], default="replacement", help="how what is kept is kept (default %(default)s)")
    add(
        "--strength", type=float, default=1.0, metavar="S", help="share of the steps taken, 0 … 1 (default %(default)s)"
    )
    add("--jump", type=int, metavar="N", help="for --method repaint: how many levels up again")
    add("--resample", type=int, metavar="N", help="for --method repaint: how often each stretch is walked")
    add("--invert-mask", action="store_true", help="make anew what is black")
    add("--grow", type=int, default=0, metavar="PX", help="widen the mask (below 0: narrow it)")
    add("--feather", type=float, default=0.0, metavar="PX", help="soften its edge")
    add_flags(parser)
    parser.set_defaults(run=inpaint)

    parser = subparsers.add_parser(
        "img2img",
        help="rework a whole picture",
        description="Put noise into a picture and denoise it with a text. The result has the picture's own size.",
        epilog=IMG2IMG,
    )
    _add_picture(parser)
    parser.add_argument(
        "--strength",
        type=float,
        default=0.8,
        metavar="S",
        help="share of the steps taken, 0 … 1: how much may change (default %(default)s)",
    )
    add_flags(parser)
    parser.set_defaults(run=img2img)


def _add_picture(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("image", type=Path, metavar="IMAGE", help="the picture, of any kind and size")
    add("prompt", help='what to see; "" to let the class alone decide')
    add("--box", metavar="X,Y,W,H", help="what the model sees of it (default: all); “mask”: around the mask")


def inpaint(args: argparse.Namespace) -> int:
    rgb = _load(args.image)
    mask = load_mask(args.mask)
    check(rgb, mask)
    if args.invert_mask:
        mask = 255 - mask
    if args.grow:
        mask = dilate(mask, args.grow) if args.grow > 0 else 255 - dilate(255 - mask, -args.grow)
    if args.feather < 0:
        raise ValueError("A feather is 0 pixels or more wide.")
    if args.feather:
        mask = feather(mask, args.feather)
    if not mask.any():
        raise ValueError("The mask is black all over, so there is nothing to do: make white what is to be made anew.")
    if args.method != "repaint" and (args.jump, args.resample) != (None, None):
        raise ValueError("--jump and --resample are of --method repaint: add it, or leave them out.")
    if mask.min() == 255:
        print("The mask is white all over: nothing of the picture is kept.", file=sys.stderr)
    if args.method == "repaint" and args.sampler is None:
        args.sampler = "ddpm"  # the one that RePaint is for: others lose their memory at each way back
    return _edit(args, rgb, mask, method=args.method, strength=args.strength, jump=args.jump, resample=args.resample)


def img2img(args: argparse.Namespace) -> int:
    return _edit(args, _load(args.image), None, method="img2img", strength=args.strength)


def _edit(args: argparse.Namespace, rgb: Pixels, mask: Pixels | None, **choices: Any) -> int:
    info = find(args.model)
    guides, aims = guides_of(args, info.id)
    draft = drafted(args, info, guides=guides, **choices)
    box = _box(args.box, rgb, mask, info)
    inputs = crop(rgb, mask, box, size(draft, info))
    if mask is not None and inputs.mask is not None and not inputs.mask.any():
        raise ValueError("The box holds nothing of the mask: move it over what is white there.")
    make(args, info, resolve(draft, info, inputs), inputs, (rgb, mask, box), aims)
    return 0


def _load(path: Path) -> Pixels:
    loaded = load(path)
    for note in loaded.notes:
        print(f"{path.name}: {note}", file=sys.stderr)
    return loaded.rgb


def _box(text: str | None, rgb: Pixels, mask: Pixels | None, info: ModelInfo) -> Box:
    """The box that was typed, or the default one. Raises ValueError for one that cannot be."""
    shape = info.width, info.height
    if text is None:
        return whole(rgb, shape)
    if text == "mask":
        return whole(rgb, shape) if mask is None else around(mask, shape)
    try:
        x, y, w, h = (int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"“{text}” is no box: type X,Y,W,H in pixels, as in --box 100,40,256,256.") from None
    if w < 1 or h < 1:
        raise ValueError("The box has no size: give a width and a height of 1 or more.")
    if w * info.height != h * info.width:
        raise ValueError(f"The box is {w}×{h}: {info.title} sees {_ratio(info)}.")
    return x, y, w, h


def _ratio(info: ModelInfo) -> str:
    divisor = int(np.gcd(info.width, info.height))
    wide, high = info.width // divisor, info.height // divisor
    return "squares, so make both sides alike" if wide == high else f"boxes of {wide} to {high}"
