"""Growing and softening masks, uint8 (H, W): NumPy and Pillow, no torch."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageFilter

from engine.spec.edit import Pixels


def dilate(mask: Pixels, pixels: int) -> Pixels:
    """The most within a disc of radius `pixels` of each pixel: a greyscale dilation.

    A disc is a stack of rows: for each height the widest run is grown from the one before, and laid over the rows
    above and below it, so that the cost is 4 passes for each pixel of the radius.
    """
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
    """Blurred by a Gaussian of σ = pixels/2, so that an edge runs out over about `pixels` on both its sides.

    Pillow's: three extended box filters (Gwosdek et al., 2011), whose cost does not depend on σ.
    """
    return np.asarray(Image.fromarray(mask).filter(ImageFilter.GaussianBlur(pixels / 2)))
