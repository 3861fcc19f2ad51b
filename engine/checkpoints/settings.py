"""What the user set for checkpoints: the folders to look in, and by hand the family of a file that is not recognised.

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
NETS = ("unet", "vae")  # whose arguments can be set, as in “unet.cross_attention_dim=768”


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """folders -- where to look for models; by_hand -- by the path of a file or folder, what the user set for it."""

    folders: tuple[Path, ...] = ()
    by_hand: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, path: Path) -> Mapping[str, Any]:
        """Return what the user set for the file at `path`, {} for nothing."""
        return self.by_hand.get(_key(path), {})

    def with_choices(self, path: Path, choices: Mapping[str, Any]) -> ModelSettings:
        """Return the settings with `choices` for the file at `path`; {} forgets them."""
        kept = {key: value for key, value in self.by_hand.items() if key != _key(path)}
        return replace(self, by_hand=kept | ({_key(path): dict(choices)} if choices else {}))


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
        by_hand = {str(key): check(value) for key, value in found.get("by_hand", {}).items()}
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        reason = one_line(str(error), 200)
        raise CheckpointError(f"{path} is damaged ({reason}): correct it, or delete it to begin anew.") from error
    return ModelSettings(folders, by_hand)


def save(settings: ModelSettings, folder: Path) -> None:
    """Write the settings to `folder`. Raises OSError."""
    held = {"folders": [str(one) for one in settings.folders], "by_hand": settings.by_hand}
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
