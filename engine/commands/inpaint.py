"""`inpaint`: generate the masked part of a picture of any size."""

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
    "The methods are explained in docs/editing.md"
)


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "inpaint",
        help="generate part of a picture anew",
        description="Generate the white part of a mask anew. The black part stays the same, to the bit; grey pixels "
        "change in the last steps only, and blend. The result has the picture's own size.",
        epilog=EXAMPLE,
    )
    add = parser.add_argument
    add_picture(parser)
    add(
        "--mask",
        type=Path,
        required=True,
        metavar="FILE",
        help="mask of the picture's size; white: generate, black: keep",
    )
    add(
        "--method",
        choices=METHODS[1:],
        default="replacement",
        help="how the kept pixels guide the rest (default %(default)s)",
    )
    add(
        "--strength",
        type=float,
        default=1.0,
        metavar="S",
        help="share of the steps to run, 0 … 1 (default %(default)s)",
    )
    add("--jump", type=int, metavar="N", help="for --method repaint: levels of each jump back")
    add("--resample", type=int, metavar="N", help="for --method repaint: passes through each stretch")
    add("--invert-mask", action="store_true", help="exchange black and white")
    add(
        "--grow",
        type=int_between(-MAX_GROWN, MAX_GROWN),
        default=0,
        metavar="PX",
        help="widen the mask (below 0: narrow it)",
    )
    add("--feather", type=float_between(0, MAX_FEATHER), default=0.0, metavar="PX", help="soften the mask's edge")
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
        raise UsageError("The whole mask is black, so there is nothing to do: paint the part to generate white.")
    if args.method != "repaint" and (args.jump, args.resample) != (None, None):
        raise UsageError("--jump and --resample need --method repaint: add it, or leave them out.")
    if mask.min() == 255:
        print("The whole mask is white: nothing of the picture is kept.", file=sys.stderr)
    if args.method == "repaint" and args.sampler is None:
        args.sampler = "ddpm"  # multistep samplers lose their history at each jump back
    return edit_picture(
        args, rgb, mask, method=args.method, strength=args.strength, jump=args.jump, resample=args.resample
    )
