"""The colours of the map: from dark violet to pale yellow, each lighter than the one before; the same in both looks,
because the pictures under it are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Inferno of van der Walt and Smith (2015, CC0), every ⅛ of it, without its black: even in lightness (CAM02-UCS), and
# told apart by every kind of colour vision.
ANCHORS = ("#1f0c48", "#550f6d", "#88226a", "#ba3655", "#e35933", "#f98c0a", "#f9c932", "#fcffa4")
SHOWN = 0.85  # of the colour; the rest is the picture in greys, which must not be taken for the scale's own lightness


def heat(shares: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(h, w) in 0 … 1 → (h, w, 3)."""
    anchors = np.array([[int(name[k : k + 2], 16) for k in (1, 3, 5)] for name in ANCHORS], np.float64)
    at = np.clip(shares, 0, 1) * (len(anchors) - 1)
    rgb = np.stack([np.interp(at, range(len(anchors)), anchors[:, channel]) for channel in range(3)], -1)
    return np.rint(rgb).astype(np.uint8)


def overlay_heat(rgb: NDArray[np.uint8], shares: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The picture (h, w, 3) in greys under the colours of its map (h, w)."""
    grey = rgb @ np.array([0.299, 0.587, 0.114])
    return np.rint(SHOWN * heat(shares) + (1 - SHOWN) * grey[..., None]).astype(np.uint8)
