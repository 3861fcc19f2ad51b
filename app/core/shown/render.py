"""States of a run → pictures to paint."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

if TYPE_CHECKING:
    from app.core.shown.lineage import Lineage
    from engine.store import RunReader

View: TypeAlias = Literal["x0", "x", "eps"]
EPS_RANGE = 3.0  # unit noise shown over ±3 standard deviations


def to_uint8(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(3, H, W) or (1, H, W) in [−1, 1] → (H, W, 3) in 0 … 255; NaN becomes 0, so that a broken run still shows."""
    scaled = picture + np.float32(1)  # in this order, as the engine's own: the canvas shows what is saved, bit for bit
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
    """(3, H, W) or (1, H, W) in [−1, 1] → RGB32, the format that paints without a conversion."""
    return from_rgb(to_uint8(picture))


def from_rgb(rgb: NDArray[np.uint8]) -> QImage:
    """(H, W, 3) → RGB32."""
    rgb = np.ascontiguousarray(rgb)
    height, width = rgb.shape[:2]
    return QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888).convertToFormat(
        QImage.Format.Format_RGB32
    )


def state(run: RunReader | Lineage, k: int, view: View, image: int) -> NDArray[np.float32]:
    """What `view` shows of step `k` and picture `image`: (3, h, w) in [−1, 1].

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
    """Step `k` of the run as `view` shows it, for the `image`-th picture of the batch.

    What the last step ends in is the finished picture, also where a second stage has made it larger.
    """
    return from_rgb(pixels(run, k, view, image))


def pixels(run: RunReader | Lineage, k: int, view: View, image: int) -> NDArray[np.uint8]:
    """What render() paints, (H, W, 3)."""
    if view == "x0" and k == len(run.steps) - 1 and (finished := run.picture()) is not None:
        return finished[image]
    return to_uint8(state(run, k, view, image))
