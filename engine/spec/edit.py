"""The arrays of an edit: the picture and the mask that a Request's Edit names by digest. NumPy alone, no torch.

A mask sets how late each pixel may change: 0 keeps it, 255 generates it in the whole run, a value between generates it
in the last mask/255 of the run's steps ("per-pixel strength": Levin and Fried, "Differential Diffusion", 2023).
engine.pictures.compositing crops them from a document and blends the result back.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.spec.sizes import Size as Size
from engine.spec.validation import MAX_SIDE, RequestError

Pixels: TypeAlias = NDArray[np.uint8]
Box: TypeAlias = tuple[int, int, int, int]  # x, y, width, height in the document's pixels; it may reach outside


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The arrays of an edit, of the size of its Request's pictures.

    source -- the picture, uint8 (H, W, 3), sRGB
    mask   -- uint8 (H, W), or None for the whole picture
    box    -- the place of the picture in its document, or None; it changes no pixel of the run

    Raises RequestError for other arrays.
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
        """Return the SHA-256 of the source and of the mask ("" without one), the names in a Request's Edit."""
        return digest(self.source), "" if self.mask is None else digest(self.mask)


def check(rgb: Pixels, mask: Pixels | None = None) -> None:
    """Check that rgb is uint8 (H, W, 3) and mask uint8 (H, W) of the same size. Raises RequestError with a sentence."""
    for array, name in ((rgb, "picture"), (mask, "mask")):
        if array is None or array.dtype == np.uint8:
            continue
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise RequestError(f"The {name} has values that are not numbers: open another one, or repair it.")
        raise RequestError(f"The {name} must have whole numbers from 0 to 255 (uint8), not {array.dtype}.")
    if rgb.ndim != 3 or rgb.shape[2] != 3 or not 1 <= min(rgb.shape[:2]) <= max(rgb.shape[:2]) <= MAX_SIDE:
        raise RequestError(f"The picture must be of red, green and blue with sides of 1 to {MAX_SIDE} pixels.")
    if mask is not None and mask.shape != rgb.shape[:2]:
        raise RequestError(
            f"The mask has {_size(mask)} pixels and the picture {_size(rgb)}: use a mask of the picture's size."
        )


def digest(array: Pixels) -> str:
    """SHA-256 over the shape and the values of an array, in hexadecimal."""
    found = hashlib.sha256(repr(array.shape).encode())
    found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def steps_to_go(mask: Pixels, steps: int) -> NDArray[np.int64]:
    """Return in how many of a run's last steps each pixel changes, 0 … steps: mask/255·steps, rounded."""
    return (2 * steps * mask.astype(np.int64) + 255) // 510


def pool_mask(mask: Pixels, size: Size) -> Pixels:
    """Resize the mask (H, W): each pixel of the result is the maximum over all pixels that it touches."""
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
