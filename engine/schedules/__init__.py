"""Noise schedules (`processes`) and the grids of noise levels that a sampler visits (`grids`).

NumPy only, computed in float64: the window imports this before torch.
"""

from engine.schedules.grids import DEFAULT, SPACINGS, below, grid
from engine.schedules.processes import (
    OU,
    SCHEDULES,
    SIGMA_OF_PURE_NOISE,
    VE,
    VP,
    Array,
    Discrete,
    Flow,
    Schedule,
    SubVP,
    from_config,
)

__all__ = [
    "DEFAULT",
    "OU",
    "SCHEDULES",
    "SIGMA_OF_PURE_NOISE",
    "SPACINGS",
    "VE",
    "VP",
    "Array",
    "Discrete",
    "Flow",
    "Schedule",
    "SubVP",
    "below",
    "from_config",
    "grid",
]
