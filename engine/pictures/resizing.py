"""Pictures at another size: areas averaged along a side that shrinks, Lanczos's kernel along one that grows.

They are Pillow's pixels, to the bit. Pillow shrinks them too; what grows is made here, in a third of Pillow's time.
Along one side every pixel of the larger picture is a sum of at most seven of the smaller one's (Turkowski, "Filters
for Common Resampling Tasks", 1990, with three lobes). Pillow sums them pixel by pixel in integers of 22 binary places.
Neighbouring rows share their sources, so here some rows together are one product of two small matrices. In float64 it
is exact, whatever the order of its sums: every term is a whole multiple of 2⁻²² below 2⁹. So the same pixels come out
in any part of the picture and on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.spec.edit import Box, Pixels, Size

LOBES = 3
PLACES = 22  # binary, of Pillow's coefficients
ROWS = 64  # computed together: fewer cost more calls, more leave the cache
BLACK, WHITE = np.int16(0), np.int16(255)
ALONE = 4 << 16  # multiplications up to which OpenBLAS takes one thread: its others would take the window's core


def resize(rgb: Pixels, size: Size, part: Box | None = None) -> Pixels:
    """Resize a picture (H, W, 3): areas averaged along a side that shrinks, Lanczos along one that grows.

    part -- the part of the result to compute, None for all; the same pixels for less work
    """
    left, top, w, h = part or (0, 0, *size)
    made = np.empty((h, w, 3), np.uint8)

    def keep(first: int, rows: Pixels) -> None:
        made[first : first + len(rows)] = rows

    if 0 not in (w, h):
        strips(rgb, size, (left, top, w, h), keep)
    return made


def strips(rgb: Pixels, size: Size, part: Box, take: Callable[[int, Pixels], None]) -> None:
    """Pass a part of the result of resize(), which is not empty, to `take`, ROWS rows at a time.

    `take` receives the number of the first row, counted from the part's, and the rows (n, w, 3), valid until it
    returns. In one thread: two that change places at each of NumPy's steps take twice as long as one.
    """
    (left, top, w, h), height = part, len(rgb)
    if size[1] > height:
        longer = Kernel.of(height, size[1], top, top + h)
        wide = _widened_to(rgb[longer.sources], size[0], left, left + w)
        for above, some in rows(wide, longer.sources.start, longer):
            take(above, some)
    else:
        made = _average_areas(_widened_to(rgb, size[0], left, left + w), (w, size[1]))[top : top + h]
        for above in range(0, h, ROWS):
            take(above, made[above : above + ROWS])


def _widened_to(rgb: Pixels, size: int, left: int, right: int) -> Pixels:
    """Return columns `left` … `right` of the picture resized to `size` columns."""
    if size > rgb.shape[1]:
        return resample_columns(rgb, size, left, right)
    return _average_areas(rgb, (size, len(rgb)))[:, left:right]


def _average_areas(rgb: Pixels, size: Size) -> Pixels:
    """Average areas along the side that shrinks; return the picture itself where none does."""
    if size == (rgb.shape[1], rgb.shape[0]):
        return rgb
    return np.array(Image.fromarray(np.ascontiguousarray(rgb)).resize(size, Image.Resampling.BOX))


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """The sources and weights of some rows of a side that grows.

    first   -- (n,) the first source row of each
    last    -- (n,) the one after its last
    weights -- (n, taps) float64, multiples of 2⁻²² with a sum of about 1; 0 where a row has fewer sources
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, old: int, new: int, start: int, stop: int) -> Kernel:
        """Return the kernel of rows `start` … `stop` of `new`, made of `old` ≤ new rows, as in Pillow's Resample.c."""
        centre = (np.arange(start, stop) + 0.5) * (old / new)
        first = np.maximum((centre - LOBES + 0.5).astype(np.int64), 0)
        last = np.minimum((centre + LOBES + 0.5).astype(np.int64), old)
        tap = np.arange(int((last - first).max()))
        at = tap + first[:, None] - centre[:, None] + 0.5
        weights = np.where(np.abs(at) < LOBES, np.sinc(at) * np.sinc(at / LOBES), 0.0)
        weights[tap >= (last - first)[:, None]] = 0
        weights /= weights.sum(axis=1, keepdims=True)
        return cls(first, last, np.trunc(weights * 2**PLACES + np.copysign(0.5, weights)) / 2**PLACES)

    @property
    def sources(self) -> slice:
        """All the source rows that are needed."""
        return slice(int(self.first[0]), int(self.last[-1]))


