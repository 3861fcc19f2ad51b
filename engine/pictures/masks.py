"""Growing and softening masks, uint8 (H, W): NumPy and Pillow, no torch."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageFilter

from engine.spec.edit import Pixels
from engine.spec.validation import RequestError, within

MAX_GROWN = 1024  # pixels: the cost grows with each
MAX_FEATHER = 4096.0  # pixels


def dilate(mask: Pixels, pixels: int) -> Pixels:
    """Grow a mask: each pixel becomes the largest within a disc of radius `pixels`, 0 … MAX_GROWN. Raises RequestError.

    A disc is a stack of rows: for each height the widest run is grown from the one before, and laid over the rows
    above and below it, so that the cost is 4 passes for each pixel of the radius.
    """
    if not 0 <= pixels <= MAX_GROWN:
        raise RequestError(f"A mask grows by 0 to {MAX_GROWN} pixels, not by {pixels}.")
    height, out, wide, reach = len(mask), mask.copy(), mask.copy(), 0
    for up in range(pixels, -1, -1):
        half = math.isqrt(pixels * pixels - up * up)
        while reach < half:  # from a run of reach to one as far again, or as far as it takes
            ahead = min(half - reach, max(1, reach))
            stretched = wide.copy()
            np.maximum(stretched[:, ahead:], wide[:, :-ahead], out=stretched[:, ahead:])
            np.maximum(stretched[:, :-ahead], wide[:, ahead:], out=stretched[:, :-ahead])
            wide, reach = stretched, reach + ahead
        if up == 0:
            np.maximum(out, wide, out=out)
        elif up < height:
            np.maximum(out[up:], wide[:-up], out=out[up:])
            np.maximum(out[:-up], wide[up:], out=out[:-up])
    return out


def feather(mask: Pixels, pixels: float) -> Pixels:
    """Blur a mask by a Gaussian of σ = pixels/2: an edge runs out over about `pixels`, 0 … MAX_FEATHER, on both sides.

    Pillow's: three extended box filters (Gwosdek et al., 2011), whose cost does not depend on σ.
    """
    if not within(pixels, 0, MAX_FEATHER):
        raise RequestError(f"A mask's edge is softened over 0 to {MAX_FEATHER:g} pixels, not over {pixels:g}.")
    return np.asarray(Image.fromarray(mask).filter(ImageFilter.GaussianBlur(pixels / 2)))
