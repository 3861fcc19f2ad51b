"""Numbers of the command line within bounds: no flag takes nan, infinity, or more than a computer can do."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return a type for argparse: a whole number, low … high."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"“{text[:40]}” is not possible: type a whole number, {low} to {high}.")
        return number

    return read


def real(low: float, high: float) -> Callable[[str], float]:
    """Return a type for argparse: a number, low … high."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"“{text[:40]}” is not possible: type a number, {low:g} to {high:g}.")
        return number

    return read


count = whole(0, 1_000_000)  # a command may want more than 0 of something, and says so itself
seed = whole(0, 2**63 - 1)
share = real(0, 1)
number = real(-1e6, 1e6)
size = whole(1, 65536)  # of a net or a batch
