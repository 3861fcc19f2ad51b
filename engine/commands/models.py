"""`models`: list the models that are here, and explain a checkpoint from its header alone."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from engine.checkpoints import settings as model_settings
from engine.checkpoints.hashes import SHORT, Hashes
from engine.checkpoints.pickles import convert
from engine.checkpoints.recognise import Found, recognise
from engine.checkpoints.scan import Listed, look_at, scan
from engine.checkpoints.settings import ModelSettings
from engine.errors import UsageError
from engine.settings_folder import settings_folder
from engine.spec.catalog import embedded_models

PREDICTS = {"eps": "ε", "v": "v", "flow": "flow", "": "ε or v? Nothing in the file says which"}


def add_parsers(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "models",
        help="list the models here, or explain a file",
        description="Without FILE: list the models in the box and in your folders. With FILE: say what a checkpoint is "
        "from its header alone, without reading its weights.",
        epilog="Example: run.py models ~/models/dream.safetensors --json",
    )
    add = parser.add_argument
    add("file", nargs="?", type=Path, metavar="FILE", help="a .safetensors file, or the folder of a diffusers model")
    add("--json", action="store_true", help="print it as JSON")
    add("--add", type=Path, metavar="FOLDER", help="look for models in FOLDER too; its files stay where they are")
    add("--remove", type=Path, metavar="FOLDER", help="look in FOLDER no longer; its files stay")
    about = "set by hand what FILE does not say: family=sd1, predicts=v, zero_snr=true, unet.NAME=VALUE"
    add("--set", action="append", default=[], metavar="KEY=VALUE", help=about)
    add("--unset", action="store_true", help="forget what was set by hand for FILE")
    add("--hash", action="store_true", help="also compute the SHA-256 of FILE")
    add("--convert", type=Path, metavar="NEW", help="read the arrays of a pickle and write them as safetensors to NEW")
    parser.set_defaults(run=models)


def models(args: argparse.Namespace) -> int:
    folder = settings_folder()
    settings = model_settings.load(folder)
    if args.file is None:
        if args.set or args.unset or args.hash or args.convert:
            raise UsageError("These flags are about one file: add FILE.")
        return _list(_change_folders(args, settings, folder), args.json)
    if args.convert is not None:
        return _convert(args.file, args.convert)
    if args.set or args.unset:
        settings = settings.with_choices(args.file, model_settings.parse(args.set))
        if args.set:
            recognise(args.file, settings.of(args.file))  # before it is kept: raises where it still fits nothing
        model_settings.save(settings, folder)
    listed = look_at(args.file, settings)
    digest = Hashes(folder).of(args.file) if args.hash and args.file.is_file() else None
    if args.json:
        print(json.dumps(_facts(listed) | ({} if digest is None else {"sha256": digest}), ensure_ascii=False))
    elif listed.found is None:
        print(listed.problem, *(f"  near: {one}" for one in listed.nearest), sep="\n", file=sys.stderr)
    else:
        print(_explained(listed.found))
        if digest is not None:
            print(f"SHA-256: {digest} ({digest[:SHORT]})")
    return 0 if listed.found is not None else 2


def _change_folders(args: argparse.Namespace, settings: ModelSettings, folder: Path) -> ModelSettings:
    if args.add is None and args.remove is None:
        return settings
    folders = list(settings.folders)
    if args.add is not None:
        if not args.add.is_dir():
            raise UsageError(f"{args.add} is no folder: choose the folder of your models.")
        folders.append(args.add.absolute())
    if args.remove is not None:
        if args.remove.absolute() not in folders:
            raise UsageError(
                f"{args.remove} is none of your folders: {', '.join(map(str, folders)) or 'there is none'}."
            )
        folders.remove(args.remove.absolute())
    changed = ModelSettings(tuple(dict.fromkeys(folders)), settings.by_hand)
    model_settings.save(changed, folder)
    return changed


def _convert(path: Path, to: Path) -> int:
    if to.suffix != ".safetensors":
        raise UsageError(f"“{to.name}” is no name of a safetensors file: end it in .safetensors.")
    count = convert(path, to)
    print(f"{to}  {count} tensors")
    return 0


def _list(settings: ModelSettings, as_json: bool) -> int:
    listed = list(scan(settings))
    if as_json:
        box = {"role": "model", "family": "embedded"}
        own = [{"path": str(info.folder), "id": info.id} | box for info in embedded_models()]
        print(json.dumps([*own, *map(_facts, listed)], ensure_ascii=False))
        return 0
    for info in embedded_models():
        print(f"{info.id}  {info.title}, in the box")
    for one in listed:
        print(f"{one.path}  {_title(one.found) if one.found is not None else one.problem}")
    return 0


def _title(found: Found) -> str:
    return f"{found.title} ({found.role})" if found.role != "model" else found.title


def _facts(listed: Listed) -> dict[str, Any]:
    """What is known of a file, for JSON."""
    found = listed.found
    if found is None:
        return {"path": str(listed.path), "problem": listed.problem, "nearest": list(listed.nearest)}
    facts = {
        "path": str(found.path),
        "role": found.role,
        "family": found.family,
        "families": list(found.families),
        "title": found.title,
        "variant": found.variant,
        "predicts": found.predicts,
        "said_by": found.said_by,
        "zero_snr": found.zero_snr,
        "loadable": found.loadable,
        "bytes": found.bytes,
        "parts": [
            {"role": part.role, "title": part.title, "names": part.naming, "prefix": part.prefix, "tensors": part.count}
            for part in found.parts
        ],
        "metadata": dict(found.metadata),
        "by_hand": dict(found.by_hand),
    }
    if (adapter := found.adapter) is not None:
        facts["adapter"] = {
            "sort": adapter.sort,
            "modules": adapter.modules,
            "tensors": adapter.tensors,
            "others": list(adapter.others),
        }
    return facts


def _explained(found: Found) -> str:
    lines = [f"{found.path}: {found.title}"]
    if found.role == "model":
        said = f" (said by {found.said_by})" if found.said_by else ": set it with --set predicts=eps or predicts=v"
        lines.append(f"predicts {PREDICTS[found.predicts]}{said}{', zero terminal SNR' if found.zero_snr else ''}")
        if not found.loadable:
            lines.append("this studio cannot load it yet")
    lines += [f"{part.role}: {part.title}, {part.count} tensors" for part in found.parts]
    if (adapter := found.adapter) is not None:
        lines.append(f"changes {adapter.modules} modules; {len(adapter.others)} of its tensors are of no adapter")
    lines.append(f"{found.bytes / 1e9:.2f} GB")
    return "\n".join(lines)
