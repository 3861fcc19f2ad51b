"""Flags that several commands share, and the Draft that they give."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.checkpoints.adapters.files import AdapterFiles
from engine.checkpoints.adapters.usable import names_of_checkpoint, why_not
from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.families import family
from engine.checkpoints.recognise import recognise
from engine.commands.destinations import file_name
from engine.commands.guide_flags import add_guide_flags
from engine.commands.sampler_flags import add_sampler
from engine.errors import UsageError, one_line
from engine.pictures.png import RESAMPLING
from engine.settings_folder import settings_folder
from engine.spec.adapter import AdapterUse, parse_flag
from engine.spec.catalog import DTYPES, ModelInfo, find
from engine.spec.draft import Draft
from engine.spec.memory import automatic_precision
from engine.spec.request import QUANTILE, THRESHOLDS
from engine.spec.saving import SAVINGS, WAYS

CASCADE = ("on", "off", "truncated")  # where the model has a second stage
MOST_ENLARGED = 64
RANDOM = -1  # as a seed, in every other studio too


def add_device(parser: argparse.ArgumentParser, json: str = "print the results as JSON on standard output") -> None:
    """Add --device, and --json with the help text `json`."""
    parser.add_argument("--device", metavar="KIND", help="cuda, xpu, mps or cpu (default: the best there is)")
    parser.add_argument("--json", action="store_true", help=json)


def add_model(parser: argparse.ArgumentParser, default: str) -> None:
    add = parser.add_argument
    about = "id, file or folder of the model (default %(default)s); “run.py models” lists those that are here"
    add("--model", default=default, metavar="MODEL", help=about)
    add("--vae", type=Path, metavar="FILE", help="another VAE for a checkpoint, also a TAESD (default: its own)")
    precision = (
        "of a checkpoint's net (default %(default)s: as the device does it well, and half where memory is short)"
    )
    add("--precision", choices=["auto", *DTYPES], default="auto", help=precision)
    for name in SAVINGS:
        add(WAYS[name].flag, dest=name, action="store_true", help=f"{WAYS[name].verb}, where memory is short")


def model_of(args: argparse.Namespace) -> ModelInfo:
    """Return the model that the flags of add_model() choose. Raises CatalogError, and UsageError for flags that belong
    to checkpoints alone.
    """
    automatic = args.precision == "auto"
    info = find(args.model, args.vae, "float32" if automatic else args.precision, show_hashing)
    saving = frozenset(name for name in SAVINGS if getattr(args, name))
    if info.config.get("kind") != "checkpoint":
        if args.vae is not None or not automatic or saving:
            raise UsageError(
                f"{info.title} is no checkpoint: leave out --vae, --precision, --tiles, --offload and --single."
            )
        return info
    info = info.with_saving(info.saving | saving)
    return info.in_precision(_best_precision(args, info)) if automatic else info


def _best_precision(args: argparse.Namespace, info: ModelInfo) -> str:
    """Return the precision of a checkpoint on the device of a command. Raises DeviceError for a missing device."""
    import torch

    from engine import devices
    from engine.models.memory import free_bytes

    device = torch.device(devices.choose(devices.available(), getattr(args, "device", None)))
    return automatic_precision(info, devices.best_precision(device), free_bytes(device))


def show_hashing(share: float) -> None:
    """Show the share of a checkpoint that is hashed, at its first use alone."""
    if sys.stderr.isatty():
        print(f"\rSHA-256: {share:.0%}", end="\n" if share >= 1 else "", file=sys.stderr, flush=True)


def add_enlarging(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--enlarge", type=int, default=1, metavar="N", help="enlarge the saved pictures N times (default %(default)s)")
    add("--resampling", choices=list(RESAMPLING), default="nearest", help="method of --enlarge (default %(default)s)")


def check_enlarging(args: argparse.Namespace) -> None:
    """Raises UsageError for a factor that is not possible."""
    if not 1 <= args.enlarge <= MOST_ENLARGED:
        raise UsageError(f"Enlarging is possible 1 to {MOST_ENLARGED} times.")


def add_condition(parser: argparse.ArgumentParser, model: str) -> None:
    """Add the flags of the commands that take a picture and its condition."""
    add = parser.add_argument
    add_model(parser, model)
    add("--prompt", default="", metavar="TEXT", help="description of the picture, for a model with text")
    add("--class", dest="label", metavar="NAME", help="class or style, by name (default: none)")
    add("--fit", action="store_true", help="resize pictures to the model's size; the margins repeat the picture's edge")
    add_device(parser, "print the results as JSON on standard output")


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the commands that sample pictures."""
    add = parser.add_argument
    add("--out", type=file_name, default=Path("picture.png"), metavar="FILE", help="PNG to write (default %(default)s)")
    add_model(parser, "emoji")
    add("--class", dest="label", metavar="NAME", help="class or style, by name")
    add("--size", type=sides, metavar="WxH", help="of the picture in pixels, as 768x512 (default: the model's)")
    add("--negative", default="", metavar="TEXT", help="negative prompt: what the picture should not show")
    add(
        "--lora",
        action="append",
        metavar="FILE:S",
        help="put on a LoRA, LoHa, LoKr or DoRA with strength S (default 1; repeatable); FILE:S:T sets the text "
        "encoder's apart, and FILE:S:T:IN04=0,OUT05=0.5 the strength in blocks",
    )
    add(
        "--wildcards",
        action="append",
        metavar="FOLDER",
        help="lists for __name__ in a text: name.txt, one text a line",
    )
    add(
        "--clip-skip",
        type=int,
        metavar="N",
        help="read the text encoder N layers before its end, 1: at its end (default: the model's)",
    )
    add("--steps", type=int, metavar="N", help="denoising steps (default: the model's)")
    add_sampler(parser, "the model's")
    add("--guidance", type=float, metavar="γ", help="scale of classifier-free guidance; 1: none (default: the model's)")
    add("--guidance-interval", type=float, nargs=2, metavar=("LOW", "HIGH"), help="guide only where LOW ≤ σ ≤ HIGH")
    add(
        "--threshold",
        choices=THRESHOLDS,
        default="none",
        help="keep x̂₀ in [−1, 1]: static clips, dynamic scales each picture",
    )
    add("--quantile", type=float, metavar="Q", help=f"quantile of |x̂₀| for --threshold dynamic (default {QUANTILE})")
    add("--temperature", type=float, default=1.0, metavar="τ", help="factor of the start noise x_T (default 1)")
    add(
        "--truncation",
        type=float,
        default=0.0,
        metavar="S",
        help="limit x_T to ±S standard deviations (default 0: no limit)",
    )
    add("--cascade", choices=CASCADE, help="second stage, which enlarges: on, off, or from a noisy state (default: on)")
    add(
        "--cascade-noise",
        type=float,
        metavar="S",
        help="σ of the noise that the second stage sees (default: the model's)",
    )
    add("--seed", type=int, metavar="N", help="seed of the first picture; the others count up (default and −1: random)")
    add("--batch", type=int, default=1, metavar="N", help="number of pictures; the files are numbered from 0")
    add_enlarging(parser)
    add("--run-file", type=file_name, metavar="FILE", help="write every denoising step to FILE")
    add_device(parser)
    add_guide_flags(parser)


