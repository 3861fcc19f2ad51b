"""`train-judge`: train a judge on the real pictures of a data set."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from engine.commands.numbers import number, seed, size


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "train-judge",
        help="train the classifier that judges a model's pictures",
        description="Train a classifier on the pictures of a data set, and measure it on the held-out ones. This "
        "accuracy is the ceiling for the models that it judges.",
    )
    add = parser.add_argument
    add("data", type=Path, metavar="DATA", help="folder that `data build` wrote, such as .data/emoji")
    add("--out", type=Path, metavar="DIR", help="output folder (default .runs/judge-NAME)")
    add("--steps", type=int, default=1200, metavar="N", help="training steps (default %(default)s)")
    add("--batch", type=size, default=128, metavar="N", help="pictures per step (default %(default)s)")
    add("--rate", type=number, default=3e-3, metavar="LR", help="peak learning rate (default %(default)s)")
    add("--seed", type=seed, default=0, metavar="N", help="seed of all random numbers (default %(default)s)")
    add("--jobs", type=size, default=1, metavar="N", help="judges trained at the same time (default %(default)s)")
    add(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="number format (default: the faster one on this machine)",
    )
    add(
        "--without",
        action="append",
        default=[],
        metavar="LABEL",
        help="train another judge without that class or style, and merge the names that it confuses there; repeatable",
    )
    parser.set_defaults(run=train_judge)


def train_judge(args: argparse.Namespace) -> int:
    from engine.train.job import faster_precision
    from engine.train.judge import JudgeSettings
    from engine.train.judge_job import JudgeJob

    precision = faster_precision() if args.precision == "auto" else args.precision
    settings = JudgeSettings(steps=args.steps, batch=args.batch, rate=args.rate, seed=args.seed, precision=precision)
    out = args.out or Path(".runs") / f"judge-{args.data.resolve().name}"
    job = JudgeJob(data=args.data, out=out, settings=settings, left_out=tuple(args.without), jobs=args.jobs)
    job.run(lambda line: print(line, file=sys.stderr, flush=True))
    print(f"{out} holds the judge. Use it: evaluate MODEL --judge {out}")
    return 0
