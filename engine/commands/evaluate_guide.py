"""`evaluate-guide`: measure a CLIP as a guide with an independent judge."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.commands.evaluate import PictureCounter
from engine.commands.flags import add_device
from engine.commands.guide_flags import add_clip_numbers, add_noisy_clip, clip_numbers, noisy_numbers
from engine.commands.numbers import count, number, seed
from engine.errors import UsageError
from engine.spec.catalog import find
from engine.spec.guides import Aim, ClipGuide, resolve_guide

if TYPE_CHECKING:
    from engine.evaluate.batches import PictureSpec
    from engine.evaluate.dataset_pictures import RealPictures

PARTS = ("alone", "beside")


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "evaluate-guide",
        help="measure a CLIP as a guide",
        description="Draw the names of a data set's list: without a prompt, guided by CLIP alone; and with the prompt, "
        "with and without CLIP. A judge, which was trained on real pictures only, names the pictures. See "
        "docs/guidance.md.",
    )
    add = parser.add_argument
    add("model", help="id of the model, such as emoji, or its folder")
    add("--clip", metavar="NAME", help="id of the CLIP that guides x̂₀, such as emoji-clip")
    add("--data", type=Path, metavar="DIR", help="the data set (default: .data/ID)")
    add("--judge", type=Path, metavar="DIR", help="folder of your own judge (default: the embedded one)")
    add("--part", choices=PARTS, action="append", help="measure one part only: CLIP alone, or beside the prompt")
    add("--alone", type=count, default=100, metavar="N", help="number of names for CLIP alone (default %(default)s)")
    add("--beside", type=count, default=200, metavar="N", help="number of pictures with a prompt (default %(default)s)")
    add(
        "--draw",
        type=seed,
        default=0,
        metavar="SEED",
        help="seed of the choice of names and styles (default %(default)s)",
    )
    add("--tuning", action="store_true", help="use other names and seeds, to tune settings with")
    add("--scales", type=number, nargs="+", metavar="λ", help="strengths to measure, of --clip, else of --noisy-clip")
    add("--steps", type=count, metavar="N", help="denoising steps (default: the model's)")
    add("--sampler", metavar="NAME", help="sampler (default: the model's)")
    add("--spacing", metavar="NAME", help="spacing of the noise levels (default: the model's)")
    add_device(parser, "print the figures as JSON")
    add_clip_numbers(parser)
    add_noisy_clip(parser)
    parser.set_defaults(run=evaluate_guide)


def evaluate_guide(args: argparse.Namespace) -> int:
    info = find(args.model)
    if not info.text:
        raise UsageError(f"{info.title} takes no text: choose a model with text, such as emoji.")
    if min(args.alone, args.beside) < 4:
        raise UsageError("There are too few pictures to judge: set --alone and --beside to 4 or more.")
    guides = _guides(args)

    from engine.evaluate.dataset_pictures import RealPictures
    from engine.evaluate.guide_figures import GuideEvaluation
    from engine.evaluate.judge import Judge, judge_folder
    from engine.session import Session

    judge = Judge.of(args.judge or judge_folder(info.id))
    real = RealPictures.of(args.data or Path(".data") / info.id, judge.net.side)
    session, progress = Session(args.device, [info]), PictureCounter()
    choices = {key: getattr(args, key) for key in ("steps", "sampler", "spacing")}
    scales = args.scales or [guides[-1].scale]
    counts = {part: getattr(args, part) for part in args.part or PARTS}
    specs = {part: _specs(real, n, args) for part, n in counts.items()}
    progress.total = sum((1 + len(scales)) * len(some) for some in specs.values())
    results: list[dict[str, Any]] = []
    unguided: dict[str, Any] = {}
    for scale in scales:
        some_guides = (*guides[:-1], replace(guides[-1], scale=scale))
        evaluation = GuideEvaluation(info, judge, real, session, some_guides, choices, progress)
        for part, some in specs.items():
            if part not in unguided:
                unguided[part] = evaluation.figures(some, part, guided=False)
            figures: dict[str, Any] = {
                "part": part,
                "scale": scale,
                "n": len(some),
                "seeds": [some[0].seed, some[-1].seed],
            }
            figures |= {"unguided": unguided[part], "guided": evaluation.figures(some, part, guided=True)}
            results.append(figures)
            if not args.json:
                print("\n".join(lines(figures)), flush=True)
    if args.json:
        facts = {"model": info.id, "settings": choices, "figures": results}
        facts["guides"] = [asdict(guide) for guide in guides]
        print(json.dumps(facts))
    return 0


def _guides(args: argparse.Namespace) -> tuple[ClipGuide, ...]:
    """Build the guides of the flags, with a placeholder aim; CLIP on x̂₀ last."""
    aims, guides = (Aim("each its own"),), []
    if args.noisy_clip is not None:
        guides.append(ClipGuide(clip=args.noisy_clip, aims=aims, **noisy_numbers(args)))
    if args.clip is not None:
        guides.append(ClipGuide(clip=args.clip, aims=aims, **clip_numbers(args)))
    if not guides:
        raise UsageError("There is no CLIP to judge: name one with --clip or --noisy-clip.")
    return tuple(replace(guide, sha256=resolve_guide(guide).sha256) for guide in guides)


def _specs(real: RealPictures, n: int, args: argparse.Namespace) -> list[PictureSpec]:
    from engine.evaluate.batches import specs_by_name
    from engine.evaluate.guide_figures import tuning_specs

    return tuning_specs(real, n, args.draw) if args.tuning else specs_by_name(real, n, True, args.draw)


def lines(figures: dict[str, Any]) -> list[str]:
    """Return the printed lines of one part."""
    titles = {"alone": "no prompt, CLIP alone", "beside": "with the prompt, CLIP beside it"}
    first, last = figures["seeds"]
    head = f"λ = {figures['scale']:g}, {titles[figures['part']]}, N = {figures['n']}, seeds {first}–{last}:"
    rows = []
    for name in ("unguided", "guided"):
        f = figures[name]
        low, high = f["among five interval"]
        rows.append(
            f"  {name + ':':10} {f['first']:.1%} first, {f['among five']:.1%} among five "
            f"(95 %: {low:.1%}–{high:.1%}), FID {f['fid']:.1f}"
        )
    return [head, *rows]
