"""`generate`: a text, a class, or both → pictures, without a window."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from engine.commands.guides import add_guide_flags, guides_of
from engine.paths import path_of
from engine.pictures.compositing import composite
from engine.pictures.png import RESAMPLING, save_png
from engine.rules import menu
from engine.spec.catalog import ModelInfo, find
from engine.spec.draft import Draft, resolve
from engine.spec.edit import Box, Inputs, Pixels
from engine.spec.request import QUANTILE, THRESHOLDS, Request

Page: TypeAlias = tuple[Pixels, Pixels | None, Box]  # a picture, its mask, and the box that is made anew in it
CASCADE = ("on", "off", "truncated")  # where the model has a second stage


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "generate",
        help="make pictures from a text",
        description="Make pictures from a text, a class, or both. Every picture holds its settings.",
        epilog='Example: run.py generate "red apple" --class noto --out apple.png --batch 4',
    )
    parser.add_argument("prompt", nargs="?", default="", help="what to see; leave it out to let the class alone decide")
    add_flags(parser)
    parser.set_defaults(run=generate)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """What every command that makes pictures can be told."""
    add = parser.add_argument
    add("--out", type=Path, default=Path("picture.png"), metavar="FILE", help="PNG to write (default %(default)s)")
    add("--model", default="emoji", metavar="MODEL", help="which model, or the folder of one (default %(default)s)")
    add("--class", dest="label", metavar="NAME", help="class or style, by name")
    add("--negative", default="", metavar="TEXT", help="what to keep away from")
    add("--steps", type=int, metavar="N", help="denoising steps (default: the model's)")
    add("--sampler", choices=list(menu()), metavar="NAME", help=f"one of {', '.join(menu())} (default: the model's)")
    add("--spacing", metavar="NAME", help="how the noise levels are spaced (default: the model's)")
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
    add("--seed", type=int, metavar="N", help="of the first picture; the others count up (default: random)")
    add("--batch", type=int, default=1, metavar="N", help="how many pictures; two or more are numbered from 0")
    add("--enlarge", type=int, default=1, metavar="N", help="save N times as large (default %(default)s)")
    add("--resampling", choices=list(RESAMPLING), default="nearest", help="how to enlarge (default %(default)s)")
    add("--run-file", type=Path, metavar="FILE", help="also keep every denoising step in FILE")
    add("--device", metavar="KIND", help="cuda, xpu, mps or cpu (default: the best there is)")
    add("--json", action="store_true", help="print what was made as JSON on standard output")
    add_guide_flags(parser)


def generate(args: argparse.Namespace) -> int:
    info = find(args.model)
    guides, aims = guides_of(args, info.id)
    request = resolve(drafted(args, info, guides=guides), info)
    make(args, info, request, aims=aims)
    return 0


def make(
    args: argparse.Namespace,
    info: ModelInfo,
    request: Request,
    inputs: Inputs | None = None,
    page: Page | None = None,
    aims: Sequence[Pixels] = (),
) -> None:
    """Run a request and save its pictures, each in its place on `page` where there is one; say what was made. `aims`
    are the pictures that its guides aim at.

    Raises ValueError for flags that cannot be, before torch is loaded.
    """
    if not 1 <= args.enlarge <= 64:
        raise ValueError("Enlarging is possible 1 to 64 times.")
    paths = numbered(args.out, args.batch)

    from engine.session import Session  # torch comes in here, after everything that can be refused without it

    began = time.perf_counter()
    session = Session(args.device, [info])
    session.save = True if args.save_memory else None
    session.load(info)
    loaded = time.perf_counter()
    hops = len(path_of(request))
    for step in session.generate(request, args.run_file, inputs=inputs, aims=aims):
        progress(step.i + 1, hops)
    # not before the run's own end is in its file
    made = session.finish(request, step.move.x, args.run_file, inputs=inputs, transparent=page is None)
    done = time.perf_counter()
    for index, path in enumerate(paths):
        rgb = made[index] if page is None else composite(*page, made[index])
        save_png(path, rgb, request, index, args.enlarge, args.resampling, box=page[2] if page else None)
    size = (rgb.shape[1], rgb.shape[0])
    report(args, request, paths, session.device_name, loaded - began, done - loaded, size)


def drafted(args: argparse.Namespace, info: ModelInfo, **more: Any) -> Draft:
    """What was asked for, over the model's defaults. Raises ValueError for flags that do not belong together."""
    if args.quantile is not None and args.threshold != "dynamic":
        raise ValueError("A quantile is of a dynamic threshold: add --threshold dynamic, or leave --quantile out.")
    names = ("prompt", "negative", "label", "sampler", "spacing", "steps", "guidance", "batch", "threshold", "quantile")
    chosen = {name: getattr(args, name) for name in (*names, "temperature", "truncation")}
    interval = tuple(args.guidance_interval) if args.guidance_interval else None
    chosen |= {"level": args.cascade_noise, "truncated": args.cascade == "truncated"}
    if args.cascade is not None:
        chosen["enlarge"] = args.cascade != "off"
    seed = random.SystemRandom().randrange(2**31) if args.seed is None else args.seed
    return Draft.for_model(info, seed=seed, guidance_interval=interval, **chosen, **more)


def numbered(out: Path, batch: int) -> list[Path]:
    """apple.png for one picture; apple-0.png, apple-1.png … for more."""
    out = out if out.suffix else out.with_suffix(".png")
    if out.suffix.lower() != ".png":
        raise ValueError(f"Pictures are written as PNG: end the name in .png instead of {out.suffix}.")
    return [out] if batch == 1 else [out.with_name(f"{out.stem}-{k}{out.suffix}") for k in range(batch)]


def progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done}/{total} steps", end="\n" if done == total else "", file=sys.stderr, flush=True)


def report(
    args: argparse.Namespace,
    request: Request,
    paths: list[Path],
    device: str,
    load: float,
    seconds: float,
    size: tuple[int, int],
) -> None:
    if args.json:
        facts = {
            "pictures": [{"path": str(p), "seed": s} for p, s in zip(paths, request.seeds, strict=True)],
            "request": request.to_dict(),
            "device": device,
            "load_seconds": round(load, 3),
            "seconds": round(seconds, 3),
        }
        print(json.dumps(facts, ensure_ascii=False))
        return
    width, height = size
    for path, seed in zip(paths, request.seeds, strict=True):
        print(f"{path}  {width * args.enlarge}×{height * args.enlarge}, seed {seed}")
    print(f"{seconds:.1f} s on {device} ({load:.1f} s to load)", file=sys.stderr)
