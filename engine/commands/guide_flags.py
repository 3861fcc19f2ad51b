"""Flags of guides (CLIPs and classifiers), for all commands that sample pictures."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.commands.picture_files import open_picture
from engine.errors import EngineError, UsageError
from engine.pictures.compositing import aim_picture
from engine.spec.edit import digest
from engine.spec.guides import LAWS, ON_NOISE, PLACES, Aim, ClassGuide, ClipGuide, Guide, Law

if TYPE_CHECKING:
    from engine.spec.edit import Pixels

DEFAULTS = ClipGuide(clip="any", aims=(Aim("any"),))
CLIP_FIELDS = {
    "scale": "clip_scale",
    "law": "clip_law",
    "on": "clip_on",
    "cutouts": "cutouts",
    "cut_size": "cut_size",
    "clip_gradient": "clip_limit",
    "smooth": "smooth",
    "keep_range": "keep_range",
}  # of a ClipGuide, and the flag that sets each
CLASS_FLAGS = ("classifier", "clean_classifier", "classify_on")

TIME = re.compile(r"(?:^|[^:\d])\d+:\d+$")


def add_guide_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("guides", "CLIPs and classifiers that steer the picture: docs/guidance.md")
    add = group.add_argument
    add("--clip", metavar="NAME", help="guide x̂₀ by this CLIP: emoji-clip, an installed open_clip model, or a file")
    add("--aim", action="append", metavar="TEXT[:WEIGHT]", help="text that CLIP steers to; repeatable; a "
        "weight below 0: away from it (default: the prompt); “10:30” is text, “red:30.0” has a weight")  # fmt: skip
    add("--aim-image", action="append", metavar="FILE[:WEIGHT]", help="a picture that CLIP steers to; repeatable")
    add_clip_numbers(group)
    add_noisy_clip(group)
    add("--classify", metavar="LABEL[:γ]", help="steer to a label of a classifier (default γ 1)")
    add("--classifier", metavar="NAME", help="id of the classifier (default: the embedded one of the model)")
    add(
        "--clean-classifier",
        action="store_true",
        help="use the twin that was trained on clean pictures, to see it fail",
    )
    add("--classify-on", choices=PLACES, help="input of the classifier (default xt, the noisy state)")
    add("--save-memory", action="store_true", help="recompute activations for the gradients: less memory, more time")


def add_clip_numbers(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add the settings of a CLIP guide, without its aims."""
    add = parser.add_argument
    add("--clip-scale", type=float, metavar="λ", help=f"strength (default {DEFAULTS.scale:g}); 0: off")
    add("--clip-law", metavar="LAW", help=f"how λ depends on σ: {', '.join(LAWS)}, with numbers as in "
        "window:low=0.1,high=5")  # fmt: skip
    add("--clip-on", choices=PLACES, help="input of CLIP: the estimate x̂₀, or x_t for a CLIP trained on noise")
    add(
        "--cutouts",
        type=int,
        metavar="N",
        help=f"number of views that CLIP scores; the first is the whole (default {DEFAULTS.cutouts})",
    )
    add(
        "--cut-size",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="side of the other views, as a share of the picture's",
    )
    add("--clip-limit", type=float, metavar="R", help="limit of x̂₀'s change in one step, RMS; 0: no limit")
    add("--smooth", type=float, metavar="W", help="weight of the total variation in the loss")
    add("--keep-range", type=float, metavar="W", help="weight of values outside [−1, 1] in the loss")


