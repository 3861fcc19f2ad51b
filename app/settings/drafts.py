"""Drafts and tools in the settings file: read field by field, so that a damaged one costs only itself."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from app.core.canvas.toolset import EDGES, LIMITS, SIDES, ToolChoices, ToolsetState
from app.settings.declare import SettingsError, read_fields
from engine.spec.adapter import AdapterUse, check_adapters
from engine.spec.draft import LIMITS as DRAFT_LIMITS
from engine.spec.draft import METHODS, Draft
from engine.spec.guides import MAX_GUIDES, Guide, guide_from_dict
from engine.spec.limits import DTYPES
from engine.spec.request import MAX_TEXT, THRESHOLDS
from engine.spec.vae import OWN, VaeChosen, VaeUse
from engine.spec.validation import number, text

LONGEST_PATH = 4096  # characters

LIMITS_OF_DRAFT = DRAFT_LIMITS | {"prompt": (0, MAX_TEXT), "negative": (0, MAX_TEXT)}
NEEDED = {field.name for field in dataclasses.fields(Draft) if field.default is dataclasses.MISSING}


def read_drafts(data: object, lost: list[str]) -> dict[str, Draft]:
    """The drafts by model. A draft that lacks one of the NEEDED fields is lost whole; the others have defaults."""
    if not isinstance(data, dict):
        raise SettingsError("“drafts” is no table")
    drafts = {}
    for model, draft in data.items():
        found = read_fields(draft, Draft, f"the draft for “{model}”", lost, LIMITS_OF_DRAFT, DRAFT_READERS)
        if missing := NEEDED - set(found):
            lost.append(f"the draft for “{model}” cannot be used without: {', '.join(sorted(missing))}")
        else:
            drafts[model] = Draft(**found)
    return drafts


def read_tools(data: object, lost: list[str]) -> ToolsetState:
    """Read the tools' settings; damaged or missing ones get their defaults."""
    if not isinstance(data, dict):
        raise SettingsError("“tools” is no table")
    tables = data.get("choices", {})
    if not isinstance(tables, dict):
        lost.append("“choices” of “tools” is no table")
        tables = {}
    choices = {}
    for name, table in tables.items():
        if found := read_fields(table, ToolChoices, f"the tool “{name}”", lost, LIMITS, {}):
            choices[name] = ToolChoices(**found)
    plain = {name: value for name, value in data.items() if name != "choices"}
    return ToolsetState(
        choices=choices,
        **read_fields(plain, ToolsetState, "“tools”", lost, {"edge": EDGES, "side": SIDES}, {"colour": _colour}),
    )


def read_folders(data: object, lost: list[str]) -> dict[str, str]:
    """The folders that were used last, by purpose."""
    if not isinstance(data, dict):
        raise SettingsError("“folders” is no table")
    return {name: folder for name, folder in data.items() if isinstance(folder, str) and "\0" not in folder}


def _colour(data: list[Any]) -> tuple[int, int, int]:
    if not all(type(part) is int and 0 <= part <= 255 for part in data):
        raise ValueError("a colour is three whole numbers, 0 … 255")
    red, green, blue = data
    return red, green, blue


def _options(data: list[list[Any]]) -> tuple[tuple[str, float], ...]:
    return tuple((text(name), _finite(value)) for name, value in data)


def _interval(data: list[Any] | None) -> tuple[float, float] | None:
    if data is None:
        return None
    low, high = map(_finite, data)
    if not 0 <= low <= high:
        raise ValueError("an interval of noise levels has its low end first")
    return low, high


def _guides(data: list[dict[str, Any]]) -> tuple[Guide, ...]:
    if not isinstance(data, list) or len(data) > MAX_GUIDES:
        raise ValueError(f"guides are a list of {MAX_GUIDES} at most")
    return tuple(map(guide_from_dict, data))


def _adapters(data: list[dict[str, Any]]) -> tuple[AdapterUse, ...]:
    if not isinstance(data, list):
        raise ValueError("adapters are a list")
    found = tuple(map(AdapterUse.from_dict, data))
    check_adapters(found)
    return found


def _vae(data: dict[str, Any] | str | None) -> VaeChosen:
    if isinstance(data, str) and data != OWN:
        raise ValueError("a VAE is that of a file, or the model's own")
    return VaeUse.from_dict(data) if isinstance(data, dict) else OWN if data == OWN else None


def _finite(value: object) -> float:
    if not math.isfinite(found := number(value)):
        raise ValueError("not a finite number")
    return found


def _one_of(choices: tuple[str, ...], value: object) -> str:
    if text(value) not in choices:
        raise ValueError(f"not one of {', '.join(choices)}")
    return text(value)


DRAFT_READERS: dict[str, Callable[[Any], Any]] = {
    "options": _options,
    "guidance_interval": _interval,
    "guides": _guides,
    "adapters": _adapters,
    "vae": _vae,
    "precision": lambda value: None if value is None else _one_of(tuple(DTYPES), value),
    "off": lambda value: tuple(map(text, value)),
    "wildcards": lambda value: tuple(map(text, value)),
    "threshold": lambda value: _one_of(THRESHOLDS, value),
    "method": lambda value: _one_of(METHODS, value),
}


def read_folder_list(data: Any, lost: list[str]) -> list[str]:
    """The folders in a list; what is none is left out."""
    if not isinstance(data, list):
        lost.append("the folders are no list")
        return []
    folders = [folder for folder in data if isinstance(folder, str) and 0 < len(folder) <= LONGEST_PATH]
    if len(folders) != len(data):
        lost.append(f"{len(data) - len(folders)} entries of the folders are no folder")
    return folders
