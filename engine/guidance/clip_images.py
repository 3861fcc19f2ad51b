"""Encode finished pictures with a CLIP, in small batches that can be cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from engine.errors import Cancelled
from engine.guidance.cutouts import resize
from engine.layout import from_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from engine.guidance.library import Clip

AT_ONCE = 64


def encode_images(clip: Clip, pictures: NDArray[np.float32], cancelled: Callable[[], bool] = lambda: False) -> Tensor:
    """Encode pictures (N, 3, h, w) in [−1, 1] as unit vectors (N, d). Raises Cancelled between two batches."""
    parts = []
    with torch.no_grad():
        for some in from_array(pictures).split(AT_ONCE):
            if cancelled():
                raise Cancelled
            parts.append(clip.image(resize(some, clip.side)))
    return torch.cat(parts)


def to_numpy(values: Tensor) -> NDArray[np.float32]:
    """Convert a tensor to a float32 array, for the window."""
    return values.detach().cpu().float().numpy()
