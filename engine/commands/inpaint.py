"""`inpaint`: a picture of any size, part of it made anew, without a window."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from engine.commands.editing import add_picture, edit_picture
from engine.commands.flags import add_sampling
from engine.commands.numbers import float_between, int_between
from engine.commands.picture_files import open_mask, open_picture
from engine.errors import UsageError
from engine.pictures.masks import MAX_FEATHER, MAX_GROWN, dilate, feather
from engine.spec.draft import METHODS
from engine.spec.edit import check

EXAMPLE = (
    'Example: run.py inpaint apple.png --mask half.png "blue heart" --class noto --seed 5 --out both.png. '
    "What the methods do and how to choose: docs/editing.md"
)


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "inpaint",
        help="make part of a picture anew",
        description="Make anew what a mask is white on. What it is black on stays as it is, to the bit; grey is remade "
        "in the last part of the steps, and blends. The result has the picture's own size.",
        epilog=EXAMPLE,
    )
    add = parser.add_argument
    add_picture(parser)
    add("--mask", type=Path, required=True, metavar="FILE", help="white: made anew; as large as the picture")
    add("--method", choices=METHODS[1:], default="replacement", help="how what is kept is kept (default %(default)s)")
    add(
        "--strength", type=float, default=1.0, metavar="S", help="share of the steps taken, 0 … 1 (default %(default)s)"
    )
    add("--jump", type=int, metavar="N", help="for --method repaint: how many levels up again")
    add("--resample", type=int, metavar="N", help="for --method repaint: how often each stretch is walked")
    add("--invert-mask", action="store_true", help="make anew what is black")
    add(
        "--grow",
        type=int_between(-MAX_GROWN, MAX_GROWN),
        default=0,
        metavar="PX",
        help="widen the mask (below 0: narrow it)",
    )
    add("--feather", type=float_between(0, MAX_FEATHER), default=0.0, metavar="PX", help="soften its edge")
    add_sampling(parser)
    parser.set_defaults(run=inpaint)


def inpaint(args: argparse.Namespace) -> int:
    rgb = open_picture(args.image)
    mask = open_mask(args.mask)
    check(rgb, mask)
    if args.invert_mask:
        mask = 255 - mask
    if args.grow:
        mask = dilate(mask, args.grow) if args.grow > 0 else 255 - dilate(255 - mask, -args.grow)
    if args.feather:
        mask = feather(mask, args.feather)
    if not mask.any():
        raise UsageError("The mask is black all over, so there is nothing to do: make white what is to be made anew.")
    if args.method != "repaint" and (args.jump, args.resample) != (None, None):
        raise UsageError("--jump and --resample are of --method repaint: add it, or leave them out.")
    if mask.min() == 255:
        print("The mask is white all over: nothing of the picture is kept.", file=sys.stderr)
    if args.method == "repaint" and args.sampler is None:
        args.sampler = "ddpm"  # the one that RePaint is for: others lose their memory at each way back
    return edit_picture(
        args, rgb, mask, method=args.method, strength=args.strength, jump=args.jump, resample=args.resample
    )
