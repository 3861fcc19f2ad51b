"""Render states of a run as pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from app.core.shown.lineage import Lineage

if TYPE_CHECKING:
    from engine.store import RunReader

View: TypeAlias = Literal["x0", "x", "eps"]
EPS_RANGE = 3.0  # unit noise shown over ±3 standard deviations


def to_uint8(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Convert (3, H, W) or (1, H, W) in [−1, 1] to (H, W, 3) in 0 … 255; NaN becomes 0, so that a broken run still
    shows.
    """
    scaled = picture + np.float32(1)  # in the engine's order, so that the canvas shows the saved picture bit for bit
    scaled *= np.float32(127.5)
    np.rint(scaled, out=scaled)
    np.fmax(scaled, 0, out=scaled)  # fmax, fmin: the number where the other is NaN
    np.fmin(scaled, 255, out=scaled)
    planes = scaled.astype(np.uint8)
    rgb = np.empty((*picture.shape[1:], 3), np.uint8)
    for channel in range(3):
        rgb[..., channel] = planes[channel % len(planes)]
    return rgb


def to_image(picture: NDArray[np.float32]) -> QImage:
    """Convert (3, H, W) or (1, H, W) in [−1, 1] to RGB32, the format that paints without a conversion."""
    return from_rgb(to_uint8(picture))


def from_rgb(rgb: NDArray[np.uint8]) -> QImage:
    """Convert (H, W, 3) to RGB32."""
    rgb = np.ascontiguousarray(rgb)
    height, width = rgb.shape[:2]
    return QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888).convertToFormat(
        QImage.Format.Format_RGB32
    )


def state(run: RunReader | Lineage, k: int, view: View, image: int) -> NDArray[np.float32]:
    """Return step `k` of picture `image` in a view: (3, h, w) in [−1, 1].

    x0 is the guided estimate; x the state before the step divided by √(1+σ²), which keeps the variance of unit data
    at 1; eps the noise estimate over ±3.
    """
    one = slice(image, image + 1)
    if view == "x0":
        shown = run.x0(k)[one]
    elif view == "x":
        shown = run.x(k)[one] / np.float32(math.hypot(1.0, run.steps[k].s))
    else:
        shown = run.eps(k)[one] / np.float32(EPS_RANGE)
    return np.asarray(run.preview(shown)[0], dtype=np.float32)


def render(run: RunReader | Lineage, k: int, view: View, image: int) -> QImage:
    """Render step `k` of the `image`-th picture of the batch in a view.

    The end of the last step is the finished picture, also after a second stage.
    """
    return from_rgb(pixels(run, k, view, image))


def pixels(run: RunReader | Lineage, k: int, view: View, image: int) -> NDArray[np.uint8]:
    """Return the pixels of render(), (H, W, 3)."""
    if view == "x0" and (sharp := _sharp(run, k, image)) is not None:
        return sharp
    return to_uint8(state(run, k, view, image))


def finished_pixels(run: Lineage, k: int, image: int) -> NDArray[np.uint8]:
    """Return x̂₀ of step `k` as a picture to save, to copy or to judge, (H, W, 3).

    Raises ValueError while only a preview of a latent is there.
    """
    if run.is_coarse(k, image):
        raise ValueError("this step is still a coarse preview. Wait a moment until it is sharp, and try again.")
    return pixels(run, k, "x0", image)


def _sharp(run: RunReader | Lineage, k: int, image: int) -> NDArray[np.uint8] | None:
    if isinstance(run, Lineage):
        return run.sharp(k, image)
    finished = run.picture() if k == len(run.steps) - 1 else None
    return None if finished is None else finished[image]
