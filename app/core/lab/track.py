"""The particles of one run of the lab, as far as it has come, and the exact flow beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.jobs.lab import LabFlow, LabRun, LabStep, Points


class Track:
    """Of `trial`; of no run where that is None. Level k is the k-th of the run's noise levels, the last one its end."""

    def __init__(self, trial: LabRun | None = None) -> None:
        self.trial = trial
        self.shots: list[LabStep] = []
        self._flow: NDArray[np.float32] | None = None

    def take(self, news: LabStep | LabFlow) -> None:
        """The next step, or the flow."""
        if isinstance(news, LabStep):
            self.shots.append(news)
        else:
            self._flow = news.states

    @property
    def finished(self) -> bool:
        return self.trial is not None and len(self.shots) == self.trial.request.steps

    def states(self, k: int) -> Points | None:
        """The particles at level `k`; None where the run has not come there."""
        if k < len(self.shots):
            return self.shots[k].x
        return self.shots[-1].after if self.shots and k == len(self.shots) else None

    def estimates(self, k: int) -> Points | None:
        """x̂₀ of the particles at level `k`; there is none at the end."""
        return self.shots[k].x0 if k < len(self.shots) else None

    def paths(self, k: int) -> NDArray[np.float32] | None:
        """The traced particles at levels 0 … k, as far as they came, (levels, traced, 2)."""
        if not self.shots or self.trial is None:
            return None
        return np.stack([x[: self.trial.traced] for j in range(k + 1) if (x := self.states(j)) is not None])

    def flow(self, k: int) -> NDArray[np.float32] | None:
        """The exact flow of the traced particles at levels 0 … k."""
        return None if self._flow is None else self._flow[: k + 1]

    def off_flow(self, k: int) -> float | None:
        """RMS distance of the traced particles from the exact flow at level `k`, in data units."""
        x = self.states(k)
        if x is None or self._flow is None:
            return None
        return float(np.sqrt(np.mean((x[: self._flow.shape[1]] - self._flow[k]) ** 2)))
