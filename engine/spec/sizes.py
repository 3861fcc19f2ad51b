"""SizeRule: the sizes of the pictures that a model makes, and the nearest valid one to any other. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from engine.spec.validation import MAX_SIDE, RequestError

Size: TypeAlias = tuple[int, int]  # width, height in pixels


@dataclass(frozen=True, slots=True)
class SizeRule:
    """The sizes of a model's pictures in pixels.

    native   -- the sizes that it was trained on, its default first; a model that is not free makes these alone
    multiple -- each side is a multiple of it
    least, most -- of a side
    free     -- whether sides may be chosen
    """

    native: tuple[Size, ...]
    multiple: int = 1
    least: int = 1
    most: int = MAX_SIDE
    free: bool = False

    def __post_init__(self) -> None:
        if not self.native or not 1 <= self.multiple <= self.least <= self.most <= MAX_SIDE:
            raise ValueError("a size rule needs a native size, and multiple ≤ least ≤ most")

    @classmethod
    def fixed(cls, width: int, height: int) -> SizeRule:
        """Return the rule of a model that makes one size."""
        return cls(((width, height),))

    def fits(self, size: Size) -> bool:
        """Whether the model makes pictures of that size."""
        if not self.free:
            return size in self.native
        return all(self.least <= side <= self.most and side % self.multiple == 0 for side in size)

    def nearest(self, size: Size) -> Size:
        """Return the valid size that is nearest to `size`: each side by itself where sizes are free."""
        if self.free:
            width, height = size
            return self._side(width), self._side(height)
        return min(self.native, key=lambda native: _distance(native, size))

    def like(self, size: Size) -> Size:
        """Return the valid size with about the shape of `size` and about the area of the default size.

        It is a native size where one has that shape.
        """
        width, height = size = max(1, size[0]), max(1, size[1])  # a picture of one row may have a box without height
        best = min(self.native, key=lambda native: abs(_aspect(native) - _aspect(size)))
        if not self.free or abs(_aspect(best) - _aspect(size)) < 0.01:
            return best
        area = math.prod(self.native[0])
        wide = math.sqrt(area * width / height)
        return self.nearest((round(wide), round(area / wide)))

    def check(self, size: Size, title: str) -> None:
        """Raise RequestError with the nearest valid size, unless the model called `title` makes pictures of `size`."""
        if self.fits(size):
            return
        if not self.free:
            raise RequestError(f"{title} makes pictures of {named(self.native)} pixels: choose that size.")
        raise RequestError(
            f"{title} cannot make {named([size])} pixels: sides are multiples of {self.multiple} from "
            f"{self._side(0)} to {self._side(MAX_SIDE)}. Choose {named([self.nearest(size)])}."
        )

    def _side(self, side: int) -> int:
        """Return the valid side nearest to `side`."""
        low, high = -(-self.least // self.multiple), self.most // self.multiple
        return self.multiple * min(max(math.floor(side / self.multiple + 0.5), low), high)


def named(sizes: Iterable[Size]) -> str:
    """Name sizes for a person: “512×768 or 768×512”."""
    return " or ".join(f"{width}×{height}" for width, height in sizes)


def _aspect(size: Size) -> float:
    return math.log(size[0] / size[1])


def _distance(a: Size, b: Size) -> float:
    """How different two sizes are, in shape first."""
    return 4 * abs(_aspect(a) - _aspect(b)) + abs(math.log(math.prod(a) / math.prod(b)))
