"""Run a request, save its pictures and report them: shared by the commands that sample."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from engine.commands.destinations import check_destinations, save_or_keep
from engine.commands.flags import check_enlarging
from engine.errors import UsageError
from engine.paths import path_of
from engine.pictures.compositing import composite
from engine.pictures.png import save_png
from engine.spec.adapter import parse_flag
from engine.spec.catalog import ModelInfo
from engine.spec.edit import Box, Inputs, Pixels
from engine.spec.request import Request

Page: TypeAlias = tuple[Pixels, Pixels | None, Box]  # a picture, its mask, and the box that is generated


def run_and_save(
    args: argparse.Namespace,
    info: ModelInfo,
    request: Request,
    inputs: Inputs | None = None,
    page: Page | None = None,
    aims: Sequence[Pixels] = (),
) -> None:
    """Run a request, save its pictures and report them. With `page` each picture is blended into its box.

    aims -- the aim pictures of the guides

    Raises UsageError for invalid flags before torch is loaded.
    """
    check_enlarging(args)
    paths = file_names(args.out, args.batch)
    check_destinations(paths, args.run_file)

    from engine.models.cache import DoesNotFit
    from engine.session import Session  # torch comes in here, after everything that can be refused without it

    began = time.perf_counter()
    session = Session(args.device, [info])
    session.save = True if args.save_memory else None
    for flag in args.lora or ():
        session.adapters.add(parse_flag(flag)[0])
    try:
        session.model(request)
    except DoesNotFit as error:
        if error.change is None:
            raise
        raise UsageError(f"{error} On the command line: {error.change.flags}") from error
    adapters = session.applied(request, show_applying)
    loaded = time.perf_counter()
    hops = len(path_of(request))
    for step in session.generate(request, args.run_file, inputs=inputs, aims=aims):
        show_progress(step.i + 1, hops)
    made = session.finished_pictures(request, step.move.x, inputs=inputs, transparent=page is None)
    done = time.perf_counter()
    pictures = [rgb if page is None else composite(*page, rgb) for rgb in made.pictures]
    paths = save_all(args, paths, pictures, request, box=page[2] if page else None)
    session.keep_picture(request, made.on_white, args.run_file)
    size = (pictures[0].shape[1], pictures[0].shape[0])
    if not args.json:
        print(*(applied.sentence for applied in adapters), sep="\n", end="\n" * bool(adapters), file=sys.stderr)
    report(args, request, paths, session.device_name, loaded - began, done - loaded, size)


def save_all(
    args: argparse.Namespace,
    paths: Sequence[Path],
    pictures: Sequence[Pixels],
    request: Request,
    parent: Mapping[str, Any] | None = None,
    box: Box | None = None,
) -> list[Path]:
    """Save each picture of a request, elsewhere if its path fails; return the paths. Raises OSError."""

    def save(path: Path, index: int) -> None:
        save_png(path, pictures[index], request, index, args.enlarge, args.resampling, parent, box)

    return [save_or_keep(path, partial(save, index=index)) for index, path in enumerate(paths)]


def file_names(out: Path, batch: int) -> list[Path]:
    """Return apple.png for one picture; apple-0.png, apple-1.png … for more."""
    out = out if out.suffix else out.with_name(f"{out.name}.png")
    if out.suffix.lower() != ".png":
        raise UsageError(f"Pictures are written as PNG: end the name in .png instead of {out.suffix}.")
    return [out] if batch == 1 else [out.with_name(f"{out.stem}-{k}{out.suffix}") for k in range(batch)]


def show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done}/{total} steps", end="\n" if done == total else "", file=sys.stderr, flush=True)


def show_applying(share: float) -> None:
    """Show the share of the adapters that is applied, where it takes a while."""
    if sys.stderr.isatty():
        print(f"\rApplying adapters: {share:.0%}", end="\r", file=sys.stderr, flush=True)


def report(
    args: argparse.Namespace,
    request: Request,
    paths: list[Path],
    device: str,
    load: float,
    seconds: float,
    size: tuple[int, int],
) -> None:
    if args.json:
        facts = {
            "pictures": [{"path": str(p), "seed": s} for p, s in zip(paths, request.seeds, strict=True)],
            "request": request.to_dict(),
            "device": device,
            "load_seconds": round(load, 3),
            "seconds": round(seconds, 3),
        }
        print(json.dumps(facts))
        return
    width, height = size
    for path, seed in zip(paths, request.seeds, strict=True):
        print(f"{path}  {width * args.enlarge}×{height * args.enlarge}, seed {seed}")
    print(f"{seconds:.1f} s on {device} ({load:.1f} s to load)", file=sys.stderr)
