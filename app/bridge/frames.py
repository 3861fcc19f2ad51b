"""What the engine computes → pictures to paint, made in the engine's thread: the conversion is what costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from app.core.shown.render import to_image


def to_array(x: Any) -> NDArray[np.float32]:
    """A torch tensor on any device (or a NumPy array) as float32 in main memory."""
    return np.asarray(x.detach().cpu() if hasattr(x, "detach") else x, dtype=np.float32)


def preview(model: Any, x0: Any, image: int) -> QImage:
    """Picture `image` of the states x0 (B, C, h, w), through the model's cheap preview."""
    return to_image(to_array(model.codec.preview(x0[image : image + 1]))[0])
