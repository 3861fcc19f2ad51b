"""--sampler and --spacing: the names of any studio; a sampler's name may bring its options and its grid."""

from __future__ import annotations

import argparse
from typing import Any

from engine.rules import menu
from engine.spec.foreign_samplers import parse, parse_spacing


def add_sampler(parser: argparse.ArgumentParser, default: str, spaced: bool = True) -> None:
    """Add --sampler, and with `spaced` --spacing; `default` says what counts without them.

    They set args.sampler and args.spacing, None where not given, and args.sampler_options. An explicit --spacing wins
    over the grid in a sampler's name. Parsing raises RequestError for an unknown name.
    """
    add = parser.add_argument
    other = "also other studios' names, “dpm++ 2m karras”"
    say = f"one of {', '.join(menu())}; {other} (default: {default})"
    add("--sampler", action=_SamplerFlag, metavar="NAME", help=say)
    parser.set_defaults(sampler_options=(), sampler_spacing=None)
    if spaced:
        say = f"spacing of the noise levels (default: {default})"
        add("--spacing", action=_SpacingFlag, metavar="NAME", help=say)


class _SamplerFlag(argparse.Action):
    def __call__(self, _: object, namespace: argparse.Namespace, values: Any, option: object = None) -> None:
        found = parse(values)
        namespace.sampler, namespace.sampler_options, namespace.sampler_spacing = found
        if getattr(namespace, "spacing", None) is None and found.spacing is not None:
            namespace.spacing = found.spacing


class _SpacingFlag(argparse.Action):
    def __call__(self, _: object, namespace: argparse.Namespace, values: Any, option: object = None) -> None:
        namespace.spacing = parse_spacing(values)
