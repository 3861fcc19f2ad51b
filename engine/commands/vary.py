"""`vary`: make pictures that share one stored state x_t and differ in the noise of the later steps."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from engine.commands.destinations import check_destinations, file_name
from engine.commands.flags import add_device, add_enlarging, check_enlarging
from engine.commands.numbers import count
from engine.commands.sampler_flags import add_sampler
from engine.commands.sampling import file_names, report, save_all, show_progress
from engine.errors import UsageError
from engine.paths import path_of
from engine.spec.catalog import find
from engine.spec.draft import vary
from engine.spec.sampler import rule_of
from engine.store import RunReader, StoreError


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "vary",
        help="make pictures that share one step of a run",
        description="Continue a stored step several times, each time with other noise. Pictures from an early step "
        "share the layout; pictures from a late step differ only in details.",
        epilog='Example: run.py generate "red apple" --seed 3 --run-file apple.twrun; '
        "run.py vary apple.twrun --step 8 --count 6 --out like.png",
    )
    add = parser.add_argument
    add("run_file", type=Path, metavar="RUN", help="run file of generate --run-file or of the studio")
    add("--step", type=count, required=True, metavar="K", help="the step to continue, counted from 0")
    add("--image", type=count, default=0, metavar="I", help="index of the picture in its batch (default %(default)s)")
    add("--count", type=count, default=4, metavar="N", help="number of pictures (default %(default)s)")
    add_sampler(parser, "the run's, else ddpm", spaced=False)
    add("--steps", type=int, default=0, metavar="N", help="steps after that one (default: the rest of the run)")
    add("--out", type=file_name, default=Path("picture.png"), metavar="FILE", help="PNG to write (default %(default)s)")
    add_enlarging(parser)
    add("--run-file", dest="kept", type=file_name, metavar="FILE", help="write the denoising steps to FILE")
    add_device(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    reader = RunReader(args.run_file)
    first = reader.steps[0].i if reader.steps else 0
    k = args.step - first
    if not 0 <= k < len(reader.steps):
        have = f"{first} to {reader.steps[-1].i}" if reader.steps else "none"
        raise StoreError(f"The run {args.run_file.name} has no step {args.step}. Its steps: {have}.")
    check_enlarging(args)
    if args.sampler_spacing is not None:
        raise UsageError("The variations keep the run's noise levels: leave the grid out of the sampler's name.")
    if not rule_of(args.sampler or "ddpm", args.sampler_options).stochastic:
        raise UsageError("This sampler draws no noise, so all pictures would be the same: choose ddpm, for example.")
    info = find(reader.request.model)
    request = vary(reader.request, args.step, args.image, args.count, info, args.sampler, args.steps)
    paths = file_names(args.out, args.count)
    check_destinations(paths, args.kept)
    parent = {"run": reader.header["id"], "step": args.step, "image": args.image}

    from engine.session import Session  # torch comes in here, after everything that can be refused without it

    began = time.perf_counter()
    session = Session(args.device, [info])
    session.model(request)
    loaded = time.perf_counter()
    for step in session.fork(args.run_file, k, request, args.kept, share=args.image):
        show_progress(step.i + 1, len(path_of(request)))
    made = session.finished_pictures(request, step.move.x, inputs=reader.inputs(), transparent=request.edit is None)
    done = time.perf_counter()
    paths = save_all(args, paths, list(made.pictures), request, parent)
    session.keep_picture(request, made.on_white, args.kept)
    report(args, request, paths, session.device_name, loaded - began, done - loaded, request.size)
    return 0
