"""The pressure of a pen as the width of its stroke."""

from __future__ import annotations

from dataclasses import dataclass

CURVES = (0.2, 5.0)  # exponents


@dataclass(frozen=True, slots=True)
class PenPressure:
    """How pressure, 0 … 1, becomes a share of the brush's diameter.

    curve -- the exponent, in CURVES: share = pressure ** curve
    used  -- False: the pressure is ignored and every stroke has the full width
    """

    curve: float = 1.0
    used: bool = True

    def share(self, pressure: float) -> float:
        """The share of the diameter, 0 … 1, at a pressure, which is clamped to 0 … 1."""
        return min(1.0, max(0.0, pressure)) ** self.curve if self.used else 1.0
