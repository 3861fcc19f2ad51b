"""What settings are checked with while they are read: the one error, and numbers that JSON may not bend."""

from __future__ import annotations

import math

from engine.errors import EngineError

MAX_SIDE = 16384  # pixels of a picture's side


class RequestError(EngineError, ValueError):
    """A Request that cannot be run; the message says in one sentence what to change."""

    kind = "settings"


def integer(value: object) -> int:
    """The whole number that JSON gave; TypeError for anything else, true and 1.0 among it."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value


def number(value: object) -> float:
    """The number that JSON gave, as a float; TypeError for anything else, true among it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def text(value: object) -> str:
    """The text that JSON gave; TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def within(value: float, low: float, high: float) -> bool:
    """Whether it is a number and low ≤ value ≤ high."""
    return math.isfinite(value) and low <= value <= high


def check_text(value: str, name: str) -> None:
    """Raise RequestError for text that has no UTF-8, such as half an emoji: no file could hold it."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise RequestError(f"The {name} holds half a character, which no file can hold: type it again.") from None
