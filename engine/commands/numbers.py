"""argparse types for bounded numbers: no flag takes NaN, infinity, or more than a computer can do."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def int_between(low: int, high: int) -> Callable[[str], int]:
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


def float_between(low: float, high: float) -> Callable[[str], float]:
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


count = int_between(0, 1_000_000)  # a command that needs at least 1 checks that itself
seed = int_between(0, 2**63 - 1)
share = float_between(0, 1)
number = float_between(-1e6, 1e6)
size = int_between(1, 65536)  # of a net or a batch
