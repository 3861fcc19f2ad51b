"""Noise schedules (`processes`) and grids of noise levels (`grids`); NumPy only, in float64, no torch."""

from engine.schedules.grids import DEFAULT, SPACINGS, grid, levels_below
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
    "from_config",
    "grid",
    "levels_below",
]
