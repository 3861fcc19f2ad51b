"""Checks of settings while they are read from JSON: RequestError, whole numbers, numbers, texts, ranges."""

from __future__ import annotations

import math
from reprlib import repr as shortened

from engine.errors import EngineError

MAX_SIDE = 16384  # pixels of a picture's side


class RequestError(EngineError, ValueError):
    """A Request that cannot run; the message says in one sentence what to change."""

    kind = "settings"


def integer(value: object) -> int:
    """Return a whole number from JSON; TypeError for anything else, including true and 1.0."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{shortened(value)} is not a whole number")
    return value


def number(value: object) -> float:
    """Return a number from JSON as a float; TypeError for anything else, including true."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{shortened(value)} is not a number")
    return float(value)


def text(value: object) -> str:
    """Return a text from JSON; TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"{shortened(value)} is no text")
    return value


def within(value: float, low: float, high: float) -> bool:
    """Whether low ≤ value ≤ high; False for NaN."""
    return math.isfinite(value) and low <= value <= high


def check_text(value: str, name: str) -> None:
    """Raise RequestError for text that has no UTF-8, such as half an emoji: no file could hold it."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise RequestError(f"The {name} holds half a character, which no file can hold: type it again.") from None
