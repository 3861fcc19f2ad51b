"""What the studio remembers between starts: typed, versioned, saved atomically."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from PySide6.QtCore import QByteArray, QObject, QTimer, Signal

from app.core.exporting import ExportKind, ExportMethod
from app.core.toolset import Choices, Held
from engine.draft import Draft
from engine.guides import MAX_GUIDES, guide_from_dict

VERSION = 1
SAVE_AFTER_MS = 500  # a flurry of changes is one write

Theme: TypeAlias = Literal["system", "light", "dark"]
Scaling: TypeAlias = Literal["nearest", "smooth"]


class SettingsError(ValueError):
    """A settings file that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """Every setting, declared once.

    theme -- the colours; "system" follows the desktop
    scaling -- how small pictures are shown enlarged
    seed_locked -- whether a run leaves the seed as it is
    model -- the id of the model last used, "" before there was one
    drafts -- the last draft of each model, by its id
    tools -- the tool in hand on the canvas and how each is set
    export_… -- how pictures were last exported: times as large, by what, as what kind of file, at what quality
    geometry, window_state -- of the main window, as Qt saves them, base64
    """

    theme: Theme = "system"
    scaling: Scaling = "nearest"
    seed_locked: bool = False
    model: str = ""
    drafts: dict[str, Draft] = field(default_factory=dict)
    tools: Held = field(default_factory=Held)
    export_factor: int = 1
    export_method: ExportMethod = "nearest"
    export_kind: ExportKind = "png"
    export_quality: int = 95
    geometry: str = ""
    window_state: str = ""


class Settings(QObject):
    """The values of now, and their file. `path` None: they are not kept."""

    changed = Signal(object)  # the set of names that changed
    save_failed = Signal(str)  # one sentence

    def __init__(self, path: Path | None = None, values: Values | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._values = values or Values()
        self._dirty = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_AFTER_MS)
        self._timer.timeout.connect(self.flush)

    @property
    def values(self) -> Values:
        return self._values

    def update(self, **changes: Any) -> None:
        """Change settings by name; told and saved only where they differ."""
        names = {name for name, value in changes.items() if getattr(self._values, name) != value}
        if not names:
            return
        self._values = dataclasses.replace(self._values, **changes)
        self._dirty = True
        self._timer.start()
        self.changed.emit(names)

    def flush(self) -> None:
        """Write what has not been written yet."""
        self._timer.stop()
        if not self._path or not self._dirty:
            return
        self._dirty = False
        try:
            write(self._path, self._values)
        except OSError as error:
            self.save_failed.emit(f"The settings could not be saved in {self._path}: {error.strerror or error}.")


def load(path: Path) -> tuple[Values, str]:
    """The values in `path` and "", or the defaults and a sentence on what was wrong; a damaged file is kept aside."""
    try:
        return parse(path.read_text(encoding="utf-8")), ""
    except FileNotFoundError:
        return Values(), ""
    except OSError as error:
        return Values(), f"The settings in {path} cannot be read ({error.strerror or error}): the defaults are used."
    except ValueError as error:
        aside = path.with_name(f"{path.stem}-damaged-{datetime.now():%Y%m%d-%H%M%S}{path.suffix}")
        try:
            path.replace(aside)
        except OSError:
            aside = path
        return Values(), f"The settings were damaged ({error}): the defaults are used, the old file is {aside}."


def parse(text: str) -> Values:
    """Raises ValueError for anything that `write` does not write; a setting that is missing has its default."""
    data = json.loads(text)
    if not isinstance(data, dict):
        raise SettingsError("not a table of settings")
    if data.pop("version", None) != VERSION:
        raise SettingsError("written by another version of the studio")
    hints = typing.get_type_hints(Values)
    for name, value in data.items():
        if name not in hints:
            raise SettingsError(f"“{name}” is unknown")
        if name == "drafts":
            data[name] = _drafts(value)
        elif name == "tools":
            data[name] = _held(value)
        elif not _fits(value, hints[name]):
            raise SettingsError(f"“{name}” cannot be {value!r}")
    return Values(**data)


