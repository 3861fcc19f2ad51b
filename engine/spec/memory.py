"""The memory that a run of a latent model takes besides its weights, by its size. Needs no torch.

Decoding counts apart (engine.models.placement): where memory is short it is done in tiles.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.spec.catalog import ModelInfo
from engine.spec.limits import DTYPES
from engine.spec.request import Request
from engine.spec.sizes import Size

# Of the UNet of Stable Diffusion 1 in float32 on a CPU, two rows at a time: 209 MB at 256², 488 MB at 512².
BYTES_PER_PIXEL = 710  # and row
BYTES = 116_000_000  # at any size
STEPS = 16  # of a size, down to nothing


def run_bytes(request: Request, info: ModelInfo) -> int:
    """Return the bytes that the calls of the net take, besides its weights; 0 for a model that is not latent."""
    if not info.latent:
        return 0
    rows = len(request.seeds) * (1 if request.guidance in (0, 1) else 2)
    share = DTYPES[request.precision or "float32"] / DTYPES["float32"]
    pixels = request.width * request.height * min(rows, info.micro_batch)
    return round((BYTES + BYTES_PER_PIXEL * pixels) * share)


def smaller_size(size: Size, info: ModelInfo, fits: Callable[[Size], bool]) -> Size | None:
    """Return the largest valid size of about the shape of `size` that is smaller and `fits`; None without one."""
    width, height = size
    for part in range(STEPS - 1, 0, -1):
        smaller = info.sizes.nearest((width * part // STEPS, height * part // STEPS))
        if smaller[0] * smaller[1] < width * height and fits(smaller):
            return smaller
    return None
