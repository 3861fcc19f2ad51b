"""Scale pixels for the screen: shrink without aliasing, enlarge crisp or by Lanczos."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

CRISP_FROM = 2.0  # device pixels per picture pixel
LANCZOS_SIDE = 128  # larger pictures are enlarged bilinearly: a matrix product per frame would cost too much
LANCZOS_TARGET = 512


class Resampler:
    """Gives the picture to draw in place of the original, and whether the painter should smooth it further.

    It remembers the last one it made.
    """

    def __init__(self) -> None:
        self._key: tuple[int, float] | None = None
        self._made = QImage()

    def source(self, picture: QImage, scale: float, smooth: bool) -> tuple[QImage, bool]:
        """For `picture` drawn at `scale` device pixels per pixel; `smooth`: enlarge smoothly too."""
        if scale == 1 or (scale >= CRISP_FROM and not smooth):
            return picture, False
        if scale < 0.5:  # the painter's four neighbours would skip pixels
            return self._cached(picture, scale), True
        if scale >= CRISP_FROM and max(picture.width(), picture.height()) <= LANCZOS_SIDE:
            factor = min(math.ceil(scale), LANCZOS_TARGET // max(picture.width(), picture.height()))
            return self._cached(picture, float(factor)), True
        return picture, True

    def _cached(self, picture: QImage, scale: float) -> QImage:
        key = picture.cacheKey(), scale
        if key != self._key:
            self._key = key
            if scale < 1:
                width, height = max(1, round(picture.width() * scale)), max(1, round(picture.height() * scale))
                keep, mode = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
                self._made = picture.scaled(width, height, keep, mode)
            else:
                self._made = enlarged(picture, int(scale))
        return self._made


def enlarged(picture: QImage, factor: int) -> QImage:
    """`picture` `factor` times as large by separable Lanczos-3, edges repeated."""
    rgb = picture.convertToFormat(QImage.Format.Format_RGB888)
    height, width = rgb.height(), rgb.width()
    rows = np.frombuffer(rgb.constBits(), np.uint8).reshape(height, rgb.bytesPerLine())[:, : 3 * width]
    pixels = rows.reshape(height, width, 3).astype(np.float32)
    tall = np.einsum("ij,jkc->ikc", _weights(height, factor), pixels, optimize=True)
    large = np.einsum("ij,kjc->kic", _weights(width, factor), tall, optimize=True)
    out = np.ascontiguousarray(np.clip(large + 0.5, 0, 255).astype(np.uint8))
    made = QImage(out.data, width * factor, height * factor, 3 * width * factor, QImage.Format.Format_RGB888)
    return made.convertToFormat(QImage.Format.Format_RGB32)


@lru_cache(maxsize=8)
def _weights(side: int, factor: int) -> NDArray[np.float32]:
    """(side·factor, side): each row sums to 1. Pixel centres lie at half-integers."""
    at = (np.arange(side * factor) + 0.5) / factor - 0.5
    weights = np.zeros((side * factor, side), np.float64)
    for reach in range(-2, 4):
        taken = np.floor(at).astype(int) + reach
        distance = at - taken
        kernel = np.where(np.abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0.0)
        np.add.at(weights, (np.arange(len(at)), np.clip(taken, 0, side - 1)), kernel)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
