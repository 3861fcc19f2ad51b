"""`img2img`: add noise to a picture and denoise it with a text."""

from __future__ import annotations

import argparse
from typing import Any

from engine.commands.editing import add_picture, edit_picture
from engine.commands.flags import add_sampling
from engine.commands.picture_files import open_picture

EXAMPLE = 'Example: run.py img2img apple.png "green apple" --class noto --strength 0.8 --batch 4 --out green.png'


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "img2img",
        help="rework a whole picture",
        description="Add noise to a picture and denoise it with a text. The result has the picture's own size.",
        epilog=EXAMPLE,
    )
    add_picture(parser)
    parser.add_argument(
        "--strength",
        type=float,
        default=0.8,
        metavar="S",
        help="share of the steps to run, 0 … 1: more steps change more (default %(default)s)",
    )
    add_sampling(parser)
    parser.set_defaults(run=img2img)


def img2img(args: argparse.Namespace) -> int:
    return edit_picture(args, open_picture(args.image), None, method="img2img", strength=args.strength)
