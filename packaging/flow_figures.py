"""Measure the figures of docs/flow.md and of Fashion's card: model calls along the flow, and likelihoods.

    OMP_NUM_THREADS=2 .venv/bin/python packaging/flow_figures.py PART … --out DIR

Each part appends JSON lines to DIR/PART.jsonl while it measures, skips lines that exist already, and prints a summary
at the end. --plot DIR draws the figure. All parts together take one or two hours on two cores.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import checkout  # noqa: F401 -- engine can be imported now
import numpy as np
import torch
from torch import Tensor

from engine.evaluate.plots import Axis, Plot
from engine.flow.density import bits, levels, mean_and_stderr
from engine.jobs.likelihood import Elbo, ElboTerms, conditional_request
from engine.metrics import psnr
from engine.models.pixel import LUMA
from engine.ode import solve
from engine.plan import plan
from engine.session import Session
from engine.spec.draft import Draft, resolve

LOW, HIGH = 0.02, 80.0
SIZE = 8  # pictures at once


class Kept:
    """JSON lines in a file, each with its own key."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.found: dict[str, Any] = {row["key"]: row for row in map(json.loads, lines)}

    def __contains__(self, key: str) -> bool:
        return key in self.found

    def add(self, key: str, **facts: Any) -> None:
        self.found[key] = {"key": key} | facts
        with self._path.open("a") as file:
            file.write(json.dumps(self.found[key]) + "\n")
        print(key, {k: v for k, v in facts.items() if not isinstance(v, list)}, flush=True)

    def all(self, name: str, field: str) -> np.ndarray:
        """Concatenate the field of every row whose key begins with `name:`."""
        rows = [row[field] for key, row in self.found.items() if key.startswith(f"{name}:")]
        return np.concatenate([np.atleast_1d(row) for row in rows]) if rows else np.zeros(0)


def fashion(data: Path, n: int) -> np.ndarray:
    """Draw n of the 10,000 test pictures with seed 0: (n, 32, 32, 3)."""
    table = json.loads((data / "fashion/rows.json").read_text())["rows"]
    held = [k for k, row in enumerate(table) if row.get("held_out")]
    rows = np.sort(np.random.default_rng(0).choice(held, n, replace=False))
    return np.repeat(np.load(data / "fashion/pictures.npy", mmap_mode="r")[rows], 3, 3)


def emoji(data: Path, n: int) -> np.ndarray:
    """Draw n renders with seed 0; average them down to 32×32, make them grey: (n, 32, 32, 3)."""
    array = np.load(data / "emoji/pictures.npy", mmap_mode="r")
    rows = np.sort(np.random.default_rng(0).choice(len(array), n, replace=False))
    small = array[rows].astype(np.float64).reshape(n, 32, 4, 32, 4, 3).mean((2, 4))
    return np.repeat((small @ np.array(LUMA)).round().astype(np.uint8)[..., None], 3, 3)


def bits_of(session: Session, pictures: np.ndarray, kept: Kept, name: str, tol: float, low: float) -> None:
    """Measure bits/dim under Fashion without a label. The seed of a picture is its index."""
    info = session.infos["fashion"]
    model, request = session.load(info), conditional_request(info)
    for at in range(0, len(pictures), SIZE):
        key = f"{name}:{at}"
        if key in kept:
            continue
        some, began = pictures[at : at + SIZE], time.perf_counter()
        one = run_to_end(bits(model, request, levels(some, model), range(at, at + len(some)), 0, tol, low))
        kept.add(key, bits=one.bits_dim.tolist(), calls=one.calls, seconds=time.perf_counter() - began)


def run_to_end(parts: Any) -> Any:
    """Run a generator to its end; return its return value."""
    while True:
        try:
            next(parts)
        except StopIteration as end:
            return end.value


def measure_bits(args: argparse.Namespace, kept: Kept, session: Session) -> None:
    garments, drawings = fashion(args.data, 200), emoji(args.data, 200)
    sets = {
        "fashion": (garments, LOW),
        "fashion at 0.01": (garments, 0.01),
        "emoji": (drawings, LOW),
        "emoji inverted": (255 - drawings[:80], LOW),
        "flat": (np.stack([np.full((32, 32, 3), v, np.uint8) for v in (0, 64, 128, 192, 255)]), LOW),
        "fashion inverted": (255 - garments[:40], LOW),
    }
    for name, (pictures, low) in sets.items():
        some = len(pictures) if name == "fashion" else min(args.most, len(pictures))
        pictures = pictures[np.linspace(0, len(pictures) - 1, some).round().astype(int)]
        bits_of(session, pictures, kept, name, args.tol, low)
        report_bits(kept)


