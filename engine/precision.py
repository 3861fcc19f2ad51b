"""wide(): the precision of step arithmetic, float64; results are rounded once to the state's dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def wide(x: Tensor) -> Tensor:
    """Cast x to float64, or to float32 on devices without float64: Apple GPUs and Intel's consumer GPUs."""
    return x.float() if x.is_mps or x.is_xpu else x.double()
