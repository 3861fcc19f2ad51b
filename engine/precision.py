"""The precision that steps are computed in: float64, rounded once to the state's own dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def wide(x: Tensor) -> Tensor:
    """x in float64, or in float32 where there is nothing wider: in Metal and in Intel's consumer GPUs."""
    return x.float() if x.is_mps or x.is_xpu else x.double()
