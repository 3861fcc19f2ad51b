"""`decode`: decode the noise x_T of an encoded picture along the probability flow."""

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
        help="decode an encoded picture",
        description="Follow the probability flow from an encoded picture's x_T down to a picture. By default this is "
        "the same picture; another prompt or class changes it, and x_T keeps its layout.",
        epilog='Example: run.py decode apple.twrun --prompt "green apple" --out green.png',
    )
    add = parser.add_argument
    add("source", type=Path, metavar="RUN", help="run file of encode")
    add("--model", metavar="MODEL", help="folder of the model if it is your own (default: the run's model)")
    add("--prompt", metavar="TEXT", help="another prompt (default: the encoding's)")
    add("--class", dest="label", metavar="NAME", help="another class or style (default: the encoding's)")
    add("--guidance", type=number, metavar="γ", help="another guidance (default: the encoding's)")
    add("--tol", type=share, default=1e-4, metavar="E", help="tolerance of the flow (default %(default)s)")
    add("--max-calls", type=count, default=2000, metavar="N", help="limit of model calls (default %(default)s)")
    about = "picture to write (default %(default)s)"
    add("--out", type=file_name, default=Path("picture.png"), metavar="FILE", help=about)
    add("--run-file", type=file_name, metavar="FILE", help="write the steps to FILE")
    add_device(parser)
    parser.set_defaults(run=decode)


def decode(args: argparse.Namespace) -> int:
    if args.out.suffix.lower() not in KINDS:
        raise UsageError(f"Pictures cannot be written as “{args.out.suffix}”: choose {', '.join(KINDS)}.")
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
