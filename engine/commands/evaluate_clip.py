"""`evaluate-clip`: measure how often a CLIP finds the name of a held-out picture."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "evaluate-clip",
        help="measure a CLIP on held-out pictures",
        description="Measure zero-shot retrieval: find the name of a held-out picture among all names of the data set, "
        "for clean pictures and by noise level, beside the judge's accuracy.",
    )
    add = parser.add_argument
    add("clip", help="id of the CLIP, such as emoji-clip, a folder, or a checkpoint")
    add("--data", type=Path, metavar="DIR", default=Path(".data/emoji"), help="the data set (default %(default)s)")
    add("--denoiser", metavar="MODEL", help="measure this model's x̂₀ of noisy pictures too")
    add("--judge", type=Path, metavar="DIR", help="judge to compare with (default: the embedded one of the data set)")
    add("--json", action="store_true", help="print the figures as JSON")
    parser.set_defaults(run=evaluate_clip)


def evaluate_clip(args: argparse.Namespace) -> int:
    import torch

    from engine.evaluate.dataset_pictures import RealPictures
    from engine.evaluate.judge import judge_folder
    from engine.evaluate.retrieval import report_lines, zero_shot
    from engine.models import load as load_model
    from engine.models.clip import load
    from engine.spec.catalog import find

    clip = load(args.clip)
    denoiser = None if args.denoiser is None else load_model(find(args.denoiser), torch.device("cpu"))
    figures = zero_shot(clip, RealPictures.of(args.data, clip.side), denoiser)
    card = (args.judge or judge_folder(args.data.resolve().name)) / "config.json"
    ceiling = None
    if card.is_file():
        ceiling = json.loads(card.read_text(encoding="utf-8"))["ceiling"]["held out"]
    if args.json:
        print(json.dumps(figures | {"clip": clip.id, "sha256": clip.sha256, "judge": ceiling}))
    else:
        print("\n".join([f"{clip.title} ({clip.sha256[:12]}):", *report_lines(figures, ceiling)]))
    return 0
