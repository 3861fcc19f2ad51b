"""How a CLIP looks at finished pictures: whole, in small batches, with a question whether to stop before each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from engine.errors import Cancelled
from engine.guidance.cutouts import resized
from engine.layout import from_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from engine.guidance.library import Clip

AT_ONCE = 64


def encode_images(clip: Clip, pictures: NDArray[np.float32], cancelled: Callable[[], bool] = lambda: False) -> Tensor:
    """Unit vectors (N, d) of pictures (N, 3, h, w) in [−1, 1]. Raises Cancelled."""
    parts = []
    with torch.no_grad():
        for some in from_array(pictures).split(AT_ONCE):
            if cancelled():
                raise Cancelled
            parts.append(clip.image(resized(some, clip.side)))
    return torch.cat(parts)


def to_numpy(values: Tensor) -> NDArray[np.float32]:
    """A tensor as it is told: an array of float32 on the CPU."""
    return values.detach().cpu().float().numpy()
