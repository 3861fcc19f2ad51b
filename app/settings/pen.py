"""The pen as the settings say."""

from __future__ import annotations

from app.core.canvas.pressure import PenPressure
from app.settings.values import Values


def pen_of(values: Values) -> PenPressure:
    """How the pressure of a pen changes the width of a stroke."""
    return PenPressure(values.pen_curve, values.pen_pressure)
