"""Which pixels have a colour, in pieces of work that are short however large the picture is."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect

from app.core.canvas.pace import drained
from app.core.canvas.undo import Pixels, part

WINDOW = 512  # pixels of a side of the first window in which a fill looks for connected pixels
AREA = 1 << 19  # pixels looked at in one piece of work
FEW = 4000  # runs of a band that are kept between the two passes

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def pixels_alike(pixels: Pixels, x: int, y: int, tolerance: int, everywhere: bool = False) -> tuple[QRect, Pixels]:
    """Do find_alike() at once."""
    return drained(find_alike(pixels, x, y, tolerance, everywhere))


def find_alike(
    pixels: Pixels, x: int, y: int, tolerance: int, everywhere: bool = False
) -> Generator[None, None, tuple[QRect, Pixels]]:
    """Where a picture (H, W, ≥ 3) has the colour of (x, y): the smallest rectangle with all of it, and there 255 or 0.

    A colour is the same where no channel is more than `tolerance` (0 … 255) away. Unless `everywhere`, only what hangs
    together with (x, y) by pixels side by side: looked for in a window that grows on the sides that it is cut off at,
    so that a small patch of a large picture takes no longer than of a small one.
    """
    whole = QRect(0, 0, pixels.shape[1], pixels.shape[0])
    around = QRect(x - WINDOW // 2, y - WINDOW // 2, WINDOW, WINDOW)
    window = whole if everywhere else around.intersected(whole)
    colour = pixels[y, x, :3].copy()
    while True:
        found = np.empty((window.height(), window.width()), np.bool_)
        seen = part(pixels, window)
        for rows in bands(found):
            _within(seen[rows], colour, tolerance, found[rows])
            yield
        if not everywhere:
            yield from connect(found, x - window.left(), y - window.top())
        inner = yield from _bounds(found)
        rect = inner.translated(window.topLeft())
        grown = window.adjusted(
            -window.width() * (rect.left() == window.left()), -window.height() * (rect.top() == window.top()),
            window.width() * (rect.right() == window.right()), window.height() * (rect.bottom() == window.bottom()),
        ).intersected(whole)  # fmt: skip
        if grown == window:
            values = part(found.view(np.uint8), inner)
            for rows in bands(values):
                values[rows] *= 255
                yield
            return rect, values
        window = grown


def bands(array: NDArray[np.generic]) -> Iterator[slice]:
    """The rows of an array (H, W), about AREA values at a time."""
    height, width = array.shape[:2]
    step = max(1, AREA // max(1, width))
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


def connected_pixels(inside: Bools, x: int, y: int) -> Bools:
    """The part of `inside` (H, W) that hangs together with (x, y), which lies in it, by pixels side by side."""
    found = inside.copy()
    drained(connect(found, x, y))
    return found


class Runs(NamedTuple):
    """The runs of True pixels in the rows of a band.

    first, last -- places in the band's rows, each with one column more than the picture has; last is exclusive
    label       -- the run that stands for all that hang together in the band
    """

    first: Ints
    last: Ints
    label: Ints


def connect(found: Bools, x: int, y: int) -> Generator[None, None, None]:
    """Clear in `found` (H, W) what does not hang together with (x, y), which lies in it.

    Runs of pixels in a row are joined within each band, then the bands at their edges; a second pass keeps what is
    joined to (x, y). So the memory it takes is that of a band.
    """
    width, join = found.shape[1] + 1, _Join()
    kept: dict[int, Runs] = {}
    starts, base, seed = list[int](), 0, 0
    above: tuple[Ints, Ints, Ints] | None = None  # columns and numbers of the runs in the last row so far
    for number, rows in enumerate(bands(found)):
        runs = runs_of(found[rows])
        if len(runs.first) <= FEW:
            kept[number] = runs
        if rows.start <= y < rows.stop:
            at = int(np.searchsorted(runs.first, (y - rows.start) * width + x, side="right")) - 1
            seed = base + int(runs.label[at])
        top = int(np.searchsorted(runs.first, width))
        if above is not None:
            join.touching(above, (runs.first[:top], runs.last[:top], base + runs.label[:top]))
        low = (rows.stop - rows.start - 1) * width
        bottom = int(np.searchsorted(runs.first, low))
        above = runs.first[bottom:] - low, runs.last[bottom:] - low, base + runs.label[bottom:]
        starts.append(base)
        base += len(runs.first)
        yield
    wanted = np.array(sorted(join.with_(seed)))
    for number, rows in enumerate(bands(found)):
        end = starts[number + 1] if number + 1 < len(starts) else base
        own = wanted[np.searchsorted(wanted, starts[number]) : np.searchsorted(wanted, end)] - starts[number]
        if not len(own):
            found[rows] = False
        else:
            runs = kept[number] if number in kept else runs_of(found[rows])
            chosen = np.zeros(end - starts[number], np.bool_)
            chosen[own] = True
            found[rows] = _drawn(runs, chosen[runs.label], found[rows].shape)
        yield


def runs_of(inside: Bools) -> Runs:
    """The runs of a band (h, W), with those that hang together by pixels side by side under one label."""
    height, width = inside.shape[0], inside.shape[1] + 1
    framed = np.zeros((height, width), np.bool_)  # one column more, so that no run goes on in the next row
    framed[:, :-1] = inside
    flat = framed.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat[0]:
        edges = np.concatenate(([0], edges))
    first, last = edges[::2], edges[1::2]
    lowest = np.searchsorted(last, first + width, side="right")  # of the next row: ends after this one starts
    highest = np.searchsorted(first, last + width, side="left")  # and starts before this one ends
    counts = np.maximum(highest - lowest, 0)
    source = np.repeat(np.arange(len(first)), counts)
    target = np.arange(len(source)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(lowest, counts)
    return Runs(first, last, _labels(len(first), source, target))


def _labels(count: int, source: Ints, target: Ints) -> Ints:
    """The lowest of the numbers that edges source – target join: each end takes the lower label, and labels of labels
    are followed, until no edge has two.
    """
    label = np.arange(count)
    while True:
        a, b = label[source], label[target]
        apart = a != b
        if not apart.any():
            return label
        source, target, a, b = source[apart], target[apart], a[apart], b[apart]
        np.minimum.at(label, np.maximum(a, b), np.minimum(a, b))
        while True:
            followed = label[label]
            if np.array_equal(followed, label):
                break
            label = followed


def _drawn(runs: Runs, chosen: Bools, shape: tuple[int, ...]) -> Bools:
    """The band (h, W) with the chosen runs alone."""
    turns = np.column_stack((runs.first[chosen], runs.last[chosen])).ravel()
    lengths = np.diff(turns, prepend=0, append=shape[0] * (shape[1] + 1))
    values = np.zeros(len(lengths), np.bool_)
    values[1::2] = True
    return np.repeat(values, lengths).reshape(shape[0], shape[1] + 1)[:, :-1]


class _Join:
    """Numbers that hang together over the edges of bands."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def touching(self, above: tuple[Ints, Ints, Ints], below: tuple[Ints, Ints, Ints]) -> None:
        """Join the runs (first column, last exclusive, number) of two rows that lie one upon the other."""
        lowest = np.searchsorted(below[1], above[0], side="right")
        highest = np.searchsorted(below[0], above[1], side="left")
        counts = np.maximum(highest - lowest, 0)
        upper = np.repeat(above[2], counts)
        place = np.arange(len(upper)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(lowest, counts)
        for a, b in np.unique(np.stack((upper, below[2][place])), axis=1).T.tolist():
            self._parent[self._root(a)] = self._root(b)

    def with_(self, number: int) -> set[int]:
        """All that hang together with a number, and itself."""
        root = self._root(number)
        return {number, *(other for other in list(self._parent) if self._root(other) == root)}

    def _root(self, number: int) -> int:
        parent = self._parent
        while (up := parent.setdefault(number, number)) != number:
            parent[number] = parent.setdefault(up, up)
            number = up
        return number


def _within(pixels: Pixels, colour: Pixels, tolerance: int, into: Bools) -> None:
    """Set where no channel of a picture (h, W, ≥ 3) is more than `tolerance` away from a colour (3,)."""
    into[...] = True
    for channel in range(3):
        value = int(colour[channel])
        low, high = max(0, value - tolerance), min(255, value + tolerance)
        into &= pixels[..., channel] - np.uint8(low) <= high - low  # below `low` it wraps around to more


def _bounds(found: Bools) -> Generator[None, None, QRect]:
    """The smallest rectangle with all that is True; some is."""
    across, down = np.zeros(found.shape[1], np.bool_), np.zeros(found.shape[0], np.bool_)
    for rows in bands(found):
        down[rows] = found[rows].any(axis=1)
        across |= found[rows].any(axis=0)
        yield
    (left, right), (top, bottom) = ((int(ends[0]), int(ends[-1])) for ends in map(np.flatnonzero, (across, down)))
    return QRect(left, top, right + 1 - left, bottom + 1 - top)
