"""The flags that several commands share, and what they choose."""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import Any

from engine.commands.destinations import file_name
from engine.commands.guide_flags import add_guide_flags
from engine.commands.sampler_flags import add_sampler
from engine.errors import UsageError
from engine.pictures.png import RESAMPLING
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft
from engine.spec.request import QUANTILE, THRESHOLDS

CASCADE = ("on", "off", "truncated")  # where the model has a second stage
MOST_ENLARGED = 64
RANDOM = -1  # as a seed, in every other studio too


def add_device(parser: argparse.ArgumentParser, json: str = "print what was made as JSON on standard output") -> None:
    """Where a command computes, and whether it reports in JSON: what `json` says of that."""
    parser.add_argument("--device", metavar="KIND", help="cuda, xpu, mps or cpu (default: the best there is)")
    parser.add_argument("--json", action="store_true", help=json)


def add_model(parser: argparse.ArgumentParser, default: str) -> None:
    about = "which model, or the folder of one (default %(default)s)"
    parser.add_argument("--model", default=default, metavar="MODEL", help=about)


def add_enlarging(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--enlarge", type=int, default=1, metavar="N", help="save N times as large (default %(default)s)")
    add("--resampling", choices=list(RESAMPLING), default="nearest", help="how to enlarge (default %(default)s)")


def check_enlarging(args: argparse.Namespace) -> None:
    """Raises UsageError for a factor that is not possible."""
    if not 1 <= args.enlarge <= MOST_ENLARGED:
        raise UsageError(f"Enlarging is possible 1 to {MOST_ENLARGED} times.")


def add_condition(parser: argparse.ArgumentParser, model: str) -> None:
    """The flags of every command about a picture under a model's condition."""
    add = parser.add_argument
    add_model(parser, model)
    add("--prompt", default="", metavar="TEXT", help="what the picture shows, for a model with text")
    add("--class", dest="label", metavar="NAME", help="class or style, by name (default: none)")
    add("--fit", action="store_true", help="bring pictures to the model's size, whole, their edges drawn out")
    add_device(parser, "print what was found as JSON on standard output")


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """The flags of every command that makes pictures by the model's sampler."""
    add = parser.add_argument
    add("--out", type=file_name, default=Path("picture.png"), metavar="FILE", help="PNG to write (default %(default)s)")
    add_model(parser, "emoji")
    add("--class", dest="label", metavar="NAME", help="class or style, by name")
    add("--negative", default="", metavar="TEXT", help="what to keep away from")
    add("--steps", type=int, metavar="N", help="denoising steps (default: the model's)")
    add_sampler(parser, "the model's")
    add("--guidance", type=float, metavar="γ", help="classifier-free guidance; 1 is none (default: the model's)")
    add("--guidance-interval", type=float, nargs=2, metavar=("LOW", "HIGH"), help="guide where LOW ≤ σ ≤ HIGH alone")
    add("--threshold", choices=THRESHOLDS, default="none", help="hold x̂₀ in [−1, 1]: clip it, or scale each picture")
    add("--quantile", type=float, metavar="Q", help=f"of |x̂₀| for --threshold dynamic (default {QUANTILE})")
    add("--temperature", type=float, default=1.0, metavar="τ", help="scales the noise x_T it starts from (default 1)")
    add("--truncation", type=float, default=0.0, metavar="S", help="no number of x_T beyond ±S standard deviations")
    add("--cascade", choices=CASCADE, help="draw larger: after the last step, or from a noisy state (default: on)")
    add(
        "--cascade-noise",
        type=float,
        metavar="S",
        help="σ of the noise that the second stage sees (default: the model's)",
    )
    add("--seed", type=int, metavar="N", help="of the first picture; the others count up (default, and −1: random)")
    add("--batch", type=int, default=1, metavar="N", help="how many pictures; two or more are numbered from 0")
    add_enlarging(parser)
    add("--run-file", type=file_name, metavar="FILE", help="also keep every denoising step in FILE")
    add_device(parser)
    add_guide_flags(parser)


def draft_of(args: argparse.Namespace, info: ModelInfo, **more: Any) -> Draft:
    """What the flags choose, over the model's defaults. Raises UsageError for flags that do not belong together."""
    if args.quantile is not None and args.threshold != "dynamic":
        raise UsageError("A quantile is of a dynamic threshold: add --threshold dynamic, or leave --quantile out.")
    names = ("prompt", "negative", "label", "sampler", "spacing", "steps", "guidance", "batch", "threshold", "quantile")
    chosen = {name: getattr(args, name) for name in (*names, "temperature", "truncation")}
    if args.sampler_options:
        chosen["options"] = args.sampler_options
    interval = tuple(args.guidance_interval) if args.guidance_interval else None
    chosen |= {"level": args.cascade_noise, "truncated": args.cascade == "truncated"}
    if args.cascade is not None:
        chosen["enlarge"] = args.cascade != "off"
    seed = random.SystemRandom().randrange(2**31) if args.seed in (None, RANDOM) else args.seed
    return Draft.for_model(info, seed=seed, guidance_interval=interval, **chosen, **more)
