"""`settings`: what a picture says of how it was made, by this studio or another one."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from engine.checkpoints import settings as model_settings
from engine.checkpoints.adapters.files import AdapterFiles
from engine.checkpoints.hashes import Hashes
from engine.errors import UsageError
from engine.pictures.foreign.adopt import adopt, find_loras, find_vae
from engine.pictures.foreign.programs import read_foreign
from engine.pictures.foreign.settings import ForeignSettings
from engine.pictures.parameters import parameters
from engine.pictures.png import read_settings
from engine.settings_folder import settings_folder
from engine.spec.catalog import checkpoints, embedded_models
from engine.spec.request import Request, RequestError


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "settings",
        help="show the settings in a picture",
        description="Show the settings in a picture of this studio, A1111, Forge, SD.Next, ComfyUI, InvokeAI, NovelAI "
        "or Fooocus, what of them is here, and what differs.",
        epilog="Example: run.py settings apple.png --json",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a PNG, JPEG or WebP")
    parser.add_argument("--json", action="store_true", help="print them as JSON")
    parser.set_defaults(run=settings)


def settings(args: argparse.Namespace) -> int:
    """Raises UsageError for a picture without settings, ImageError for a file that cannot be read."""
    own, damaged = _own(args.file)
    if own is not None:
        print(own.to_json() if args.json else parameters(own))
        return 0
    found = read_foreign(args.file)
    if found is None:
        raise damaged or UsageError(f"{args.file} holds no settings that can be read: choose another picture.")
    _print(found, args.json)
    return 0


def _own(path: Path) -> tuple[Request | None, RequestError | None]:
    """Return this studio's settings in a picture, or why they cannot be read."""
    try:
        return read_settings(path), None
    except RequestError as error:
        return None, error if path.suffix.lower() == ".png" else None


def _print(found: ForeignSettings, as_json: bool) -> None:
    folder = settings_folder()
    models, hashes = embedded_models(), Hashes(folder)
    models += checkpoints(model_settings.load(folder), hashes)
    vae = find_vae(found.vae, AdapterFiles(folder, "VAE"))
    adopted = adopt(found, models, models[0], find_loras(found.loras, AdapterFiles(folder)), vae)
    if as_json:
        here = {"missing": adopted.missing, "differs": adopted.differs, "unused": adopted.unused}
        print(json.dumps(dataclasses.asdict(found) | {"here": here | {"draft": dataclasses.asdict(adopted.draft)}}))
        return
    facts: dict[str, object] = {"program": f"{found.program} {found.version}".strip()}
    facts |= {"prompt": found.prompt, "negative prompt": found.negative, "sampler": found.sampler}
    facts |= {"schedule": found.grid, "steps": found.steps, "guidance": found.guidance, "seed": found.seed}
    facts |= {"distilled guidance": found.distilled, "clip skip": found.clip_skip, "strength": found.strength}
    facts["size"] = "×".join(map(str, found.size or ()))
    facts["model"], facts["VAE"] = (file.title if file else "" for file in (found.model, found.vae))
    facts["LoRAs"] = ", ".join(f"{lora.file.title} × {lora.strength:g}" for lora in found.loras)
    for name, value in facts.items():
        if value not in ("", None):
            print(f"{name}: {value}")
    print(*adopted.sentences, sep="\n")
