"""`bench samplers` and `bench engine`: the errors of the samplers, and the engine's own time."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from engine.commands.flags import add_device
from engine.commands.numbers import count, number
from engine.errors import UsageError
from engine.paths import goes_back
from engine.rules import RULES, menu
from engine.schedules import SPACINGS
from engine.spec.catalog import find
from engine.types import Rule

if TYPE_CHECKING:
    from torch import Tensor

    from engine.evaluate.few_steps import Problem

MIXTURE_EVALUATIONS, MODEL_EVALUATIONS = (8, 10, 12, 20), (8, 12, 20)
EVERYWHERE = ["karras", "log", "balanced"]  # spacings that need no schedule
LEARNED = "learned"  # beside the spacings' names: a grid of its own for each sampler and number of evaluations


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser("bench", help="measure samplers, or the engine's own time")
    kinds = parser.add_subparsers(dest="bench", required=True, metavar="WHAT")
    table = kinds.add_parser(
        "samplers",
        help="error of each sampler and spacing by number of model calls",
        description="Measure the RMS error of each sampler against the exact flow, by number of calls: on a mixture "
        "of two normal laws in one dimension, or with --model on a model's guided flow (values in [−1, 1]; its example "
        "prompts and labels in turn, seeds 0, 1, …). A sampler with several calls a step takes fewer steps. Stochastic "
        "samplers follow no flow: on the mixture their error is the W₂ distance to the law, printed beside that of as "
        "many exact samples; with --model they are left out. With --model the best samplers for each number of calls "
        "are listed, with all within two standard errors (of the difference in squared error over the same pictures).",
    )
    add = table.add_argument
    add("--model", metavar="ID", help="measure on this model instead of the mixture")
    add(
        "--samplers",
        nargs="+",
        choices=list(RULES),
        metavar="NAME",
        help="samplers to measure (default: all but restart, whose way back takes 18 calls more)",
    )
    spacings = [*SPACINGS, LEARNED]
    add(
        "--spacings",
        nargs="+",
        choices=spacings,
        metavar="NAME",
        help=f"of {', '.join(spacings)} (default: {', '.join(EVERYWHERE)}; on the mixture also uniform-t, {LEARNED})",
    )
    add("--evaluations", nargs="+", type=count, metavar="N", help="model calls (default 8 10 12 20; a model's 8 12 20)")
    add("--images", type=count, default=16, metavar="N", help="number of pictures, with --model (default %(default)s)")
    add("--guidance", type=number, metavar="γ", help="guidance scale, with --model (default: the model's)")
    add(
        "--reference",
        type=count,
        default=200,
        metavar="N",
        help="model calls of the reference flow (default %(default)s)",
    )
    add_device(table, "print the rows as JSON, one a line")
    table.set_defaults(run=samplers)
    speed = kinds.add_parser(
        "engine",
        help="time of the engine against bare net calls and against diffusers",
        description="Print two ratios, medians over pairs of runs: the time of a guided run to the time of the same "
        "calls of the bare net, and to diffusers' loop with the same net, steps and noise.",
    )
    add = speed.add_argument
    add("--model", default="emoji", metavar="ID", help="id of the model (default %(default)s)")
    add("--batch", type=count, default=1, metavar="N", help="pictures per batch (default %(default)s)")
    add("--steps", type=count, default=10, metavar="N", help="steps of each run (default %(default)s)")
    add("--pairs", type=count, default=15, metavar="N", help="number of pairs (default %(default)s)")
    add_device(speed, "print the figures as JSON")
    speed.set_defaults(run=speed_of_engine)


def samplers(args: argparse.Namespace) -> int:
    info = None if args.model is None else find(args.model)
    counts = args.evaluations or (MIXTURE_EVALUATIONS if info is None else MODEL_EVALUATIONS)
    if min(counts) < 1:
        raise UsageError("Choose 1 model call or more.")
    if args.images < 1 or args.reference < 1:
        raise UsageError("Choose 1 picture or more, and 1 model call or more.")
    chosen = {name: RULES[name] for name in args.samplers or [name for name in menu() if not goes_back(name)]}

    from engine.evaluate import few_steps  # torch comes in here

    if info is None:
        problem, spacings = few_steps.mixture_problem(), args.spacings or [*EVERYWHERE, "uniform-t", LEARNED]
        about = "mixture, σ 80 → 0.002, 2000 points, RMS to the exact flow"
    else:
        if LEARNED in (args.spacings or ()):
            raise UsageError("Grids are learned on the mixture only: a model would be called for hours.")
        from engine.session import Session

        session = Session(args.device)
        spacings = args.spacings or EVERYWHERE
        problem, pairs = few_steps.model_problem(info, session.load(info), args.images, args.guidance, args.reference)
        chosen = {name: rule for name, rule in chosen.items() if not rule.stochastic}
        guidance = info.defaults["guidance"] if args.guidance is None else args.guidance
        asked = ", ".join(f"{prompt} ({label})" if prompt else str(label) for prompt, label in pairs)
        about = (
            f"{info.title}: {args.images} pictures, seeds 0–{args.images - 1}, guidance {guidance:g}, "
            f"σ {problem.sigma_max:g} → {problem.sigma_min:g} → 0, RMS per value to its own flow in {args.reference} "
            f"calls ({' on '.join(few_steps.REFERENCE)})\n{asked}"
        )
    if not args.json:
        print(about + "\n")
        print(f"{'sampler':26} {'spacing':10}" + "".join(f"{n:>9}" for n in counts), flush=True)
    trials: dict[int, dict[tuple[str, str], Tensor]] = {n: {} for n in counts}
    for name, spacing, measured in rows(problem, chosen, spacings, counts):
        for n, errors in measured.items():
            trials[n][name, spacing] = errors
        found = {n: few_steps.overall_rms(measured[n]) if n in measured else None for n in counts}
        if args.json:
            print(json.dumps({"sampler": name, "spacing": spacing, "error": found}))
        else:
            print(
                f"{name:26} {spacing:10}" + "".join("        –" if e is None else f"{e:9.4f}" for e in found.values())
            )
        sys.stdout.flush()
    if info is not None and not args.json:
        print(f"\nThe best, with all within two standard errors, over these {args.images} pictures:")
        good = {n: few_steps.near_best(of_all) for n, of_all in trials.items() if of_all}
        for n, keys in good.items():
            print(f"{n:4} calls: " + join_names(keys))
        print(
            "  in all of them: "
            + join_names([key for key in trials[counts[0]] if all(key in k for k in good.values())])
        )
    if info is None and not args.json and any(rule.stochastic for rule in chosen.values()):
        floor = few_steps.sampling_floor(problem)
        print(f"\n* stochastic: W₂ distance to the law; as many exact samples have {floor:.4f}")
    return 0


def join_names(keys: Sequence[tuple[str, str]]) -> str:
    return ", ".join(" ".join(key) for key in keys) or "none"


def rows(
    problem: Problem, chosen: dict[str, Rule], spacings: Sequence[str], counts: Sequence[int]
) -> Iterator[tuple[str, str, dict[int, Tensor]]]:
    """Yield (sampler, spacing, {model calls: the error of each start}); too few calls for a step are left out."""
    from engine.evaluate import few_steps

    for name, rule in chosen.items():
        measure = few_steps.law_errors if rule.stochastic else few_steps.errors
        for spacing in spacings:
            if rule.stochastic and spacing == LEARNED:
                continue  # stochastic samplers have no fixed end point to learn from
            errors: dict[int, Tensor] = {}
            for n in counts:
                steps = few_steps.steps_within(rule, n, problem.to_zero)
                if spacing == LEARNED:
                    sigmas = few_steps.learned_grid(problem, rule, steps) if steps else None
                else:
                    sigmas = few_steps.grid_within(problem, rule, spacing, n)
                if sigmas is not None:
                    errors[n] = measure(problem, rule, sigmas)
            yield f"{name} *" if rule.stochastic else name, spacing, errors


def speed_of_engine(args: argparse.Namespace) -> int:
    if min(args.batch, args.steps, args.pairs) < 1:
        raise UsageError("Choose 1 picture, 1 step and 1 pair or more.")
    info = find(args.model)

    from engine.evaluate import overhead
    from engine.session import Session

    session = Session(args.device)
    setting = overhead.Setting(info, session.load(info), args.batch, args.steps)
    added = overhead.against_bare_net(setting, args.pairs)
    figures: dict[str, dict[str, float]] = {"bare net": added._asdict()}
    if not args.json:
        print(f"{info.title}, batch {args.batch}, {args.steps} guided steps, {args.pairs} pairs, {session.device_name}")
        print(
            f"over the same calls of the bare net: {added.ratio - 1:+.2%}; {1e3 * added.outside:.2f} ms a step outside"
        )
    overhead.require_diffusers()
    for name in overhead.SCHEDULERS:
        found = overhead.against_diffusers(setting, name, args.pairs)
        figures[name] = found._asdict()
        if not args.json:
            print(
                f"over diffusers' {name}: {found.ratio:.3f}; outside the net {1e3 * found.ours:.2f} ms a step, "
                f"theirs {1e3 * found.theirs:.2f}; pictures differ by {found.difference:.0e} at most"
            )
    if args.json:
        print(json.dumps(figures))
    return 0
