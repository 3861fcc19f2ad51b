"""`train-classifier`: a classifier that is told σ, and its clean twin, to guide with."""

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
        description="Train a small classifier of a data set's labels that reads pictures under noise and is told how "
        "much, and its twin that sees clean pictures alone; measure both on what is held out, by noise level.",
    )
    add = parser.add_argument
    add("data", type=Path, metavar="DATA", help="folder that `data build` wrote, such as .data/emoji")
    add("--out", type=Path, metavar="DIR", help="where to (default .runs/classifier-NAME)")
    add(
        "--steps",
        type=int,
        default=700,
        metavar="N",
        help="of the clean twin; of the other twice (default %(default)s)",
    )
    add("--batch", type=size, default=128, metavar="N", help="pictures per step (default %(default)s)")
    add("--rate", type=number, default=2e-3, metavar="LR", help="peak learning rate (default %(default)s)")
    add("--level", type=number, default=0.0, metavar="MEAN", help="mean of ln σ (default %(default)s)")
    add("--seed", type=seed, default=0, metavar="N", help="of everything random (default %(default)s)")
    add("--precision", choices=("auto", "float32", "bfloat16"), default="auto", help="default: what is faster here")
    add("--begin", type=Path, metavar="DIR", help="a folder of an earlier training, from whose clean twin to begin")
    add("--id", default="", metavar="NAME", help="what requests call it (default NAME-KIND)")
    add("--title", default="", metavar="NAME", help="what the studio calls it")
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
