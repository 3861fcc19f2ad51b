"""Read the number that a person typed, in any locale."""

from __future__ import annotations

import re
import unicodedata

NUMBER = re.compile(r"[+-]?(?:\d+(?:[.]\d*)?|[.]\d+)")
SIGNS = str.maketrans({"−": "-", ",": ".", "٫": "."})
LONGEST = 40  # characters: more digits than any field has


def read_number(text: str) -> float | None:
    """The number in `text`, None where there is none.

    A point and a comma are both a decimal sign. Two of them, or a space between digits, could be groups of thousands:
    that is no number, because a guess would be wrong by a factor of a thousand.
    """
    plain = "".join(sign for sign in text.translate(SIGNS) if unicodedata.category(sign) != "Cf").strip()
    return float(plain) if len(plain) <= LONGEST and NUMBER.fullmatch(plain) else None


def read_whole(text: str) -> int | None:
    """The whole number in `text`, None where there is none: a decimal sign could separate thousands."""
    number = None if re.search("[.,٫]", text) else read_number(text)
    return None if number is None else int(number)
