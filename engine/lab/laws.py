"""The law of a data set, ready to compute with."""

from __future__ import annotations

from engine.lab.coverage import ScoreNearSamples
from engine.lab.model import Law, model
from engine.spec.lab_data import Data


class Laws:
    """Keeps the last one that was used alone: each stroke of a drawing makes another."""

    def __init__(self) -> None:
        self._last: tuple[Data, Law, ScoreNearSamples] | None = None

    def of(self, data: Data) -> tuple[Law, ScoreNearSamples]:
        """Return the law, and the score that training on its samples would give. Raises LabError for unusable data."""
        if self._last is None or self._last[0] != data:
            law = model(data)
            self._last = data, law, ScoreNearSamples.of(law)
        return self._last[1:]
