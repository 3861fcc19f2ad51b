"""PreviewBudget: decide when a live preview is worth its cost."""

from __future__ import annotations

import time
from collections.abc import Callable

SHARE = 0.025  # of a run's time for previews, rendered and painted; the rest of the promised 3 % is not measured
LEAST_GAP = 0.04  # seconds: nobody sees more than 25 pictures a second


class PreviewBudget:
    """Spreads previews evenly over one job, within `share` of its time.

    total   -- the final value of `done`: a number of steps, or 1 for a share
    elapsed -- seconds since the job's first model call

    The first and the last preview are always rendered, without a question to due(). Their cost counts.
    """

    def __init__(
        self,
        total: float,
        share: float = SHARE,
        least_gap: float = LEAST_GAP,
        clock: Callable[[], float] = time.perf_counter,
        elapsed: float = 0.0,
    ) -> None:
        self._total, self._share, self._gap, self._clock = total, share, least_gap, clock
        self._last = clock()
        self._began = self._last - elapsed
        self._spent = 0.0
        self._previews = 0

    @property
    def spent(self) -> float:
        """The seconds that previews have taken so far."""
        return self._spent

    def due(self, done: float) -> bool:
        """Whether to render a preview now, at `done` (above 0) of the total; reserves the cost of the last one."""
        now = self._clock()
        to_come = (now - self._began) * (self._total - done) / done
        each = self._spent / self._previews if self._previews else 0.0
        left = self._share * (now - self._began + to_come) - self._spent - each
        if left < each:
            return False
        pace = to_come * each / left if left > 0 else 0.0
        return now - self._last >= max(self._gap, pace)

    def add_rendering(self, seconds: float) -> None:
        """Add the `seconds` of rendering a preview."""
        self._last = self._clock()
        self._previews += 1
        self._spent += seconds

    def add_painting(self, seconds: float) -> None:
        """Add the `seconds` that the window took to paint previews: it computes on the same cores."""
        self._spent += seconds
