"""`resume`: finish an interrupted run from its last complete step, and write its pictures."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from engine.commands.destinations import check_destinations, file_name
from engine.commands.flags import add_device, add_enlarging, check_enlarging
from engine.commands.sampling import file_names, report, save_all, show_progress
from engine.paths import path_of
from engine.spec.catalog import find
from engine.store import RunReader, StoreError


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "resume",
        help="finish an interrupted run",
        description="Finish a run from its last complete step and write its pictures. They are the same as "
        "without the interruption. A finished run only writes its pictures. An edit writes the box alone: the run file "
        "does not contain the rest of the picture.",
        epilog='Example: run.py generate "red apple" --run-file apple.twrun; run.py resume apple.twrun --out apple.png',
    )
    add = parser.add_argument
    add("run_file", type=Path, metavar="RUN", help="run file of generate --run-file or of the studio")
    add("--model", metavar="MODEL", help="folder of the model if it is your own (default: the run's model)")
    add("--out", type=file_name, default=Path("picture.png"), metavar="FILE", help="PNG to write (default %(default)s)")
    add_enlarging(parser)
    add_device(parser)
    parser.set_defaults(run=resume)


def resume(args: argparse.Namespace) -> int:
    stored = RunReader(args.run_file, verify=True)
    if "flow" in stored.header:
        raise StoreError(f"{args.run_file.name} contains an encoded picture: use decode.")
    check_enlarging(args)
    request, parent = stored.request, stored.header["parent"]
    paths = file_names(args.out, len(request.seeds))
    check_destinations(paths)
    info = find(args.model or request.model)

    from engine.layout import from_array  # torch comes in here, after everything that can be refused without it
    from engine.session import Session

    began = time.perf_counter()
    session = Session(args.device, [info])
    session.model(request)
    loaded = time.perf_counter()
    hops = len(path_of(request))
    last = from_array(stored.next(len(stored.steps) - 1), session.device) if stored.steps else None
    rgb = stored.picture()
    if stored.ended != "finished":
        for step in session.go_on(args.run_file):
            last = step.move.x
            show_progress(step.i + 1, hops)
    if last is None:
        raise StoreError(f"{args.run_file.name} has no complete step: generate the picture again.")
    if rgb is None:
        made = session.finished_pictures(request, last, inputs=stored.inputs(), transparent=request.edit is None)
        paths = save_all(args, paths, list(made.pictures), request, parent)
        session.keep_picture(request, made.on_white, args.run_file)
    else:
        paths = save_all(args, paths, list(rgb), request, parent)
    done = time.perf_counter()
    report(args, request, paths, session.device_name, loaded - began, done - loaded, request.size)
    return 0
