"""`train-clip`: train a CLIP on captioned pictures, to guide and to score with."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from engine.commands.numbers import count, number, seed, share, size


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "train-clip",
        help="train a CLIP that guides and scores",
        description="Train a small image tower against the frozen text encoder: the vectors of a picture and its "
        "caption come closer, all others move apart. See docs/training.md.",
    )
    add = parser.add_argument
    add("data", type=Path, metavar="DATA", help="folder that `data build` wrote, such as .data/emoji")
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder of checkpoints and log (default .runs/clip-NAME); an existing one is resumed",
    )
    add("--minutes", type=number, default=30.0, metavar="M", help="wall-clock budget (default %(default)s)")
    add("--steps", type=int, metavar="N", help="end after N steps at the latest")
    add("--batch", type=size, default=192, metavar="N", help="pictures per step (default %(default)s)")
    add("--rate", type=number, default=2e-3, metavar="LR", help="peak learning rate (default %(default)s)")
    add("--seed", type=seed, default=0, metavar="N", help="seed of all random numbers (default %(default)s)")
    add("--noisy", action="store_true", help="train on noisy pictures x_t, with σ as an input")
    add("--level", type=number, default=0.5, metavar="MEAN", help="mean of ln σ with --noisy (default %(default)s)")
    add("--denoiser", metavar="MODEL", help="train on this model's x̂₀ of noisy pictures too, as guidance uses them")
    add("--estimated", type=count, default=8, metavar="N", help="number of x̂₀ of each picture (default %(default)s)")
    add(
        "--blurred",
        type=share,
        default=0.5,
        metavar="PART",
        help="share of x̂₀ among the pictures (default %(default)s)",
    )
    add(
        "--repeats",
        choices=("apart", "shared", "ignored"),
        default="apart",
        help="pictures of one name: never in one batch (apart), share their captions (shared), or count as different "
        "(ignored) (default %(default)s)",
    )
    add("--robust", type=number, default=0.0, metavar="R", help="adversarial training: perturb pictures by up to R")
    add(
        "--width",
        type=size,
        default=128,
        metavar="N",
        help="width of the tower, a multiple of 32 (default %(default)s)",
    )
    add("--depth", type=size, default=6, metavar="N", help="depth of the tower in blocks (default %(default)s)")
    add(
        "--warm-start",
        type=Path,
        metavar="FILE",
        help="weights to start from (safetensors); arrays that do not fit are skipped",
    )
    add("--compile", action="store_true", help="compile the tower: faster after a minute")
    add(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="number format (default: the faster one on this machine)",
    )
    add("--id", default="", metavar="NAME", help="id of the CLIP (default NAME-clip)")
    add("--title", default="", metavar="NAME", help="title in the studio")
    add("--export", type=Path, metavar="DIR", help="write a CLIP folder for the studio at the end")
    parser.set_defaults(run=train_clip)


def train_clip(args: argparse.Namespace) -> int:
    from engine.train.contrastive_job import ContrastiveJob

    job = ContrastiveJob(
        data=args.data,
        out=args.out or Path(".runs") / f"clip-{args.data.resolve().name}",
        minutes=args.minutes,
        steps=args.steps,
        batch=args.batch,
        rate=args.rate,
        seed=args.seed,
        noisy=args.noisy,
        denoiser=args.denoiser,
        estimated=args.estimated,
        blurred=args.blurred,
        repeats=args.repeats,
        robust=args.robust,
        level=args.level,
        width=args.width,
        depth=args.depth,
        warm_start=args.warm_start,
        compiled=args.compile,
        precision=args.precision,
        id=args.id,
        title=args.title,
        export=args.export,
    )
    job.run(lambda line: print(line, file=sys.stderr, flush=True))
    return 0
