"""The picture and the mask that a run works on: what a Request's Edit names by digest. NumPy alone, no torch.

A mask says how far back in time each pixel goes: 0 keeps it, 255 remakes it with the whole run, in between it is remade
in the last mask/255 of the run's steps ("per-pixel strength": Levin and Fried, "Differential Diffusion", 2023).
How they come out of a document, and how the result goes back into it: engine.pictures.compositing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.spec.validation import MAX_SIDE, RequestError

Pixels: TypeAlias = NDArray[np.uint8]
Box: TypeAlias = tuple[int, int, int, int]  # x, y, width, height in the document's pixels; it may reach outside
Size: TypeAlias = tuple[int, int]  # width, height


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The arrays that a run works on, of the size of its Request's pictures.

    source -- the picture, uint8 (H, W, 3), sRGB
    mask   -- uint8 (H, W), or None for the whole picture
    box    -- where in its document the picture was, or None; it changes no pixel of the run

    Raises RequestError for arrays that are not that.
    """

    source: Pixels
    mask: Pixels | None = None
    box: Box | None = None

    def __post_init__(self) -> None:
        check(self.source, self.mask)

    @property
    def size(self) -> Size:
        return self.source.shape[1], self.source.shape[0]

    @property
    def digests(self) -> tuple[str, str]:
        """SHA-256 of the source and of the mask ("" without one), by which a Request's Edit names them."""
        return digest(self.source), "" if self.mask is None else digest(self.mask)


def check(rgb: Pixels, mask: Pixels | None = None) -> None:
    """Raises RequestError, in a sentence, unless rgb is uint8 (H, W, 3) and mask uint8 (H, W) of the same size."""
    for array, what in ((rgb, "picture"), (mask, "mask")):
        if array is None or array.dtype == np.uint8:
            continue
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise RequestError(f"The {what} holds values that are not numbers: open another, or mend this one.")
        raise RequestError(f"The {what} must have whole numbers from 0 to 255 (uint8), not {array.dtype}.")
    if rgb.ndim != 3 or rgb.shape[2] != 3 or not 1 <= min(rgb.shape[:2]) <= max(rgb.shape[:2]) <= MAX_SIDE:
        raise RequestError(f"The picture must be of red, green and blue with sides of 1 to {MAX_SIDE} pixels.")
    if mask is not None and mask.shape != rgb.shape[:2]:
        raise RequestError(
            f"The mask has {_size(mask)} pixels and the picture {_size(rgb)}: give a mask of the picture's size."
        )


def digest(array: Pixels) -> str:
    """SHA-256 over the shape and the values of an array, in hexadecimal."""
    found = hashlib.sha256(repr(array.shape).encode())
    found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def steps_to_go(mask: Pixels, steps: int) -> NDArray[np.int64]:
    """In how many of a run's last steps each pixel is remade, 0 … steps: the nearest whole number to mask/255·steps."""
    return (2 * steps * mask.astype(np.int64) + 255) // 510


def pool_mask(mask: Pixels, size: Size) -> Pixels:
    """The mask (H, W) at another size: each pixel has the largest value of all that it covers any part of."""
    for axis, n in ((0, size[1]), (1, size[0])):
        old = mask.shape[axis]
        if n == old:
            continue
        k = np.arange(n)
        first, last = k * old // n, -(-(k + 1) * old // n)  # it covers [first, last)
        most = mask.take(first, axis=axis)
        for step in range(1, int((last - first).max())):
            np.maximum(most, mask.take(np.minimum(first + step, last - 1), axis=axis), out=most)
        mask = most
    return np.ascontiguousarray(mask)


def _size(array: Pixels) -> str:
    return f"{array.shape[1]}×{array.shape[0]}"
