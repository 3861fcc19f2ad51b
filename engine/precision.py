"""The precision that steps are computed in: float64, rounded once to the state's own dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

WITHOUT_FLOAT64 = ("mps", "xpu")  # Metal has none, Intel's consumer GPUs have none: float32 has to do there


def wide(x: Tensor) -> Tensor:
    """x in float64, or in float32 on devices that have nothing wider."""
    return x.float() if x.device.type in WITHOUT_FLOAT64 else x.double()
