"""`encode` and `decode`: from a picture up to its noise, and down the flow again."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.commands.likelihood import add_condition, read
from engine.jobs.encode import METHODS, Decode, Decoded, Encode, Encoded, Following, Optimised
from engine.pictures.png import KINDS, save_copy
from engine.spec.catalog import find
from engine.spec.draft import Draft, resolve
from engine.store import RunReader


def add_parsers(subparsers: Any) -> None:
    up = subparsers.add_parser(
        "encode",
        help="carry a picture up the flow to its noise",
        description="Follow the probability flow from a picture to x_T, keep every step in a run file, and say how "
        "well the way back comes home. " + " ".join(f"{name}: {about}." for name, about in METHODS.items()),
        epilog='Example: run.py encode apple.png --prompt "red apple" --class noto --run-file apple.twrun',
    )
    add = up.add_argument
    add("picture", type=Path, metavar="IMAGE", help="a picture of the model's own size, or see --fit")
    add_condition(up, "emoji")
    add("--method", choices=list(METHODS), default="plain", help="default %(default)s")
    add("--guidance", type=float, metavar="γ", help="of guided and null-text (default: the model's)")
    add("--steps", type=int, metavar="N", help="of null-text: the levels that it learns for (default: the model's)")
    add("--tol", type=float, default=1e-4, metavar="E", help="tolerance of the flow (default %(default)s)")
    add("--max-calls", type=int, default=2000, metavar="N", help="most model calls each way (default %(default)s)")
    add("--run-file", type=Path, metavar="FILE", help="keep the steps in FILE, for decode and the studio")
    add("--no-check", action="store_true", help="do not follow the flow back")
    up.set_defaults(run=encode)

    down = subparsers.add_parser(
        "decode",
        help="follow the flow from an encoded picture's noise",
        description="Follow the probability flow from the end of an encoding down to a picture: the same one, or with "
        "another prompt or class, which keeps what the noise holds of it.",
        epilog='Example: run.py decode apple.twrun --prompt "green apple" --out green.png',
    )
    add = down.add_argument
    add("source", type=Path, metavar="RUN", help="a run file that encode wrote")
    add("--model", metavar="MODEL", help="the folder of the model, where it is one of your own (default: the run's)")
    add("--prompt", metavar="TEXT", help="another prompt (default: that of the encoding)")
    add("--class", dest="label", metavar="NAME", help="another class or style (default: that of the encoding)")
    add("--guidance", type=float, metavar="γ", help="another guidance (default: that of the encoding)")
    add("--tol", type=float, default=1e-4, metavar="E", help="tolerance of the flow (default %(default)s)")
    add("--max-calls", type=int, default=2000, metavar="N", help="most model calls (default %(default)s)")
    add("--out", type=Path, default=Path("picture.png"), metavar="FILE", help="picture to write (default %(default)s)")
    add("--run-file", type=Path, metavar="FILE", help="also keep the steps in FILE")
    add("--device", metavar="KIND", help="cuda, xpu, mps or cpu (default: the best there is)")
    add("--json", action="store_true", help="print what was made as JSON on standard output")
    down.set_defaults(run=decode)


def encode(args: argparse.Namespace) -> int:
    info = find(args.model)
    rgb = read(args.picture, info, args.fit)
    draft = Draft.for_model(
        info, prompt=args.prompt, label=args.label, guidance=args.guidance, steps=args.steps, enlarge=False
    )
    asked = Encode(
        request=resolve(draft, info),
        rgb=rgb,
        method=args.method,
        tol=args.tol,
        max_calls=args.max_calls,
        run_path=args.run_file,
        check=not args.no_check,
    )

    from engine.session import Session  # torch comes in here, after everything that can be refused without it

    end = _last(Session(args.device, [info]).perform(asked))
    assert isinstance(end, Encoded)
    facts = {
        "model": info.id,
        "method": args.method,
        "tol": args.tol,
        "steps": end.steps,
        "calls": end.calls,
        "spread": end.spread,
        "psnr": end.psnr,
        "back_calls": end.back_calls,
        "run_file": None if end.run_path is None else str(end.run_path),
    }
    if args.json:
        print(json.dumps(facts))
        return 0
    print(f"{args.picture}: {end.steps} steps, {end.calls} calls up; x_T has {end.spread:.3f} of the noise's deviation")
    if end.psnr is not None:
        print(f"  back in {end.back_calls} calls: {end.psnr:.1f} dB")
    if end.run_path is not None:
        print(f"  {end.run_path}")
    return 0


def decode(args: argparse.Namespace) -> int:
    if args.out.suffix.lower() not in KINDS:
        raise ValueError(f"“{args.out.suffix}” is no kind of picture that can be written: choose {', '.join(KINDS)}.")
    own = RunReader(args.source).request
    info = find(args.model or own.model)
    chosen = {name: getattr(args, name) for name in ("prompt", "label", "guidance")}
    changed = {name: value for name, value in chosen.items() if value is not None}
    request = resolve(replace(Draft.of(own), **changed), info) if changed else None
    asked = Decode(source=args.source, request=request, tol=args.tol, max_calls=args.max_calls, run_path=args.run_file)

    from engine.session import Session  # torch comes in here, after everything that can be refused without it

    end = _last(Session(args.device, [info]).perform(asked))
    assert isinstance(end, Decoded)
    save_copy(args.out, end.rgb)
    if args.json:
        print(json.dumps({"path": str(args.out), "steps": end.steps, "calls": end.calls, "psnr": end.psnr}))
    else:
        print(f"{args.out}  {end.steps} steps, {end.calls} calls; {end.psnr:.1f} dB against the encoded picture")
    return 0


def _last(news: Any) -> Any:
    one = None
    for one in news:
        if not sys.stderr.isatty():
            continue
        if isinstance(one, Following):
            print(f"\r{one.leg} {one.done:.0%}, {one.calls} calls ", end="", file=sys.stderr, flush=True)
        elif isinstance(one, Optimised):
            print(f"\rlevel {one.level + 1}/{one.levels} ", end="", file=sys.stderr, flush=True)
    return one
