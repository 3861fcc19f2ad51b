"""How a setting is declared: once, with its type, default, range, title and description.

Reading, checking and writing follow from the declaration, and so can a page of preferences.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from reprlib import repr as shortened
from typing import Any, Literal, TypeAlias

LONGEST = 100_000  # characters of a text: more than any field of the studio takes

Reader: TypeAlias = Callable[[Any, list[str]], Any]
Limits: TypeAlias = Mapping[str, tuple[float, float]]


class SettingsError(ValueError):
    """A setting that cannot be used; its text says which, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One setting.

    kind      -- the type: bool, int, float, str, a Literal, or a class of its own
    low, high -- the range of a number, or of the length of a text, both included
    read      -- makes the value of a class of its own from its JSON; it adds one line to the list for each damaged part

    For the page of preferences:

    subject   -- the page that shows it; "" for what the studio remembers by itself
    unit      -- of a number
    step      -- of a number: what one turn of the wheel adds; its decimals are the field's
    labels    -- the words for each choice of a Literal
    zero      -- the words for a number's lowest value where it means something else, such as "no limit"
    field     -- "folder" for a path
    restart   -- whether it is used from the next start on
    """

    name: str
    kind: Any
    default: Any
    title: str
    description: str
    low: float | None = None
    high: float | None = None
    read: Reader | None = None
    subject: str = ""
    unit: str = ""
    step: float = 1
    labels: Mapping[Any, str] = dataclasses.field(default_factory=dict)
    zero: str = ""
    field: str = ""
    restart: bool = False

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values of a Literal, else none."""
        return typing.get_args(self.kind) if typing.get_origin(self.kind) is Literal else ()

    def check(self, value: object) -> None:
        """Raises SettingsError for a value of another type or out of range."""
        if self.read is None:
            check(self.name, value, self.kind, self.low, self.high)
        elif not isinstance(value, typing.get_origin(self.kind) or self.kind):
            raise SettingsError(f"“{self.name}” cannot be {shortened(value)}")

    def value_of(self, data: object, lost: list[str]) -> Any:
        """The value that its JSON `data` holds. Raises SettingsError where nothing of it can be used."""
        if self.read is not None:
            return self.read(data, lost)
        self.check(data)
        return data


def setting(
    default: Any = dataclasses.MISSING, *, title: str, description: str, factory: Any = dataclasses.MISSING, **more: Any
) -> Any:
    """A field of a dataclass with its declaration; the name and the type are the field's own, `more` the rest of a
    Declaration.
    """
    metadata = {"title": title, "description": description} | more
    if factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=factory, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@functools.cache
def declarations(kind: type) -> dict[str, Declaration]:
    """The declarations of a dataclass whose fields are settings, by name, in their order."""
    hints = typing.get_type_hints(kind)
    return {
        field.name: Declaration(name=field.name, kind=hints[field.name], default=_default(field), **field.metadata)
        for field in dataclasses.fields(kind)
    }


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def check(name: str, value: object, kind: Any, low: float | None = None, high: float | None = None) -> None:
    """Raises SettingsError for a value that is not of the type `kind`, or a number or a length outside low … high."""
    if not _fits(value, kind):
        raise SettingsError(f"“{name}” cannot be {shortened(value)}")
    if isinstance(value, str):
        high = LONGEST if high is None else high
        if not (low or 0) <= len(value) <= high:
            raise SettingsError(f"“{name}” has {len(value)} characters, and {high:g} are possible")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        low, high = -1e300 if low is None else low, 1e300 if high is None else high
        if not low <= value <= high:  # nor NaN
            raise SettingsError(f"“{name}” is {shortened(value)}, not between {low:g} and {high:g}")


def read_fields(
    data: object, kind: type, said: str, lost: list[str], limits: Limits, readers: Mapping[str, Callable[[Any], Any]]
) -> dict[str, Any]:
    """Those fields of a dataclass `kind` that a JSON table holds and that can be used; `lost` gets one line on each
    other one.

    said    -- what the table is, in the sentences about it
    limits  -- the ranges of its numbers, by field
    readers -- make the value of a field from its JSON; they raise KeyError, TypeError or ValueError
    """
    hints = typing.get_type_hints(kind)
    if not isinstance(data, dict):
        lost.append(f"{said} is no table")
        return {}
    found: dict[str, Any] = {}
    for name, value in data.items():
        try:
            if name not in hints:
                raise SettingsError(f"“{name}” is unknown")
            if name in readers:
                found[name] = _read(name, value, readers[name])
            else:
                check(name, value, hints[name], *limits.get(name, (None, None)))
                found[name] = value
        except SettingsError as error:
            lost.append(f"{error}, in {said}")
    return found


def _read(name: str, value: Any, reader: Callable[[Any], Any]) -> Any:
    try:
        return reader(value)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise SettingsError(f"“{name}” cannot be {shortened(value)}") from error


def _fits(value: object, kind: Any) -> bool:
    """Whether a JSON value is of the type `kind`; a whole number is a float too, and a bool is no number."""
    choices = typing.get_args(kind)
    if typing.get_origin(kind) is Literal:
        return isinstance(value, str) and value in choices
    if choices:
        return any(_fits(value, choice) for choice in choices)
    return type(value) is kind or (kind is float and type(value) is int)