def add_noisy_clip(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add the flags of a second CLIP, which sees the noisy state x_t."""
    add, own = parser.add_argument, ON_NOISE
    add(
        "--noisy-clip",
        metavar="NAME",
        help="guide x_t by this CLIP, trained on noise; same aims, with or without --clip",
    )
    add("--noisy-scale", type=float, metavar="λ", help=f"strength (default {own['scale']:g})")
    add("--noisy-limit", type=float, metavar="R", help=f"as --clip-limit (default {own['clip_gradient']:g})")


def clip_numbers(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of the ClipGuide of --clip. Raises UsageError for an invalid law."""
    fields: dict[str, Any] = {field: getattr(args, flag) for field, flag in CLIP_FIELDS.items()}
    fields["law"] = parse_law(args.clip_law) if args.clip_law else None
    fields["cut_size"] = tuple(args.cut_size) if args.cut_size else None
    chosen = {name: value for name, value in fields.items() if value is not None}
    return ON_NOISE | chosen if args.clip_on == "xt" else chosen


def noisy_numbers(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of the ClipGuide of --noisy-clip."""
    chosen = {"scale": args.noisy_scale, "clip_gradient": args.noisy_limit}
    return ON_NOISE | {name: value for name, value in chosen.items() if value is not None}


def guides_of(args: argparse.Namespace, model: str) -> tuple[tuple[Guide, ...], tuple[Pixels, ...]]:
    """Return the guides of the flags, the classifier innermost and CLIP on x̂₀ outermost, and the aim pictures.

    Raises UsageError for flags that exclude each other, ImageError for pictures that cannot be read.
    """
    guides: list[Guide] = []
    pictures: list[Pixels] = []
    if args.classify is not None:
        label, scale = split_weight(args.classify)
        guides.append(
            ClassGuide(
                classifier=args.classifier or classifier_for(model),
                label=label,
                scale=scale,
                noisy=not args.clean_classifier,
                on=args.classify_on or "xt",
            )
        )
    elif any(getattr(args, name) for name in CLASS_FLAGS):
        raise UsageError("A classifier needs a label: add --classify LABEL, or leave its other flags out.")
    if args.noisy_clip is None and (args.noisy_scale, args.noisy_limit) != (None, None):
        raise UsageError("--noisy-scale and --noisy-limit need --noisy-clip: add it, or leave them out.")
    if args.clip is not None or args.noisy_clip is not None:
        pictures = [aim_picture(open_picture(Path(split_file_weight(text)[0]))) for text in args.aim_image or ()]
        aims = _aims(args, [digest(picture) for picture in pictures])
        if args.noisy_clip is not None:
            guides.append(ClipGuide(clip=args.noisy_clip, aims=aims, **noisy_numbers(args)))
        if args.clip is not None:
            guides.append(ClipGuide(clip=args.clip, aims=aims, **clip_numbers(args)))
    elif any(getattr(args, name) is not None for name in ("aim", "aim_image", *CLIP_FIELDS.values())):
        raise UsageError("These flags need a CLIP: add --clip emoji-clip, or leave them out.")
    return tuple(guides), tuple(pictures)


def split_weight(text: str) -> tuple[str, float]:
    """Split “a cat:1.5” into (“a cat”, 1.5). Without a number after the last colon the weight is 1."""
    before, colon, after = text.rpartition(":")
    try:
        return (before, float(after)) if colon else (text, 1.0)
    except ValueError:
        return text, 1.0


def split_aim_weight(text: str) -> tuple[str, float]:
    """Split an aim. Two whole numbers at its end are text, as in “a clock at 10:30”; write :30.0 for a weight."""
    return (text, 1.0) if TIME.search(text) else split_weight(text)


def split_file_weight(text: str) -> tuple[str, float]:
    """Split the name of a picture and its weight. The name of an existing file is never split."""
    return (text, 1.0) if Path(text).exists() else split_weight(text)


def parse_law(text: str) -> Law:
    """Parse a Law such as “window:low=0.1,high=5”. Raises UsageError."""
    name, _, numbers = text.partition(":")
    try:
        pairs = [part.split("=") for part in numbers.split(",") if part]
        return Law.of(name.strip(), **{key.strip(): float(value) for key, value in pairs})
    except ValueError as error:
        if isinstance(error, EngineError):  # its sentence says more
            raise
        raise UsageError(f"“{text}” is no law of λ: type one such as window:low=0.1,high=5.") from None


def classifier_for(model: str) -> str:
    """Return the id of the embedded classifier of a model. Raises UsageError without one."""
    from engine.spec.guide_models import classifiers

    for info in classifiers():
        if info.model == model:
            return info.id
    raise UsageError(f"“{model}” has no embedded classifier: name one with --classifier.")


def _aims(args: argparse.Namespace, images: list[str]) -> tuple[Aim, ...]:
    aims = [Aim(text, weight=weight) for text, weight in map(split_aim_weight, args.aim or ())]
    weights = [split_file_weight(text)[1] for text in args.aim_image or ()]
    aims += [Aim(image=image, weight=weight) for image, weight in zip(images, weights, strict=True)]
    if not aims and not args.prompt.strip():
        raise UsageError("CLIP needs an aim: add --aim TEXT, or a prompt.")
    return tuple(aims) or (Aim(args.prompt),)