def rows(needed: Pixels, low: int, kernel: Kernel) -> Iterator[tuple[int, Pixels]]:
    """The kernel's rows, ROWS at a time. `needed` (h, w, channels) holds its sources, source row `low` first.

    Yields the number of the first one, counted from the kernel's, and the rows (n, w, channels), which are overwritten
    as soon as the next ones are asked for.
    """
    held, w, channels = needed.shape
    lines, count = needed.reshape(held, w * channels), len(kernel.first)
    tops = np.arange(0, count, ROWS)
    lows = kernel.first[tops]
    most = int((kernel.last[np.minimum(tops + ROWS, count) - 1] - lows).max())
    weights = _matrices(kernel, lows, most)
    width = min(lines.shape[1], max(1, ALONE // (ROWS * (most + 1))))
    given = np.ones((most + 1, lines.shape[1]))  # row 0 is 1: times ½ it rounds to the nearest
    sums, whole = np.empty((ROWS, width)), np.empty((ROWS, lines.shape[1]), np.int16)
    made = np.empty(whole.shape, np.uint8)
    before = -1
    for k, top in enumerate(tops.tolist()):
        source, n = int(lows[k]) - low, min(ROWS, count - top)
        deep = min(most, held - source)
        if source != before:
            given[1 : deep + 1] = lines[source : source + deep]
            before = source
        matrix = weights[k, :n, : deep + 1]
        for left in range(0, lines.shape[1], width):
            columns = given[: deep + 1, left : left + width]
            here = sums[:n, : columns.shape[1]]
            np.matmul(matrix, columns, out=here)
            np.copyto(whole[:n, left : left + width], here, casting="unsafe")  # towards 0: what is below it is cut off
        np.clip(whole[:n], BLACK, WHITE, out=whole[:n])
        np.copyto(made[:n], whole[:n], casting="unsafe")
        yield top, made[:n].reshape(n, w, channels)


def _matrices(kernel: Kernel, lows: NDArray[np.int64], most: int) -> NDArray[np.float64]:
    """(strips, ROWS, 1 + most): for each row of a strip ½, then its weights where its sources lie from the strip's
    first one on.
    """
    n, taps = kernel.weights.shape
    strip, row = np.divmod(np.arange(n), ROWS)
    at = (kernel.first - lows[strip])[:, None] + np.arange(taps)
    matrices = np.zeros((len(lows), ROWS, 1 + most + taps))
    matrices[strip[:, None], row[:, None], 1 + at] = kernel.weights
    matrices[:, :, 0] = 0.5
    return matrices[:, :, : 1 + most]


def resample_columns(picture: Pixels, size: int, start: int, stop: int) -> Pixels:
    """Return columns `start` … `stop` of the picture (h, w, channels) enlarged to `size` columns, at least w."""
    kernel = Kernel.of(picture.shape[1], size, start, stop)
    needed = transpose(picture[:, kernel.sources])
    made = np.empty((stop - start, *needed.shape[1:]), np.uint8)
    for first, some in rows(needed, kernel.sources.start, kernel):
        made[first : first + len(some)] = some
    return transpose(made)


def transpose(picture: Pixels) -> Pixels:
    """Transpose (h, w, channels) to (w, h, channels), channel by channel: in half the time."""
    made = np.empty((picture.shape[1], picture.shape[0], *picture.shape[2:]), np.uint8)
    for channel in range(picture.shape[2]):
        made[..., channel] = picture[..., channel].T
    return made