def write(path: Path, values: Values) -> None:
    """Atomically: after a power cut there is the old file or the new one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    text = json.dumps({"version": VERSION} | dataclasses.asdict(values), indent=1, ensure_ascii=False)
    try:
        with open(part, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _drafts(value: Any) -> dict[str, Draft]:
    """The drafts by model. Fields that an older studio did not know may be missing: they have defaults."""
    hints = typing.get_type_hints(Draft)
    needed = {field.name for field in dataclasses.fields(Draft) if field.default is dataclasses.MISSING}
    if not isinstance(value, dict):
        raise SettingsError("“drafts” is no table")
    drafts = {}
    for model, draft in value.items():
        if not isinstance(draft, dict) or not needed <= set(draft) <= set(hints):
            raise SettingsError(f"the draft for “{model}” is not whole")
        for name, choice in draft.items():
            checks = {"options": _are_options, "guidance_interval": _is_interval, "guides": _are_guides}
            check = checks.get(name)
            if not (check(choice) if check else _fits(choice, hints[name])):
                raise SettingsError(f"“{name}” of the draft for “{model}” cannot be {choice!r}")
        options = tuple((name, float(number)) for name, number in draft.get("options", ()))
        ends = draft.get("guidance_interval")
        interval = None if ends is None else (float(ends[0]), float(ends[1]))
        guides = tuple(map(guide_from_dict, draft.get("guides", ())))
        drafts[model] = Draft(**draft | {"options": options, "guidance_interval": interval, "guides": guides})
    return drafts


def _held(value: Any) -> Held:
    """How the tools were set. Fields that an older studio did not know may be missing: they have defaults."""
    held = _typed(value, Held, "“tools”", choices=_is_table, colour=_is_colour)
    choices = {name: Choices(**_typed(chosen, Choices, f"the tool “{name}”"))
               for name, chosen in held.get("choices", {}).items()}  # fmt: skip
    return Held(**held | {"choices": choices, "colour": tuple(held.get("colour", Held().colour))})


def _typed(value: Any, kind: type, said: str, **checks: Callable[[Any], bool]) -> dict[str, Any]:
    """A JSON table whose names and types are those of the dataclass `kind`; `checks` where a type is not plain."""
    hints = typing.get_type_hints(kind)
    if not isinstance(value, dict) or not set(value) <= set(hints):
        raise SettingsError(f"{said} is no table of what is known")
    for name, choice in value.items():
        if not (checks[name](choice) if name in checks else _fits(choice, hints[name])):
            raise SettingsError(f"“{name}” of {said} cannot be {choice!r}")
    return value


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_colour(value: Any) -> bool:
    """Whether a JSON value is a list of three whole numbers."""
    return isinstance(value, list) and len(value) == 3 and all(_fits(part, int) for part in value)


def _are_options(value: Any) -> bool:
    """Whether a JSON value is a list of [name, number]."""
    pairs = value if isinstance(value, list) else [None]
    return all(isinstance(p, list) and len(p) == 2 and _fits(p[0], str) and _fits(p[1], float) for p in pairs)


def _is_interval(value: Any) -> bool:
    """Whether a JSON value is None or [number, number]."""
    return value is None or (isinstance(value, list) and len(value) == 2 and all(_fits(end, float) for end in value))


def _are_guides(value: Any) -> bool:
    """Whether a JSON value is a list of guides."""
    try:
        return isinstance(value, list) and len([*map(guide_from_dict, value)]) <= MAX_GUIDES
    except (KeyError, TypeError, ValueError):
        return False


def _fits(value: Any, hint: Any) -> bool:
    """Whether a JSON value is of the type that a field declares."""
    choices = typing.get_args(hint)
    if typing.get_origin(hint) is Literal:
        return value in choices
    if choices:
        return any(_fits(value, choice) for choice in choices)
    return type(value) is hint or (hint is float and type(value) is int)


def to_text(state: QByteArray) -> str:
    """Qt's saved geometry or state as the settings keep it."""
    return base64.b64encode(state.data()).decode("ascii")


def from_text(text: str) -> QByteArray:
    """The inverse; empty, which Qt takes for "nothing saved", where it is damaged."""
    try:
        return QByteArray(base64.b64decode(text, validate=True))
    except ValueError:
        return QByteArray()
