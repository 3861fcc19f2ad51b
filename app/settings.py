"""What the studio remembers between starts: typed, versioned, saved atomically."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import re
import typing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, Literal, TypeAlias

from PySide6.QtCore import QByteArray, QObject, QTimer, Signal

from app.core.canvas.toolset import Choices, Held
from app.core.files.export import ExportKind, ExportMethod
from engine.spec.draft import Draft
from engine.spec.guides import MAX_GUIDES, guide_from_dict

VERSION = 1
TOLD = 3  # how many damages are told of one by one
SAVE_AFTER_MS = 500  # a flurry of changes is one write

Theme: TypeAlias = Literal["system", "light", "dark"]
Scaling: TypeAlias = Literal["nearest", "smooth"]


class SettingsError(ValueError):
    """A setting that cannot be used; its text says which, and why."""


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
    """The values in `path` and "", or those that are whole and a sentence on the rest; a damaged file is kept aside."""
    try:
        values, lost = read(path.read_bytes().decode("utf-8", errors="replace"))
    except FileNotFoundError:
        return Values(), ""
    except OSError as error:
        return Values(), f"The settings in {path} cannot be read ({error.strerror or error}): the defaults are used."
    if not lost:
        return values, ""
    aside = path.with_name(f"{path.stem}-damaged-{datetime.now():%Y%m%d-%H%M%S}{path.suffix}")
    try:
        path.replace(aside)
    except OSError:
        aside = path
    rest = "the defaults are used" if values == Values() else "the rest is as it was"
    told = "; ".join([*lost[:TOLD], f"and {len(lost) - TOLD} more"] if len(lost) > TOLD else lost)
    return values, f"The settings were damaged ({told}): {rest}, the old file is {aside}."


def read(text: str) -> tuple[Values, list[str]]:
    """What is whole of a file that `write` wrote, and what is wrong with the rest; what is missing has its default."""
    try:
        data, lost = json.loads(text), list[str]()
    except ValueError as error:
        data, lost = _salvaged(text), [str(error)]
    if not isinstance(data, dict):
        return Values(), ["not a table of settings"]
    if data.pop("version", None) != VERSION:
        return Values(), [*lost, "written by another version of the studio"]
    whole: dict[str, Any] = {}
    for name, value in data.items():
        try:
            whole[name] = _setting(name, value, lost)
        except SettingsError as error:
            lost.append(str(error))
    return Values(**whole), lost


def _salvaged(text: str) -> dict[str, Any]:
    """The settings that can be read of a text that as a whole is no JSON, by the lines that begin them."""
    found, decoder = {}, json.JSONDecoder()
    for name in ("version", *typing.get_type_hints(Values)):
        line = re.search(rf'^ "{name}": ', text, re.MULTILINE)
        if line is None:
            continue
        try:
            found[name] = decoder.raw_decode(text, line.end())[0]
        except ValueError:
            continue  # this is where it is damaged
    return found


def _setting(name: str, value: Any, lost: list[str]) -> Any:
    """A setting from its JSON; of a table of several things those that are whole, `lost` taking up what is wrong with
    the others. Raises SettingsError where nothing of it is.
    """
    hints = typing.get_type_hints(Values)
    if name not in hints:
        raise SettingsError(f"“{name}” is unknown")
    if name == "drafts":
        return _drafts(value, lost)
    if name == "tools":
        return _held(value, lost)
    if not _fits(value, hints[name]):
        raise SettingsError(f"“{name}” cannot be {shortened(value)}")
    return value


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


def _drafts(value: Any, lost: list[str]) -> dict[str, Draft]:
    """The drafts by model, without those that are damaged."""
    if not isinstance(value, dict):
        raise SettingsError("“drafts” is no table")
    drafts = {}
    for model, draft in value.items():
        try:
            drafts[model] = _draft(model, draft)
        except SettingsError as error:
            lost.append(str(error))
    return drafts


def _draft(model: str, draft: Any) -> Draft:
    """Fields that an older studio did not know may be missing: they have defaults."""
    hints = typing.get_type_hints(Draft)
    needed = {field.name for field in dataclasses.fields(Draft) if field.default is dataclasses.MISSING}
    if not isinstance(draft, dict) or not needed <= set(draft) <= set(hints):
        raise SettingsError(f"the draft for “{model}” is not whole")
    checks = {"options": _are_options, "guidance_interval": _is_interval, "guides": _are_guides}
    for name, choice in draft.items():
        check = checks.get(name)
        if not (check(choice) if check else _fits(choice, hints[name])):
            raise SettingsError(f"“{name}” of the draft for “{model}” cannot be {shortened(choice)}")
    options = tuple((name, float(number)) for name, number in draft.get("options", ()))
    ends = draft.get("guidance_interval")
    interval = None if ends is None else (float(ends[0]), float(ends[1]))
    guides = tuple(map(guide_from_dict, draft.get("guides", ())))
    return Draft(**draft | {"options": options, "guidance_interval": interval, "guides": guides})


def _held(value: Any, lost: list[str]) -> Held:
    """How the tools were set, without what is damaged. What an older studio did not know may be missing."""
    if not isinstance(value, dict):
        raise SettingsError("“tools” is no table")
    choices = {}
    if "choices" in value and not isinstance(value["choices"], dict):
        lost.append("“choices” of “tools” is no table")
    else:
        for name, chosen in value.get("choices", {}).items():
            whole = _whole(chosen, Choices, f"the tool “{name}”", lost)
            if whole:
                choices[name] = Choices(**whole)
    plain = {name: choice for name, choice in value.items() if name != "choices"}
    return Held(choices=choices, **_whole(plain, Held, "“tools”", lost))


def _whole(value: Any, kind: type, said: str, lost: list[str]) -> dict[str, Any]:
    """The fields of a dataclass that a JSON table holds, without those that are unknown, of another type or, by the
    dataclass itself, out of their range.
    """
    hints = typing.get_type_hints(kind)
    if not isinstance(value, dict):
        lost.append(f"{said} is no table")
        return {}
    whole: dict[str, Any] = {}
    for name, choice in value.items():
        if name not in hints:
            lost.append(f"“{name}” of {said} is unknown")
        elif not (_is_colour(choice) if name == "colour" else _fits(choice, hints[name])):
            lost.append(f"“{name}” of {said} cannot be {shortened(choice)}")
        else:
            field_ = {name: tuple(choice) if name == "colour" else choice}
            try:
                kind(**field_)
            except ValueError as error:
                lost.append(f"{error} ({said})")
            else:
                whole |= field_
    return whole


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
