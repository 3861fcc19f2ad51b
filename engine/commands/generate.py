"""`generate`: make pictures from a text, a class, or both."""

from __future__ import annotations

import argparse
from typing import Any

from engine.commands.flags import add_sampling, draft_of
from engine.commands.guide_flags import guides_of
from engine.commands.sampling import run_and_save
from engine.spec.catalog import find
from engine.spec.draft import resolve


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "generate",
        help="make pictures from a text",
        description="Make pictures from a text, a class, or both. Each PNG file contains its settings.",
        epilog='Example: run.py generate "red apple" --class noto --out apple.png --batch 4',
    )
    parser.add_argument(
        "prompt", nargs="?", default="", help="what the picture should show; leave it out to use the class alone"
    )
    add_sampling(parser)
    parser.set_defaults(run=generate)


def generate(args: argparse.Namespace) -> int:
    info = find(args.model)
    guides, aims = guides_of(args, info.id)
    request = resolve(draft_of(args, info, guides=guides), info)
    run_and_save(args, info, request, aims=aims)
    return 0
