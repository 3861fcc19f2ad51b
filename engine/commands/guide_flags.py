"""The flags of what steers a picture: CLIPs and classifiers, for every command that makes pictures."""

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
    group = parser.add_argument_group("guides", "what else steers the picture: docs/guidance.md")
    add = group.add_argument
    add("--clip", metavar="NAME", help="guide by this CLIP: emoji-clip, one of open_clip's that is here, or a file")
    add("--aim", action="append", metavar="TEXT[:WEIGHT]", help="what CLIP steers to, or away from below 0; repeatable "
        "(default: the prompt); the end of “at 10:30” is text, of “red:30.0” a weight")  # fmt: skip
    add("--aim-image", action="append", metavar="FILE[:WEIGHT]", help="a picture that CLIP steers to; repeatable")
    add_clip_numbers(group)
    add_noisy_clip(group)
    add("--classify", metavar="LABEL[:γ]", help="guide by a classifier to one of its labels (default γ 1)")
    add("--classifier", metavar="NAME", help="which one (default: the one in the box for the model)")
    add("--clean-classifier", action="store_true", help="its twin that has never seen noise, to see it fail")
    add("--classify-on", choices=PLACES, help="what it looks at (default xt, the noisy state)")
    add("--save-memory", action="store_true", help="compute nets twice rather than keep them for the gradients")


def add_clip_numbers(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """How a CLIP guides, whatever it aims at."""
    add = parser.add_argument
    add("--clip-scale", type=float, metavar="λ", help=f"how strongly (default {DEFAULTS.scale:g}); 0 is not at all")
    add("--clip-law", metavar="LAW", help=f"how λ depends on σ: {', '.join(LAWS)}, with numbers as in "
        "window:low=0.1,high=5")  # fmt: skip
    add("--clip-on", choices=PLACES, help="what CLIP looks at: the estimate x̂₀, or x_t for one that knows noise")
    add(
        "--cutouts",
        type=int,
        metavar="N",
        help=f"views that it scores, the whole first (default {DEFAULTS.cutouts})",
    )
    add("--cut-size", type=float, nargs=2, metavar=("LOW", "HIGH"), help="their sides, as shares of the picture's")
    add("--clip-limit", type=float, metavar="R", help="the most that one step moves x̂₀, root mean square; 0: no limit")
    add("--smooth", type=float, metavar="W", help="weight of total variation beside CLIP's distance")
    add("--keep-range", type=float, metavar="W", help="weight of values outside [−1, 1] beside CLIP's distance")


def add_noisy_clip(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """A second CLIP, on the noisy state."""
    add, own = parser.add_argument, ON_NOISE
    add("--noisy-clip", metavar="NAME", help="also, or only, guide x_t by this CLIP that knows noise, to the same aims")
    add("--noisy-scale", type=float, metavar="λ", help=f"how strongly (default {own['scale']:g})")
    add("--noisy-limit", type=float, metavar="R", help=f"as --clip-limit (default {own['clip_gradient']:g})")


def clip_numbers(args: argparse.Namespace) -> dict[str, Any]:
    """The fields of the ClipGuide of --clip. Raises UsageError for a law that cannot be."""
    fields: dict[str, Any] = {field: getattr(args, flag) for field, flag in CLIP_FIELDS.items()}
    fields["law"] = parse_law(args.clip_law) if args.clip_law else None
    fields["cut_size"] = tuple(args.cut_size) if args.cut_size else None
    chosen = {name: value for name, value in fields.items() if value is not None}
    return ON_NOISE | chosen if args.clip_on == "xt" else chosen


def noisy_numbers(args: argparse.Namespace) -> dict[str, Any]:
    """The fields of the ClipGuide of --noisy-clip."""
    chosen = {"scale": args.noisy_scale, "clip_gradient": args.noisy_limit}
    return ON_NOISE | {name: value for name, value in chosen.items() if value is not None}


def guides_of(args: argparse.Namespace, model: str) -> tuple[tuple[Guide, ...], tuple[Pixels, ...]]:
    """The guides that the flags ask for, the classifier innermost and CLIP on x̂₀ outermost; the pictures aimed at.

    Raises UsageError, in one sentence, for flags that do not belong together and for pictures that cannot be read.
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
        raise UsageError("A classifier needs a label to steer to: add --classify LABEL, or leave its other flags out.")
    if args.noisy_clip is None and (args.noisy_scale, args.noisy_limit) != (None, None):
        raise UsageError("--noisy-scale and --noisy-limit are of --noisy-clip: add it, or leave them out.")
    if args.clip is not None or args.noisy_clip is not None:
        pictures = [aim_picture(open_picture(Path(split_file_weight(text)[0]))) for text in args.aim_image or ()]
        aims = _aims(args, [digest(picture) for picture in pictures])
        if args.noisy_clip is not None:
            guides.append(ClipGuide(clip=args.noisy_clip, aims=aims, **noisy_numbers(args)))
        if args.clip is not None:
            guides.append(ClipGuide(clip=args.clip, aims=aims, **clip_numbers(args)))
    elif any(getattr(args, name) is not None for name in ("aim", "aim_image", *CLIP_FIELDS.values())):
        raise UsageError("CLIP's flags need to know which CLIP: add --clip emoji-clip, or leave them out.")
    return tuple(guides), tuple(pictures)


def split_weight(text: str) -> tuple[str, float]:
    """“a cat:1.5” → (“a cat”, 1.5); without a number after its last colon, all of it with the weight 1."""
    before, colon, after = text.rpartition(":")
    try:
        return (before, float(after)) if colon else (text, 1.0)
    except ValueError:
        return text, 1.0


def split_aim_weight(text: str) -> tuple[str, float]:
    """Read an aim. Two whole numbers at its end are text, as in “a clock at 10:30”; write :30.0 for that weight."""
    return (text, 1.0) if TIME.search(text) else split_weight(text)


def split_file_weight(text: str) -> tuple[str, float]:
    """Read the name of a picture; a file may be named as if it had a weight."""
    return (text, 1.0) if Path(text).exists() else split_weight(text)


def parse_law(text: str) -> Law:
    """“window:low=0.1,high=5” as a Law. Raises UsageError for anything else."""
    name, _, numbers = text.partition(":")
    try:
        pairs = [part.split("=") for part in numbers.split(",") if part]
        return Law.of(name.strip(), **{key.strip(): float(value) for key, value in pairs})
    except ValueError as error:
        if isinstance(error, EngineError):  # it says more
            raise
        raise UsageError(f"“{text}” is no law of λ: type one such as window:low=0.1,high=5.") from None


def classifier_for(model: str) -> str:
    """The classifier in the box that was made for a model. Raises UsageError where there is none."""
    from engine.spec.guide_models import classifiers

    for info in classifiers():
        if info.model == model:
            return info.id
    raise UsageError(f"There is no classifier for “{model}” in the box: name one with --classifier.")


def _aims(args: argparse.Namespace, images: list[str]) -> tuple[Aim, ...]:
    aims = [Aim(text, weight=weight) for text, weight in map(split_aim_weight, args.aim or ())]
    weights = [split_file_weight(text)[1] for text in args.aim_image or ()]
    aims += [Aim(image=image, weight=weight) for image, weight in zip(images, weights, strict=True)]
    if not aims and not args.prompt.strip():
        raise UsageError("CLIP needs something to steer to: add --aim TEXT, or a prompt.")
    return tuple(aims) or (Aim(args.prompt),)
