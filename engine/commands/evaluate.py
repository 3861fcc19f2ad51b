"""`evaluate`: measure a model with an independent judge."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from engine.commands.numbers import count, number, seed
from engine.errors import UsageError
from engine.spec.catalog import find

SWEPT = 64  # pictures at each guidance
GUIDANCES = tuple(float(g) for g in range(1, 11))


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "evaluate",
        help="measure a model with an independent judge",
        description="Draw the names of a data set's lists with the model's defaults, and let a judge, trained "
        "on real pictures only, name them. docs/judges.md explains each figure.",
    )
    add = parser.add_argument
    add("model", help="id of the model, such as emoji, or its folder")
    add("--data", type=Path, metavar="DIR", help="the data set (default: .data/ID)")
    add("--judge", type=Path, metavar="DIR", help="folder of your own judge (default: the embedded one)")
    add("--pairs", type=count, metavar="N", help="at most N pictures of each list (default: 200; 500 of classes alone)")
    add(
        "--draw",
        type=seed,
        default=0,
        metavar="SEED",
        help="seed of the choice of styles and names (default %(default)s)",
    )
    add("--steps", type=count, metavar="N", help="denoising steps (default: the model's)")
    add("--guidance", type=number, metavar="γ", help="scale of classifier-free guidance (default: the model's)")
    add("--sampler", metavar="NAME", help="sampler (default: the model's)")
    add("--spacing", metavar="NAME", help="spacing of the noise levels (default: the model's)")
    add("--sweep", type=Path, metavar="PNG", help=f"measure γ = 1 … 10 too, on {SWEPT} pictures each, and plot to PNG")
    add("--json", action="store_true", help="print the figures as JSON")
    parser.set_defaults(run=evaluate)


def evaluate(args: argparse.Namespace) -> int:
    info = find(args.model)
    n = args.pairs if args.pairs is not None else 200 if info.text else 500
    if n < 4:
        raise UsageError("There are too few pictures to judge: set --pairs to 4 or more.")

    from engine.evaluate.batches import specs_by_name
    from engine.evaluate.dataset_pictures import RealPictures
    from engine.evaluate.judge import Judge, judge_folder
    from engine.evaluate.model_figures import Evaluation
    from engine.session import Session

    judge = Judge.of(args.judge or judge_folder(info.id))
    real = RealPictures.of(args.data or Path(".data") / info.id, judge.net.side)
    if not args.json:
        print("\n".join(ceiling_lines(judge.card)), flush=True)
    choices = {key: getattr(args, key) for key in ("steps", "guidance", "sampler", "spacing")}
    progress = PictureCounter()
    evaluation = Evaluation(info, judge, real, Session(), choices, progress)
    lists = evaluation.lists(n, args.draw)
    swept = specs_by_name(real, min(n, SWEPT), info.text, args.draw + 1) if args.sweep else []
    progress.total = sum(map(len, lists.values())) + len(swept) * len(GUIDANCES)
    figures = evaluation.run(lists)
    figures["model"] = {"id": info.id, "sha256": info.sha256}
    figures["settings"] = {key: info.defaults[key] if value is None else value for key, value in choices.items()}
    if args.json:
        figures["ceiling"] = judge.card["ceiling"]
    else:
        print("\n".join(report_lines(figures)), flush=True)
    if args.sweep:
        figures["sweep"] = evaluation.sweep(swept, GUIDANCES)
        plot_sweep(figures["sweep"], info.title, args.sweep)
        if not args.json:
            print("\n".join(sweep_lines(figures["sweep"], args.sweep)))
    if args.json:
        print(json.dumps(figures))
    return 0


class PictureCounter:
    """Counts pictures on standard error: in place on a terminal, else a line each half minute."""

    def __init__(self) -> None:
        self.total, self.done, self.reported = 0, 0, time.monotonic()

    def __call__(self, count: int) -> None:
        self.done += count
        on_terminal, last = sys.stderr.isatty(), self.done >= self.total
        if on_terminal or last or time.monotonic() - self.reported > 30:
            self.reported = time.monotonic()
            start, end = ("\r", "\n" if last else "") if on_terminal else ("", "\n")
            print(f"{start}{self.done}/{self.total} pictures", end=end, file=sys.stderr, flush=True)


def ceiling_lines(card: Any) -> list[str]:
    """Return the printed lines of the judge's own accuracy on real pictures."""
    lines = [f"The judge, on real pictures ({sum(map(len, card['merged']))} of {len(card['names'])} names merged):"]
    for name, figures in card["ceiling"].items():
        if figures["n"]:
            merged = f"{figures['first']:.1%} first, {figures['among five']:.1%} among five"
            plain = f"unmerged {figures['first unmerged']:.1%}, {figures['among five unmerged']:.1%}"
            lines.append(f"  {name + ',':18} N = {figures['n']:5}: {merged} ({plain})")
    return lines