def report_bits(kept: Kept) -> None:
    garments = kept.all("fashion", "bits")
    for name in sorted({key.split(":")[0] for key in kept.found}):
        found = kept.all(name, "bits")
        mean, stderr = mean_and_stderr(found)
        summary = f"{name}: {mean:.3f} ± {stderr:.3f} bits/dim, n = {len(found)}"
        if not name.startswith("fashion") and len(garments) and len(found) > 1:
            below = (garments[:, None] < found).mean()
            cut = np.quantile(garments, 0.95)
            summary += f"; AUC {below:.4f}, {(found > cut).mean():.1%} lie above the 95 % quantile of the garments"
            best = max(((garments < c).sum() + (found >= c).sum()) for c in np.concatenate([garments, found]))
            summary += f", best cut names {best / (len(garments) + len(found)):.1%} right"
        print(summary)


def measure_bound(args: argparse.Namespace, kept: Kept, session: Session) -> None:
    """Measure bits along the flow and the chain's bound for the same 20 dequantised pictures, real and generated."""
    info = session.infos["fashion"]
    model, request = session.load(info), conditional_request(info)
    generated, _ = generate_garments(session, info.id, 1, 0)
    for name, pictures in (("real", fashion(args.data, 200)[::10]), ("generated", generated[::2])):
        for k, rgb in enumerate(pictures):
            key = f"{name}:{k}"
            if key in kept:
                continue
            flow = run_to_end(bits(model, request, levels(rgb[None], model), [k], 0, args.tol, LOW)).bits_dim.item()
            chains = {}
            for n in (100, 1000):
                *_, summary = session.perform(Elbo(model=info.id, rgb=rgb, levels=n, draws=1, seed=k))
                assert isinstance(summary, ElboTerms)
                chains[f"bound{n}"] = summary.total
            kept.add(key, bits=flow, **chains)
        for n in (100, 1000):
            apart = kept.all(name, f"bound{n}") - kept.all(name, "bits")
            mean, stderr = mean_and_stderr(apart)
            span = f"{apart.min():+.3f} … {apart.max():+.3f}, above in {(apart > 0).sum()} of {len(apart)}"
            print(f"{name}: bound in {n} steps − bits = {mean:+.3f} ± {stderr:.3f} bits/dim, {span}")


def measure_levels(args: argparse.Namespace, kept: Kept, session: Session) -> None:
    """Measure the bits of the first eight garments by σ_min, the lowest level of the flow."""
    garments = fashion(args.data, 200)[:SIZE]
    for low in (0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002):
        bits_of(session, garments, kept, f"{low:g}", args.tol, low)
    for key, row in kept.found.items():
        print(f"σ_min {key[:-2]}: {np.mean(row['bits']):.3f} bits/dim, n = {len(row['bits'])}, {row['calls']} calls")


def renders(data: Path, n: int) -> tuple[Tensor, list[tuple[str, str]]]:
    """Draw n held-out renders with seed 0: pictures (n, 3, 32, 32) in [−1, 1], and their names and styles."""
    rows = json.loads((data / "emoji/rows.json").read_text())["rows"]
    held = [k for k, row in enumerate(rows) if row.get("held_out")]
    chosen = np.sort(np.random.default_rng(0).choice(held, n, replace=False))
    array = np.load(data / "emoji/pictures.npy", mmap_mode="r")[chosen]
    small = array.astype(np.float32).reshape(n, 32, 4, 32, 4, 3).mean((2, 4)).round() / 127.5 - 1
    return torch.from_numpy(small).permute(0, 3, 1, 2).contiguous(), [
        (rows[k]["name"], rows[k]["label"]) for k in chosen
    ]


def round_trip(session: Session, x0: Tensor, name: str, label: str | None, tol: float) -> dict[str, Any]:
    info = session.infos["emoji"]
    request = resolve(Draft.for_model(info, prompt=name, label=label, guidance=1.0, enlarge=False), info)
    d = plan(request, session.load(info)).denoiser
    up = list(solve(d, x0, LOW, HIGH, tol))
    down = list(solve(d, up[-1].move.x, HIGH, LOW, tol))
    spread = up[-1].move.x.double().square().mean().sqrt().item() / HIGH
    calls = {"up": sum(step.nfe for step in up), "down": sum(step.nfe for step in down)}
    return calls | {"psnr": psnr(down[-1].move.x.numpy(), x0.numpy()), "spread": spread}


def measure_round_trips(args: argparse.Namespace, kept: Kept, session: Session) -> None:
    pictures, captions = renders(args.data, 20)
    for condition in ("caption", "none"):
        for k, (name, label) in enumerate(captions):
            key = f"{condition}:{k}"
            if key not in kept:
                text, style = (name, label) if condition == "caption" else ("", None)
                kept.add(key, name=name, label=label, **round_trip(session, pictures[k : k + 1], text, style, 1e-4))
        found = {field: kept.all(condition, field) for field in ("psnr", "up", "down", "spread")}
        median = {field: float(np.median(values)) for field, values in found.items()}
        low, high = np.quantile(found["psnr"], [0, 1])
        print(f"condition {condition}: medians {median}, PSNR {low:.1f} … {high:.1f}, n = {len(found['psnr'])}")


