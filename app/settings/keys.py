"""Changed shortcuts and recent commands in the settings file."""

from __future__ import annotations

from typing import Any

from app.settings.declare import SettingsError

MOST_KEYS = 4  # of one command
MOST_RECENT = 30
LONGEST = 100  # characters of a key or of a name


def read_shortcuts(data: object, lost: list[str]) -> dict[str, tuple[str, ...]]:
    """The keys of commands by id. A damaged entry is lost alone."""
    if not isinstance(data, dict):
        raise SettingsError("“shortcuts” is no table")
    found = {}
    for name, keys in data.items():
        if isinstance(keys, list) and len(keys) <= MOST_KEYS and all(map(_is_name, keys)):
            found[name] = tuple(keys)
        else:
            lost.append(f"the keys of “{str(name)[:LONGEST]}” are damaged")
    return found


def read_recent(data: object, lost: list[str]) -> tuple[str, ...]:
    """The names of commands, the newest first."""
    if not isinstance(data, list):
        raise SettingsError("“recent_commands” is no list")
    names = tuple(name for name in data if _is_name(name))
    if len(names) < len(data):
        lost.append("“recent_commands” holds what is no name")
    return names[:MOST_RECENT]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST
