"""`data build …` and `train …`: build a data set from public packages or a folder, and train a model on it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from engine.commands.numbers import number, seed, share, size
from engine.train.collection import COLLECTIONS


def add_parsers(subparsers: Any) -> None:
    data = subparsers.add_parser("data", help="build a training set", description="Build a training set.")
    kinds = data.add_subparsers(dest="action", required=True, metavar="ACTION")
    build = kinds.add_parser("build", help="build from public packages, or from a folder of captioned pictures")
    add = build.add_argument
    add(
        "source",
        metavar="emoji|stickers|fashion|FOLDER",
        help="a known collection, or a folder of pictures, each with a .txt caption beside it",
    )
    add(
        "--packages",
        type=Path,
        metavar="DIR",
        help="folder of the packages; missing ones are downloaded (default .data/packages)",
    )
    add("--out", type=Path, metavar="DIR", help="output folder (default .data/NAME)")
    add(
        "--side",
        type=size,
        default=128,
        metavar="N",
        help="side of the stored pictures in pixels (default %(default)s)",
    )
    build.set_defaults(run=build_data)

    train = subparsers.add_parser("train", help="train a model", description="Train a model on a built data set.")
    add = train.add_argument
    add("data", type=Path, metavar="DATA", help="folder that `data build` wrote, such as .data/emoji")
    add("--out", type=Path, metavar="DIR", help="checkpoints, log and sheets (default .runs/NAME); resumed if there")
    add("--minutes", type=number, default=100.0, metavar="M", help="wall-clock budget (default %(default)s)")
    add("--steps", type=int, metavar="N", help="end after N steps at the latest")
    add("--batch", type=size, default=48, metavar="N", help="pictures per step (default %(default)s)")
    add("--rate", type=number, default=2e-3, metavar="LR", help="peak learning rate (default %(default)s)")
    add(
        "--fall",
        type=share,
        default=0.45,
        metavar="PART",
        help="share of the run in which the rate falls (default 0.45)",
    )
    add("--level", type=number, default=0.8, metavar="MEAN", help="mean of ln σ of the training noise (default 0.8)")
    add(
        "--floor", type=number, default=0.1, metavar="T", help="below t = T the weight 1/t² grows no more (default 0.1)"
    )
    add("--seed", type=seed, default=0, metavar="N", help="seed of all random numbers (default %(default)s)")
    add(
        "--warm-start",
        type=Path,
        metavar="FILE",
        help="weights to start from (safetensors); arrays that do not fit are skipped",
    )
    add("--compile", action="store_true", help="compile the net: twice as fast after a minute or two")
    add(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="number format (default: the faster one on this machine)",
    )
    add("--width", type=size, default=288, metavar="N", help="width of the net, a multiple of 48 (default %(default)s)")
    add("--depth", type=size, default=8, metavar="N", help="depth of the net in blocks (default %(default)s)")
    add("--cascade", type=size, default=1, metavar="N", help="train a second stage instead, which enlarges N times")
    add("--export", type=Path, metavar="DIR", help="write a model folder for the studio at the end")
    train.set_defaults(run=run_training)


def build_data(args: argparse.Namespace) -> int:
    if args.source in COLLECTIONS:
        from engine.train import emoji
        from engine.train.packages import fetch

        out = args.out or Path(".data") / args.source
        packages = fetch(emoji.PACKAGES, args.packages or Path(".data/packages"))
        count = emoji.build(packages, out, args.side, COLLECTIONS[args.source])
    elif args.source == "fashion":
        from engine.train import fashion

        out = args.out or Path(".data/fashion")
        count = fashion.build(fashion.fetch(args.packages or Path(".data/packages")), out)
    else:
        from engine.train import folder

        source = Path(args.source)
        out = args.out or Path(".data") / source.resolve().name
        count = folder.build(source, out, args.side)
    print(f"{out}  {count} pictures")
    return 0


def run_training(args: argparse.Namespace) -> int:
    from engine.train.job import TrainingJob

    job = TrainingJob(
        data=args.data,
        out=args.out or Path(".runs") / args.data.resolve().name,
        minutes=args.minutes,
        steps=args.steps,
        batch=args.batch,
        rate=args.rate,
        fall=args.fall,
        level=args.level,
        floor=args.floor,
        seed=args.seed,
        warm_start=args.warm_start,
        compiled=args.compile,
        precision=args.precision,
        width=args.width,
        depth=args.depth,
        factor=args.cascade,
        export=args.export,
    )
    job.run(lambda line: print(line, file=sys.stderr, flush=True))
    return 0
