"""`evaluate`: how often a model draws what it was asked for, by the nearest real picture."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from engine.commands.generate import find
from engine.draft import Draft, resolve


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "evaluate",
        help="judge a model by the nearest real pictures",
        description="Draw random name and label pairs of a data set, and see which real picture each comes nearest to.",
    )
    add = parser.add_argument
    add("model", help="which model, such as emoji")
    add("--data", type=Path, metavar="DIR", help="the data set (default: .data/MODEL)")
    add("--pairs", type=int, default=200, metavar="N", help="how many (default %(default)s), seeds 0 to N − 1")
    add("--draw", type=int, default=0, metavar="SEED", help="which pairs are drawn (default %(default)s)")
    add("--steps", type=int, metavar="N", help="denoising steps (default: the model's)")
    add("--guidance", type=float, metavar="γ", help="classifier-free guidance (default: the model's)")
    add("--json", action="store_true", help="print the figures as JSON")
    parser.set_defaults(run=evaluate)


def evaluate(args: argparse.Namespace) -> int:
    info = find(args.model)

    from engine.judge import NearestPicture
    from engine.session import Session

    judge = NearestPicture.of(args.data or Path(".data") / info.id)
    session = Session()
    first, five, asked = Counter[str](), Counter[str](), Counter[str]()
    for seed, (name, label) in enumerate(judge.pairs(args.pairs, args.draw)):
        draft = Draft.for_model(
            info, prompt=name, label=label, seed=seed, batch=1, steps=args.steps, guidance=args.guidance
        )
        *_, last = session.generate(resolve(draft, info))
        verdict = judge.judge(last.move.x[0].cpu(), name)
        asked[label] += 1
        first[label] += verdict.first
        five[label] += verdict.among_five
        if sys.stderr.isatty():
            print(f"\r{seed + 1}/{args.pairs}", end="", file=sys.stderr, flush=True)
    n = args.pairs
    if args.json:
        by_label = {label: [first[label], five[label], asked[label]] for label in sorted(asked)}
        print(json.dumps({"pairs": n, "first": first.total() / n, "among_five": five.total() / n, "labels": by_label}))
        return 0
    print(f"{n} pairs, seeds 0–{n - 1}: {first.total() / n:.1%} first, {five.total() / n:.1%} among five")
    for label in sorted(asked):
        print(f"  {label:16} {first[label]}/{asked[label]} first, {five[label]}/{asked[label]} among five")
    return 0