def sides(text: str) -> tuple[int, int]:
    """The type of a flag that is a size, such as 768x512."""
    try:
        width, height = (int(side) for side in text.lower().replace("×", "x").split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{text}” is no size: type width x height, as 768x512") from None
    return width, height


def adapters_of(flags: Sequence[str], info: ModelInfo) -> tuple[AdapterUse, ...]:
    """The adapters of the flags --lora, with the hashes of their files. Raises CheckpointError for a missing one, and
    for one that the model cannot use.
    """
    if not flags:
        return ()
    files, uses = AdapterFiles(settings_folder()), []
    for flag in flags:
        where, strength, text, blocks = parse_flag(flag)
        name, digest = files.add(where)
        if "adapters" in info.takes:  # else the draft is refused
            names = names_of_checkpoint(recognise(info.folder, info.config["by_hand"]))
            title = family(info.config["family"]).title
            if why := why_not(files.path(name, digest), names, title, f"“{one_line(name, 100)}”"):
                raise CheckpointError(why)
        use = AdapterUse(name=name, sha256=digest, strength=strength, text_strength=text, blocks=blocks)
        uses.append(use)
    return tuple(uses)


def draft_of(args: argparse.Namespace, info: ModelInfo, **more: Any) -> Draft:
    """Return the Draft of the flags, with the model's defaults. Raises UsageError for flags that exclude each other."""
    if args.quantile is not None and args.threshold != "dynamic":
        raise UsageError("--quantile needs --threshold dynamic: add it, or leave --quantile out.")
    names = ("prompt", "negative", "label", "sampler", "spacing", "steps", "guidance", "batch", "threshold", "quantile")
    chosen = {name: getattr(args, name) for name in (*names, "temperature", "truncation")}
    if args.sampler_options:
        chosen["options"] = args.sampler_options
    chosen["clip_skip"] = args.clip_skip
    interval = tuple(args.guidance_interval) if args.guidance_interval else None
    if args.size is not None:
        chosen["width"], chosen["height"] = args.size
    chosen |= {"level": args.cascade_noise, "truncated": args.cascade == "truncated"}
    chosen["wildcards"] = tuple(args.wildcards or ())
    chosen["adapters"] = adapters_of(args.lora or (), info)
    if args.cascade is not None:
        chosen["enlarge"] = args.cascade != "off"
    seed = random.SystemRandom().randrange(2**31) if args.seed in (None, RANDOM) else args.seed
    return Draft.for_model(info, seed=seed, guidance_interval=interval, **chosen, **more)