def measure_curve(args: argparse.Namespace, kept: Kept, session: Session) -> None:
    """Measure calls and PSNR at each tolerance, with the caption, for four of the renders."""
    pictures, captions = renders(args.data, 20)
    for tol in (1e-2, 1e-3, 1e-4, 1e-5):
        for k in range(0, 20, 5):
            key = f"{tol:g}:{k}"
            if key not in kept:
                kept.add(key, tol=tol, **round_trip(session, pictures[k : k + 1], *captions[k], tol))
    if args.plot:
        tols = sorted({row["tol"] for row in kept.found.values()})
        calls = [float(np.median(kept.all(f"{tol:g}", "up") + kept.all(f"{tol:g}", "down"))) for tol in tols]
        points = [float(np.median(kept.all(f"{tol:g}", "psnr"))) for tol in tols]
        plot = Plot(
            "Round trips of real emoji: cost and error by tolerance",
            Axis.of("model calls, up and down (median of 4)", calls, log=True),
            Axis.of("PSNR in dB (median of 4)", [0, *points]),
        )
        plot.line(list(zip(calls, points, strict=True)))
        for tol, x, y in zip(tols, calls, points, strict=True):
            plot.point(x, y, f"{tol:g}")
        plot.save(args.plot / "flow-tolerance.png")


def measure_temperature(args: argparse.Namespace, kept: Kept, session: Session) -> None:
    """Generate garments of ten kinds at γ = 1; measure their bits, and the distance of two of a kind."""
    info = session.infos["fashion"]
    settings: list[tuple[float, float]] = [(1, 0), (0.8, 0), (0.9, 0), (1.1, 0), (1.2, 0), (1, 0.7), (1, 1), (1, 1.5)]
    for temperature, truncation in settings:
        name = f"τ={temperature:g}, truncation {truncation:g}"
        if f"{name}:0" in kept:
            continue
        pictures, apart = generate_garments(session, info.id, temperature, truncation, args.each)
        model, request = session.load(info), conditional_request(info)
        found: list[float] = []
        for at in range(0, len(pictures), SIZE):
            level = levels(pictures[at : at + SIZE], model)
            found += run_to_end(bits(model, request, level, range(at, at + len(level)), 0, args.tol)).bits_dim.tolist()
        kept.add(f"{name}:0", bits=found, apart=apart)
    for key, row in kept.found.items():
        mean, stderr = mean_and_stderr(np.array(row["bits"]))
        print(f"{key[:-2]}: {mean:.3f} ± {stderr:.3f} bits/dim, two of a kind {row['apart']:.1f} of 255 apart")


def generate_garments(
    session: Session, model: str, temperature: float, truncation: float, each: int = 4
) -> tuple[np.ndarray, float]:
    """Generate eight of each kind: return `each` of each, and the mean RMS distance of two of a kind, 0 … 255."""
    info, some, apart = session.infos[model], [], []
    for label in info.labels:
        draft = Draft.for_model(info, label=label, guidance=1.0, batch=8, seed=0)
        request = resolve(replace(draft, temperature=temperature, truncation=truncation), info)
        *_, last = session.generate(request)
        rgb = session.picture(request, last.move.x)
        flat = rgb[..., 0].reshape(len(rgb), -1).astype(float)
        distance = np.sqrt(((flat[:, None] - flat) ** 2).mean(2))
        apart.append(distance[~np.eye(len(flat), dtype=bool)].mean())
        some.append(rgb[:each])
    return np.concatenate(some), float(np.mean(apart))


PARTS = {
    "bits": measure_bits,
    "levels": measure_levels,
    "bound": measure_bound,
    "roundtrip": measure_round_trips,
    "curve": measure_curve,
    "temperature": measure_temperature,
}


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=list(PARTS))
    parser.add_argument("--data", type=Path, default=Path(".data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tol", type=float, default=1e-3, help="tolerance of the densities (default %(default)s)")
    parser.add_argument("--most", type=int, default=200, metavar="N", help="pictures of each set except Fashion's own")
    parser.add_argument(
        "--each",
        type=int,
        default=4,
        metavar="N",
        help="garments of each kind by temperature",
    )
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args(words)
    session = Session("cpu")
    for part in args.parts:
        PARTS[part](args, Kept(args.out / f"{part}.jsonl"), session)
    return 0


if __name__ == "__main__":
    sys.exit(main())
