"""Between a document of any size and what a model sees of it: cropping, and blending the result back in.

A document has a box in it, which is all that the model sees. crop() resizes the box to the size of the model's
pictures; composite() brings the result back to the box and blends it in through the mask, at the document's own
resolution: where the mask is 0 no pixel changes, to the bit. NumPy and Pillow, no torch.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.pictures.blending import blend, painted_bounds
from engine.pictures.resizing import resize, strips
from engine.spec.edit import Box, Inputs, Pixels, Size, check, pool_mask, steps_to_go
from engine.spec.guides import AIM_SIDE
from engine.spec.validation import MAX_SIDE, RequestError

ROWS = 256  # of a document, widened to the box at a time


def crop(rgb: Pixels, mask: Pixels | None, box: Box, size: Size) -> Inputs:
    """Return the part of a document that the model sees: its box, resized to `size` (width, height).

    The picture is averaged over areas where it shrinks and resampled with Lanczos's kernel where it grows; outside the
    document its edge pixels go on. The mask keeps the largest value of each area, so that nothing painted is lost, and
    is 0 outside. Raises RequestError for a box without any pixel of the document.
    """
    check(rgb, mask)
    x, y, w, h = box
    left, top, wide, high = visible_part(box, rgb)
    if 0 in (wide, high):
        raise RequestError("The box shows nothing of the picture: move it over what should be made anew.")
    if max(w, h) > MAX_SIDE:
        raise RequestError(f"The box is {w}×{h} pixels, and {MAX_SIDE} a side are possible: make it smaller.")
    seen = rgb[top : top + high, left : left + wide]
    inside = (wide, high) == (w, h)
    source = resize(seen, size) if inside else _resized_with_edges(seen, (left - x, top - y, w, h), size)
    return Inputs(source, None if mask is None else _pool_box(mask, box, size), box)


def _resized_with_edges(seen: Pixels, place: Box, size: Size) -> Pixels:
    """Resize a picture whose edge pixels go on to all sides. place -- x, y of `seen` in the whole, and its size.

    The same pixels as resize() of the whole, which may be 4,000 times as large as `seen`: its columns are added and
    resized some rows at a time, its rows afterwards.
    """
    x, y, w, h = place
    high, wide = seen.shape[:2]
    across = ((0, 0), (x, w - x - wide), (0, 0))
    parts = [seen[top : top + ROWS] for top in range(0, high, ROWS)]
    narrow = np.concatenate([resize(np.pad(part, across, mode="edge"), (size[0], len(part))) for part in parts])
    return resize(np.pad(narrow, ((y, h - y - high), (0, 0), (0, 0)), mode="edge"), size)


def _pool_box(mask: Pixels, box: Box, size: Size) -> Pixels:
    """The mask in the box at another size, as pool_mask() makes it; 0 outside of the document."""
    x, y, w, h = visible_part(box, mask)
    narrow = np.zeros((box[3], size[0]), np.uint8)
    for top in range(y, y + h, ROWS):
        rows = slice(top, min(top + ROWS, y + h))
        if not mask[rows, x : x + w].any():
            continue
        part = np.zeros((rows.stop - rows.start, box[2]), np.uint8)
        part[:, x - box[0] : x - box[0] + w] = mask[rows, x : x + w]
        narrow[rows.start - box[1] : rows.stop - box[1]] = pool_mask(part, (size[0], len(part)))
    return pool_mask(narrow, size)


def whole_box(document: Pixels, shape: Size) -> Box:
    """Return the smallest box of a shape (width : height) that shows all of a document (H, W, …), in its middle."""
    height, width = document.shape[:2]
    return _widen_to_ratio((0, 0, width, height), shape)


def box_around(mask: Pixels, shape: Size, margin: float = 0.125) -> Box:
    """Return a box of a shape (width : height) around what is painted, wider by `margin` of its size on every side.

    Where the document has the room it lies inside. Raises RequestError for a mask in which nothing is painted.
    """
    left, top, w, h = painted_bounds(mask)
    if 0 in (w, h):
        raise RequestError("The mask is empty: paint what should be made anew.")
    wider, higher = round(w * margin), round(h * margin)
    x, y, w, h = _widen_to_ratio((left - wider, top - higher, w + 2 * wider, h + 2 * higher), shape)
    height, width = mask.shape
    x = min(max(x, 0), width - w) if w <= width else (width - w) // 2
    y = min(max(y, 0), height - h) if h <= height else (height - h) // 2
    return x, y, w, h


def _widen_to_ratio(box: Box, shape: Size) -> Box:
    """The smallest box of the shape with whole multiples of its ratio as sides that holds `box` in its middle."""
    x, y, w, h = box
    divisor = math.gcd(*shape)
    wide, high = shape[0] // divisor, shape[1] // divisor
    n = max(-(-w // wide), -(-h // high))
    return x - (n * wide - w) // 2, y - (n * high - h) // 2, n * wide, n * high


def visible_part(box: Box, document: Pixels) -> Box:
    """The part of the box that lies in the document (H, W, …); of width or height 0 where none does."""
    (x, y, w, h), (height, width) = box, document.shape[:2]
    left, top = min(max(x, 0), width), min(max(y, 0), height)
    return left, top, max(0, min(x + w, width) - left), max(0, min(y + h, height) - top)


def patch(rgb: Pixels, mask: Pixels | None, box: Box, made: Pixels) -> tuple[Box, Pixels]:
    """The place in the document (H, W, 3) of a result for its box, and the new pixels (h, w, 3) there.

    `made`, uint8 of any size, is resized to the box; the mask is the document's (None: all of the box). Where the mask
    is 0 the pixels are the document's own.
    """
    place = left, top, w, h = visible_part(box, rgb)
    pixels = rgb[top : top + h, left : left + w].copy()
    _lay(pixels, None if mask is None else mask[top : top + h, left : left + w], box, place, made)
    return place, pixels


def composite(rgb: Pixels, mask: Pixels | None, box: Box, made: Pixels) -> Pixels:
    """A copy of the document with the result for its box blended in through the mask, at the document's resolution.

    Every pixel outside the box, and every one whose mask is 0, is bit-identical to the document's.
    """
    place = left, top, w, h = visible_part(box, rgb)
    whole = rgb.copy()
    within = np.s_[top : top + h, left : left + w]
    _lay(whole[within], None if mask is None else mask[within], box, place, made)
    return whole


def _lay(pixels: Pixels, mask: Pixels | None, box: Box, place: Box, made: Pixels) -> None:
    """Blend the result for the box into the document's pixels at `place`, through the mask there."""
    rect = painted_bounds(mask) if mask is not None else (0, 0, *place[2:])
    if 0 in rect[2:]:
        return
    left, top, w, h = rect
    within = np.s_[top : top + h, left : left + w]
    target, through = pixels[within], None if mask is None else mask[within]
    part = place[0] - box[0] + left, place[1] - box[1] + top, w, h

    def lay(first: int, new: Pixels) -> None:
        rows = slice(first, first + len(new))
        if through is None:
            target[rows] = new
        else:
            blend(target[rows], new, through[rows])

    strips(made, box[2:], part, lay)


def free_cells(mask: Pixels, box: Box, size: Size, steps: int) -> NDArray[np.bool_]:
    """Which pixels of the model, (height, width) of `size`, a run of that many steps remakes at all.

    `mask` is the document's (H, W): a cell of the box counts by the largest value in it.
    """
    return steps_to_go(_pool_box(mask, box, size), steps) > 0


def aim_picture(rgb: Pixels) -> Pixels:
    """A picture, uint8 (H, W, 3), as aims keep it: its longer side at most AIM_SIDE. RequestError for anything else."""
    check(rgb)
    height, width = rgb.shape[:2]
    scale = AIM_SIDE / max(width, height)
    if scale >= 1:
        return rgb
    return resize(rgb, (max(1, math.floor(width * scale)), max(1, math.floor(height * scale))))
