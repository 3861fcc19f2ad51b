"""`encode`: encode a picture to its noise x_T along the probability flow."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from engine.commands.destinations import check_destinations, file_name
from engine.commands.flags import add_condition
from engine.commands.flow_progress import wait_for
from engine.commands.numbers import count, number, share
from engine.commands.picture_files import read_picture
from engine.jobs.encode import METHODS, Encode, Encoded
from engine.spec.catalog import find
from engine.spec.draft import Draft, resolve


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "encode",
        help="encode a picture to its noise x_T",
        description="Follow the probability flow from a picture to x_T, write every step to a run file, decode x_T "
        "again and print the error (PSNR). " + " ".join(f"{name}: {about}." for name, about in METHODS.items()),
        epilog='Example: run.py encode apple.png --prompt "red apple" --class noto --run-file apple.twrun',
    )
    add = parser.add_argument
    add("picture", type=Path, metavar="IMAGE", help="a picture of a size of the model, or see --fit")
    add_condition(parser, "emoji")
    add("--method", choices=list(METHODS), default="plain", help="see above (default %(default)s)")
    add("--guidance", type=number, metavar="γ", help="guidance scale of guided and null-text (default: the model's)")
    add("--steps", type=count, metavar="N", help="noise levels of null-text (default: the model's)")
    add("--tol", type=share, default=1e-4, metavar="E", help="tolerance of the flow (default %(default)s)")
    add(
        "--max-calls",
        type=count,
        default=2000,
        metavar="N",
        help="limit of model calls in each direction (default %(default)s)",
    )
    add("--run-file", type=file_name, metavar="FILE", help="write the steps to FILE, for decode and the studio")
    add("--no-check", action="store_true", help="do not decode x_T again")
    parser.set_defaults(run=encode)


def encode(args: argparse.Namespace) -> int:
    check_destinations([], args.run_file)
    info = find(args.model)
    rgb = read_picture(args.picture, info, args.fit)
    draft = Draft.for_model(
        info, prompt=args.prompt, label=args.label, guidance=args.guidance, steps=args.steps, enlarge=False,
        width=rgb.shape[1], height=rgb.shape[0],
    )  # fmt: skip
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

    end = wait_for(Session(args.device, [info]).perform(asked))
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
    print(f"{args.picture}: {end.steps} steps, {end.calls} calls up; std of x_T / σ: {end.spread:.3f}")
    if end.psnr is not None:
        print(f"  back in {end.back_calls} calls: {end.psnr:.1f} dB")
    if end.run_path is not None:
        print(f"  {end.run_path}")
    return 0
