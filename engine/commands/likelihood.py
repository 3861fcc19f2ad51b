"""`likelihood`: measure the log density of pictures under a model, in bits per dimension."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

from engine.commands.flags import add_condition
from engine.commands.numbers import count, number, seed, share
from engine.commands.picture_files import read_picture
from engine.jobs.likelihood import Elbo, ElboTerms, Likelihood, LogDensity, Working
from engine.spec.catalog import find


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "likelihood",
        help="measure the log density of pictures",
        description="Measure the log density of pictures under a model, by the change of variables along the "
        "probability flow, in bits per dimension with a standard error. With --bound: by noise level too. A low number "
        "means that the model could compress the picture well, not that the picture is good: plain pictures have low "
        "numbers under every model. See docs/flow.md.",
        epilog="Example: run.py likelihood boot.png coat.png --model fashion",
    )
    add = parser.add_argument
    add("pictures", nargs="+", type=Path, metavar="IMAGE", help="pictures of the model's size, or see --fit")
    add_condition(parser, "fashion")
    add("--probes", type=count, default=8, metavar="N", help="number of solves to average (default %(default)s)")
    add("--tol", type=share, default=1e-3, metavar="E", help="tolerance of the flow (default %(default)s)")
    add(
        "--sigma-min",
        type=number,
        metavar="S",
        help="lowest noise level: the density is of its law (default: the model's)",
    )
    add("--bound", action="store_true", help="compute the variational bound too, term by term")
    add("--levels", type=count, default=100, metavar="N", help="steps of the bound's chain (default %(default)s)")
    add("--draws", type=count, default=4, metavar="N", help="noise draws of the bound (default %(default)s)")
    add("--seed", type=seed, default=0, metavar="N", help="seed of the probes and the noise (default %(default)s)")
    parser.set_defaults(run=likelihood)


def likelihood(args: argparse.Namespace) -> int:
    info = find(args.model)
    pictures = [read_picture(path, info, args.fit) for path in args.pictures]

    from engine.session import Session  # torch comes in here, after everything that can be refused without it

    session = Session(args.device, [info])
    found: list[dict[str, Any]] = []
    for path, rgb in zip(args.pictures, pictures, strict=True):
        shared = {"model": info.id, "rgb": rgb, "prompt": args.prompt, "label": args.label, "seed": args.seed}
        density = Likelihood(**shared, probes=args.probes, tol=args.tol, sigma_min=args.sigma_min)
        found.append({"path": str(path)} | density_to_dict(wait_for_last(session.perform(density), path, LogDensity)))
        if args.bound:
            bound = Elbo(**shared, levels=args.levels, draws=args.draws, sigma_min=args.sigma_min)
            found[-1]["bound"] = bound_to_dict(wait_for_last(session.perform(bound), path, ElboTerms))
        if not args.json:
            print("\n".join(lines(found[-1])), flush=True)
    if args.json:
        print(json.dumps({"model": info.id, "model_sha256": info.sha256, "pictures": found}))
    elif len(found) > 1:
        values = [one["bits_dim"] for one in found]
        mean = sum(values) / len(values)
        spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values))
        print(f"mean of {len(values)}: {mean:.3f} ± {spread:.3f} bits/dim (standard error over the pictures)")
    return 0


def density_to_dict(found: LogDensity) -> dict[str, Any]:
    names = ("logp", "stderr", "bits_dim", "bits_stderr", "dims", "offset", "probes", "tol", "calls")
    ends = {name: getattr(found, name) for name in ("sigma_min", "sigma_max", "prior_std")}
    values = {name: getattr(found, name) for name in names} | ends
    return {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in values.items()}


def bound_to_dict(bound: ElboTerms) -> dict[str, Any]:
    curves = {name: getattr(bound, name).tolist() for name in ("sigmas", "terms", "rate", "distortion", "pixels")}
    stderr = None if math.isnan(bound.stderr) else bound.stderr
    return {"total": bound.total, "stderr": stderr, "l_T": bound.l_T, "l_0": bound.l_0, "draws": bound.draws} | curves


def lines(one: dict[str, Any]) -> list[str]:
    """Return the printed lines of one picture."""
    error = "" if one["bits_stderr"] is None else f" ± {one['bits_stderr']:.3f}"
    first = (
        f"{one['path']}: {one['bits_dim']:.3f}{error} bits/dim; log p = {one['logp']:.1f} nats over {one['dims']} "
        f"numbers at σ = {one['sigma_min']:g} ({one['probes']} probes, tolerance {one['tol']:g}, {one['calls']} calls, "
        f"dequantised, log₂ 127.5 = {one['offset']:.4g} added)"
    )
    said = [first]
    if bound := one.get("bound"):
        spread = "" if bound["stderr"] is None else f" ± {bound['stderr']:.3f}"
        said.append(
            f"  bound {bound['total']:.3f}{spread} bits/dim in {len(bound['sigmas'])} steps: "
            f"L_T {bound['l_T']:.4f}, steps {sum(bound['terms']):.3f}, L_0 {bound['l_0']:.3f}"
        )
        said.append("  (the bound is for the DDPM chain, the first number for the flow: either can be larger)")
        n = len(bound["terms"])
        some = sorted({0, n // 4, n // 2, 3 * n // 4, n})
        said += [
            f"    σ {bound['sigmas'][k]:8.3g}: rate {bound['rate'][k]:.4f} bits/dim, "
            f"error {bound['distortion'][k]:.1f} of 255"
            for k in some
        ]
    return said


def wait_for_last(news: Any, path: Path, kind: type) -> Any:
    found = None
    for one in news:
        found = one if isinstance(one, kind) else found
        if isinstance(one, Working) and sys.stderr.isatty():
            print(f"\r{path.name}: {one.done:.0%}, {one.calls} calls", end="\r", file=sys.stderr, flush=True)
    return found