def report_lines(figures: Any) -> list[str]:
    """Return the printed lines of all figures."""
    settings = ", ".join(f"{key} {value}" for key, value in figures["settings"].items())
    lines = [f"The model {figures['model']['id']} ({settings}):"]
    for name, f in figures["rates"].items():
        lines += rate_lines(name, f)
    if "held out over trained" in figures:
        lines.append(f"  held out over trained: {figures['held out over trained']:.2f}")
    law = figures["law"]
    lines.append(f"As a whole, on the judge's {law['d']} features, N = {law['n']} (in brackets: real ones at that N):")
    titles = {"fid": "FID", "kid": "KID", "is": "IS", "precision": "precision", "recall": "recall"}
    real = {key: f" ({law['real ' + key]:.3f})" if f"real {key}" in law else "" for key in titles}
    lines.append("  " + ", ".join(f"{title} {law[key]:.3f}{real[key]}" for key, title in titles.items()))
    lines.append("Nearest training picture (RMS at 16×16, in levels of 255; quantiles .1, .5, .9):")
    for name, f in figures["memory"].items():
        low, middle, high = f["distance"]
        reported = [f"  {name + ',':24} N = {f['n']}: {low:.1f}, {middle:.1f}, {high:.1f}"]
        if "near" in f:
            reported.append(f"nearer than 95 % of held-out real ones: {f['near']:.1%}")
        if "of the name asked" in f:
            reported.append(f"the nearest shows the requested name: {f['of the name asked']:.1%}")
            reported.append(f"the nearest is the requested pair: {f['of the pair asked']:.1%}")
        lines.append("; ".join(reported))
    for name, f in figures.get("alpha", {}).items():
        pair, near = f["of the pair asked"], f["of the nearest"]
        fits = f"IoU with the real picture of the requested pair {pair:.3f}, with the nearest real picture {near:.3f}"
        lines.append(f"Alpha, {name}, N = {f['n']}: {fits}")
    return lines


def rate_lines(name: str, f: Any) -> list[str]:
    """Return the printed lines of one list."""
    low, high = f["first interval"]
    ratio = f["first"] / f["real pictures first"] if f["real pictures first"] else float("nan")
    asked = (
        f"  {name + ',':12} N = {f['n']}, seeds {f['seeds'][0]}–{f['seeds'][1]}: {f['first']:.1%} first "
        f"(95 %: {low:.1%}–{high:.1%}), {f['among five']:.1%} among five"
    )
    beside = (
        f"    real pictures of the same: {f['real pictures first']:.1%} first, ratio {ratio:.2f}; "
        f"unmerged: {f['first unmerged']:.1%}, {f['among five unmerged']:.1%}; "
        f"nearest picture: {f['nearest picture first']:.1%}, {f['nearest picture among five']:.1%}"
    )
    lines = [asked, beside]
    if name == "evaluation" and "by label" in f:
        lines.append("    " + ", ".join(f"{label} {hits}/{n}" for label, (hits, n) in f["by label"].items()))
    return lines


def sweep_lines(points: Any, path: Path) -> list[str]:
    titles = ("first", "among five", "fid", "kid", "precision", "recall")
    lines = [f"Guidance, N = {points[0]['n']} each: " + ", ".join(titles)]
    lines += [f"  γ = {p['guidance']:g}: " + ", ".join(f"{p[title]:.3f}" for title in titles) for p in points]
    return [*lines, f"{path}  the same as a plot"]


def plot_sweep(points: Any, title: str, path: Path) -> None:
    from engine.evaluate.plots import plot_front
    from engine.pareto import Point

    some = [Point(f"{p['guidance']:g}", p["fid"], p["first"]) for p in points]
    cost = f"FID on the judge's features (less is better; N = {points[0]['n']} each)"
    plot_front(some, f"{title}: guidance 1 … 10", cost, "share that the judge ranks first", path)
