"""`train-classifier`: train a noise-aware classifier and its twin for clean pictures, as guides."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from engine.commands.numbers import number, seed, size


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "train-classifier",
        help="train a classifier that guides",
        description="Train a small classifier of a data set's labels on noisy pictures, with σ as input, and a twin "
        "on clean pictures. Measure both on held-out pictures, by noise level.",
    )
    add = parser.add_argument
    add("data", type=Path, metavar="DATA", help="folder that `data build` wrote, such as .data/emoji")
    add("--out", type=Path, metavar="DIR", help="output folder (default .runs/classifier-NAME)")
    add(
        "--steps",
        type=int,
        default=700,
        metavar="N",
        help="steps of the clean twin; the other one takes twice as many (default %(default)s)",
    )
    add("--batch", type=size, default=128, metavar="N", help="pictures per step (default %(default)s)")
    add("--rate", type=number, default=2e-3, metavar="LR", help="peak learning rate (default %(default)s)")
    add("--level", type=number, default=0.0, metavar="MEAN", help="mean of ln σ (default %(default)s)")
    add("--seed", type=seed, default=0, metavar="N", help="seed of all random numbers (default %(default)s)")
    add(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="number format (default: the faster one on this machine)",
    )
    add("--begin", type=Path, metavar="DIR", help="folder of an earlier training: start from its clean twin")
    add("--id", default="", metavar="NAME", help="id of the classifier (default NAME-KIND)")
    add("--title", default="", metavar="NAME", help="title in the studio")
    parser.set_defaults(run=train_classifier)


def train_classifier(args: argparse.Namespace) -> int:
    from engine.train.job import faster_precision
    from engine.train.noisy import NoisyJob, NoisySettings, lines

    settings = NoisySettings(
        steps=args.steps,
        batch=args.batch,
        rate=args.rate,
        level=args.level,
        seed=args.seed,
        precision=faster_precision() if args.precision == "auto" else args.precision,
    )
    out = args.out or Path(".runs") / f"classifier-{args.data.resolve().name}"
    job = NoisyJob(data=args.data, out=out, settings=settings, id=args.id, title=args.title, begin=args.begin)
    print("\n".join(lines(job.run(lambda line: print(line, file=sys.stderr, flush=True)))))
    return 0
