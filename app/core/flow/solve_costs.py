"""Estimated model calls of an ODE solve, from the calls of earlier ones."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

Way: TypeAlias = Literal["density", "up", "down"]  # one probe of a log density; a picture to its noise; and back

ORDER = 3  # of the solver's pair: a step's error falls with the third power of its length (engine.adaptive)


class SolveCosts:
    """Model calls by way, model and tolerance; estimated from the nearest measured tolerance."""

    def __init__(self) -> None:
        self._measured: dict[tuple[Way, str], dict[float, int]] = {}

    def learn(self, way: Way, model_sha256: str, tolerance: float, calls: int) -> None:
        self._measured.setdefault((way, model_sha256), {})[tolerance] = calls

    def calls(self, way: Way, model_sha256: str, tolerance: float) -> int | None:
        """About how many calls it takes; None before anything of the kind was measured."""
        known = self._measured.get((way, model_sha256))
        if not known:
            return None
        nearest = min(known, key=lambda other: abs(math.log(other / tolerance)))
        return round(known[nearest] * (nearest / tolerance) ** (1 / ORDER))
