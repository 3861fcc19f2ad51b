"""A map of bits by pixel, summed over square regions: how surprising each part of a picture is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.float64]
DOWN, ACROSS = ("top", "middle", "bottom"), ("left", "middle", "right")


@dataclass(frozen=True, eq=False)
class Regions:
    """`pixels` (h, w) are bits; a region is `side` pixels a side, less at the right and the bottom edge."""

    pixels: NDArray[np.floating]
    side: int

    @cached_property
    def bits(self) -> Bits:
        """(rows, columns): the sum over each region."""
        down = np.add.reduceat(np.asarray(self.pixels, np.float64), range(0, self.pixels.shape[0], self.side), axis=0)
        return np.asarray(np.add.reduceat(down, range(0, self.pixels.shape[1], self.side), axis=1))

    @cached_property
    def rates(self) -> Bits:
        """(rows, columns): bits a pixel."""
        return np.asarray(self.bits / self._areas)

    @property
    def mean(self) -> float:
        """Bits a pixel of the whole picture."""
        return float(np.asarray(self.pixels, np.float64).mean())

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The least and the most surprising region's bits a pixel: where a scale of colours begins and ends."""
        return float(self.rates.min()), float(self.rates.max())

    @property
    def most(self) -> tuple[int, int]:
        """Row and column of the most surprising region."""
        row, column = np.unravel_index(int(self.rates.argmax()), self.rates.shape)
        return int(row), int(column)

    def scaled(self) -> NDArray[np.float64]:
        """(h, w): each pixel's region between the least surprising, 0, and the most, 1; 0 where all are alike."""
        low, high = self.ends
        shares = (self.rates - low) / (high - low) if high > low else np.zeros_like(self.rates)
        wide = shares.repeat(self.side, 0).repeat(self.side, 1)
        return np.asarray(wide[: self.pixels.shape[0], : self.pixels.shape[1]])

    def at(self, x: float, y: float) -> tuple[int, int] | None:
        """Row and column of the region with the point (x, y) in it, in pixels; None outside."""
        height, width = self.pixels.shape
        if not (0 <= x < width and 0 <= y < height):
            return None
        return int(y) // self.side, int(x) // self.side

    def extent(self, row: int, column: int) -> tuple[int, int, int, int]:
        """x, y, width and height of a region, in pixels."""
        height, width = self.pixels.shape
        x, y = column * self.side, row * self.side
        return x, y, min(self.side, width - x), min(self.side, height - y)

    def words(self, row: int, column: int) -> str:
        """What is said of a region, such as "41.2 bits, 2.6 a pixel: 1.9 times the mean"."""
        bits, rate = self.bits[row, column], self.rates[row, column]
        against = f": {rate / self.mean:.1f} times the mean" if self.mean > 0 else ""
        each = "" if self.side == 1 else f", {rate:.2f} a pixel"
        return f"{bits:.1f} bits{each}{against}"

    def where(self, row: int, column: int) -> str:
        """Roughly, in words: such as "top left"."""
        x, y, width, height = self.extent(row, column)
        high, wide = self.pixels.shape
        down = DOWN[min(2, int(3 * (y + height / 2) / high))]
        across = ACROSS[min(2, int(3 * (x + width / 2) / wide))]
        return "middle" if down == across == "middle" else f"{down} {across}"

    @cached_property
    def _areas(self) -> Bits:
        height, width = self.pixels.shape
        rows = np.diff([*range(0, height, self.side), height])
        columns = np.diff([*range(0, width, self.side), width])
        return np.asarray(np.outer(rows, columns), np.float64)
