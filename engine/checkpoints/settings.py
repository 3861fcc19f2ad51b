"""What the user set for checkpoints: where to look for them, the family of a file that is not recognised, and defaults.

It is kept in models.json in the studio's settings folder. Nothing is ever written beside a user's file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.families import families
from engine.errors import one_line, why
from engine.files import replace_file

FILE = "models.json"
MAX_BYTES = 16 * 2**20
PREDICTIONS = ("eps", "v")
DEFAULTS = {  # the settings that a run begins with, each with its range
    "steps": (1, 1000), "guidance": (-100, 100), "sampler": (1, 300), "spacing": (1, 300), "size": (8, 16384),
    "precision": (1, 20), "vae": (1, 4096), "saving": (0, 10),
}  # fmt: skip
SAVINGS = ("tiles", "offload", "single")  # ways to take less memory: engine.spec.saving
TEXTS = ("sampler", "spacing", "precision", "vae")
NETS = ("unet", "vae")  # whose arguments can be set, as in “unet.cross_attention_dim=768”


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What the user set.

    folders  -- where to look for models
    by_hand  -- by the path of a file or folder, what it is
    files    -- single files and model folders outside of `folders`
    defaults -- by path, the settings that its runs begin with: keys of DEFAULTS
    precision -- of models that have none among these, a key of engine.spec.limits.DTYPES; "": the device's best
    """

    folders: tuple[Path, ...] = ()
    by_hand: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    precision: str = ""

    def of(self, path: Path) -> Mapping[str, Any]:
        """Return what the user set for the file at `path`, {} for nothing."""
        return self.by_hand.get(_key(path), {})

    def with_choices(self, path: Path, choices: Mapping[str, Any]) -> ModelSettings:
        """Return the settings with `choices` for the file at `path`; {} forgets them."""
        return replace(self, by_hand=_with(self.by_hand, path, choices))

    def defaults_of(self, path: Path) -> Mapping[str, Any]:
        """Return the user's own defaults for the model at `path`, {} for none."""
        return self.defaults.get(_key(path), {})

    def with_defaults(self, path: Path, defaults: Mapping[str, Any]) -> ModelSettings:
        """Return the settings with the user's own defaults for the model at `path`; {} forgets them."""
        return replace(self, defaults=_with(self.defaults, path, defaults))


def _with(
    held: Mapping[str, Mapping[str, Any]], path: Path, choices: Mapping[str, Any]
) -> dict[str, Mapping[str, Any]]:
    kept = {key: value for key, value in held.items() if key != _key(path)}
    return kept | ({_key(path): dict(choices)} if choices else {})


def _key(path: Path) -> str:
    return os.path.realpath(path)


def load(folder: Path) -> ModelSettings:
    """Read the settings in `folder`; the defaults where there are none. Raises CheckpointError for a damaged file."""
    path = folder / FILE
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return ModelSettings()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({why(error)}).") from error
    try:
        if len(data) > MAX_BYTES:
            raise ValueError("it is too large")
        found = json.loads(data)
        folders = tuple(Path(one) for one in found.get("folders", []))
        files = tuple(Path(one) for one in found.get("files", []))
        by_hand = {str(key): check(value) for key, value in found.get("by_hand", {}).items()}
        defaults = {str(key): check_defaults(value) for key, value in found.get("defaults", {}).items()}
        precision = found.get("precision") or ""
        check_defaults({"precision": precision} if precision else {})
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        reason = one_line(str(error), 200)
        raise CheckpointError(f"{path} is damaged ({reason}): correct it, or delete it to begin anew.") from error
    return ModelSettings(folders, by_hand, files, defaults, precision)


def save(settings: ModelSettings, folder: Path) -> None:
    """Write the settings to `folder`. Raises OSError."""
    held = {
        "folders": [str(one) for one in settings.folders],
        "files": [str(one) for one in settings.files],
        "by_hand": settings.by_hand,
        "defaults": settings.defaults,
        "precision": settings.precision,
    }
    with replace_file(folder / FILE) as file:
        file.write(json.dumps(held, indent=1, ensure_ascii=False).encode())


def parse(items: list[str]) -> dict[str, Any]:
    """Read choices such as ["family=sd1", "predicts=v", "unet.cross_attention_dim=768"]; values are JSON or words.

    Raises CheckpointError for an unknown key or an impossible value.
    """
    choices: dict[str, Any] = {}
    for item in items:
        key, equals, value = item.partition("=")
        net, dot, name = key.partition(".")
        if not equals or (dot and (net not in NETS or not name)):
            raise CheckpointError(f"“{item}” sets nothing: write KEY=VALUE, such as family=sd1 or predicts=v.")
        try:
            read = json.loads(value)
        except ValueError:
            read = value
        if dot:
            choices.setdefault(net, {})[name] = read
        else:
            choices[key] = read
    return check(choices)


def check(choices: Any) -> dict[str, Any]:
    """Check choices and return them. Raises CheckpointError for those that cannot be."""
    if not isinstance(choices, dict):
        raise CheckpointError("The choices for a model are no table.")
    for key, value in choices.items():
        if key == "family":
            if value not in families():
                raise CheckpointError(f"There is no family “{value}”: choose one of {', '.join(families())}.")
        elif key == "predicts":
            if value not in PREDICTIONS:
                raise CheckpointError(f"A model predicts {' or '.join(PREDICTIONS)}, not “{value}”.")
        elif key == "zero_snr":
            if not isinstance(value, bool):
                raise CheckpointError("zero_snr is true or false.")
        elif key not in NETS:
            known = ", ".join(["family", "predicts", "zero_snr", *(f"{net}.…" for net in NETS)])
            raise CheckpointError(f"There is nothing to set called “{key}”: choose one of {known}.")
        elif not isinstance(value, dict):
            raise CheckpointError(f"The arguments of the {key} are no table.")
    return choices


def check_defaults(defaults: Any) -> dict[str, Any]:
    """Check the user's own defaults and return them. Raises CheckpointError for those that cannot be."""
    if not isinstance(defaults, dict):
        raise CheckpointError("The defaults for a model are no table.")
    for key, value in defaults.items():
        if key not in DEFAULTS:
            raise CheckpointError(f"A model has no default “{key}”: choose one of {', '.join(DEFAULTS)}.")
        low, high = DEFAULTS[key]
        if key in TEXTS:
            if not isinstance(value, str) or not low <= len(value) <= high:
                raise CheckpointError(f"The default “{key}” is a name.")
        elif key == "saving":
            if not (isinstance(value, list) and all(name in SAVINGS for name in value)):
                raise CheckpointError(f"The default “saving” is a list of {', '.join(SAVINGS)}.")
        elif key == "size":
            if not (isinstance(value, list) and len(value) == 2 and all(_is_number(v, low, high, True) for v in value)):
                raise CheckpointError("The default size is a width and a height.")
        elif not _is_number(value, low, high, key == "steps"):
            raise CheckpointError(f"The default “{key}” is a number from {low:g} to {high:g}.")
    return defaults


def _is_number(value: object, low: float, high: float, whole: bool) -> bool:
    kinds = (int,) if whole else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high
