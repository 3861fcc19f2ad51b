"""`decode`: follow the probability flow from an encoded picture's noise down to a picture."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.commands.destinations import check_destinations, file_name, save_or_keep
from engine.commands.flags import add_device
from engine.commands.flow_progress import wait_for
from engine.commands.numbers import count, number, share
from engine.errors import UsageError
from engine.jobs.encode import Decode, Decoded
from engine.pictures.png import KINDS, save_copy
from engine.spec.catalog import find
from engine.spec.draft import Draft, resolve
from engine.store import RunReader


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "decode",
        help="follow the flow from an encoded picture's noise",
        description="Follow the probability flow from the end of an encoding down to a picture: the same one, or with "
        "another prompt or class, which keeps what the noise holds of it.",
        epilog='Example: run.py decode apple.twrun --prompt "green apple" --out green.png',
    )
    add = parser.add_argument
    add("source", type=Path, metavar="RUN", help="a run file that encode wrote")
    add("--model", metavar="MODEL", help="the folder of the model, where it is one of your own (default: the run's)")
    add("--prompt", metavar="TEXT", help="another prompt (default: that of the encoding)")
    add("--class", dest="label", metavar="NAME", help="another class or style (default: that of the encoding)")
    add("--guidance", type=number, metavar="γ", help="another guidance (default: that of the encoding)")
    add("--tol", type=share, default=1e-4, metavar="E", help="tolerance of the flow (default %(default)s)")
    add("--max-calls", type=count, default=2000, metavar="N", help="most model calls (default %(default)s)")
    about = "picture to write (default %(default)s)"
    add("--out", type=file_name, default=Path("picture.png"), metavar="FILE", help=about)
    add("--run-file", type=file_name, metavar="FILE", help="also keep the steps in FILE")
    add_device(parser)
    parser.set_defaults(run=decode)


def decode(args: argparse.Namespace) -> int:
    if args.out.suffix.lower() not in KINDS:
        raise UsageError(f"“{args.out.suffix}” is no kind of picture that can be written: choose {', '.join(KINDS)}.")
    check_destinations([args.out], args.run_file)
    own = RunReader(args.source).request
    info = find(args.model or own.model)
    chosen = {name: getattr(args, name) for name in ("prompt", "label", "guidance")}
    changed = {name: value for name, value in chosen.items() if value is not None}
    request = resolve(replace(Draft.of(own), **changed), info) if changed else None
    asked = Decode(source=args.source, request=request, tol=args.tol, max_calls=args.max_calls, run_path=args.run_file)

    from engine.session import Session  # torch comes in here, after everything that can be refused without it

    end = wait_for(Session(args.device, [info]).perform(asked))
    assert isinstance(end, Decoded)
    path = save_or_keep(args.out, lambda path: save_copy(path, end.rgb))
    if args.json:
        print(json.dumps({"path": str(path), "steps": end.steps, "calls": end.calls, "psnr": end.psnr}))
    else:
        print(f"{path}  {end.steps} steps, {end.calls} calls; {end.psnr:.1f} dB against the encoded picture")
    return 0
