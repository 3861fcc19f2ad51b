"""The settings file: read as far as it can be used, written atomically."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from app.settings.declare import SettingsError, declarations
from app.settings.values import Values
from engine.errors import one_line
from engine.files import replace_file, sweep
from engine.pictures.naming import next_path

VERSION = 1
MOST_NAMED = 3  # how many damages the notice names one by one
LONGEST = 150  # characters of each of them
MAX_BYTES = 16 * 2**20  # of the file: far more than the studio writes


def load(path: Path) -> tuple[Values, str]:
    """The values in `path` and "". Of a damaged file: the values that can be used, and a sentence about the others; the
    file itself is kept under another name.
    """
    sweep(path.parent)
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Values(), ""
    except OSError as error:
        return Values(), f"The settings in {path} cannot be read ({error.strerror or error}): the defaults are used."
    if len(data) > MAX_BYTES:
        values, lost = Values(), [f"larger than {MAX_BYTES // 2**20} MiB"]
    else:
        values, lost = read(data.decode("utf-8", errors="replace"))
    if not lost:
        return values, ""
    aside = next_path(path.parent, f"{path.stem}-damaged", path.suffix)
    try:
        path.replace(aside)
    except OSError:
        aside = path
    rest = "the defaults are used" if values == Values() else "the rest is as it was"
    named = [one_line(line, LONGEST) for line in lost[:MOST_NAMED]]
    told = "; ".join([*named, f"and {len(lost) - MOST_NAMED} more"] if len(lost) > MOST_NAMED else named)
    return values, f"The settings were damaged ({told}): {rest}, the old file is {aside}."


def read(text: str) -> tuple[Values, list[str]]:
    """The values that can be used of a file that `write` wrote, and one line on each other one. A value that is missing
    has its default.
    """
    try:
        data, lost = json.loads(text), list[str]()
    except ValueError as error:
        data, lost = _salvaged(text), [str(error)]
    except RecursionError:
        data, lost = _salvaged(text), ["nested too deep"]
    if not isinstance(data, dict):
        return Values(), ["not a table of settings"]
    if data.pop("version", None) != VERSION:
        return Values(), [*lost, "written by another version of the studio"]
    found: dict[str, Any] = {}
    declared = declarations(Values)
    for name, value in data.items():
        try:
            if name not in declared:
                raise SettingsError(f"“{name}” is unknown")
            found[name] = declared[name].value_of(value, lost)
        except SettingsError as error:
            lost.append(str(error))
    return Values(**found), lost


def _salvaged(text: str) -> dict[str, Any]:
    """The settings that can be read from a text that as a whole is no JSON, by the lines that begin them."""
    found, decoder = {}, json.JSONDecoder()
    for name in ("version", *declarations(Values)):
        line = re.search(rf'^ "{name}": ', text, re.MULTILINE)
        if line is None:
            continue
        try:
            found[name] = decoder.raw_decode(text, line.end())[0]
        except (ValueError, RecursionError):
            continue  # this is where it is damaged
    return found


def write(path: Path, values: Values) -> None:
    """Atomically: after a power cut there is the old file or the new one. Raises OSError."""
    text = json.dumps({"version": VERSION} | dataclasses.asdict(values), indent=1, ensure_ascii=False)
    with replace_file(path) as file:
        file.write(text.encode("utf-8", errors="backslashreplace"))  # half an emoji becomes \udxxx, which is JSON


def peek(path: Path) -> Values:
    """The values in `path` as far as they can be read; the file stays as it is."""
    try:
        with open(path, "rb") as file:
            return read(file.read(MAX_BYTES).decode("utf-8", errors="replace"))[0]
    except OSError:
        return Values()
