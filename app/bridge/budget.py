"""When a live preview is worth its cost."""

from __future__ import annotations

import time
from collections.abc import Callable

SHARE = 0.025  # of a run's time for previews, making and painting: of the 3 % promised, the rest is what nobody counts
LEAST_GAP = 0.04  # seconds: more than 25 pictures a second show nobody more


class PreviewBudget:
    """Spreads previews evenly over one job, so that they take no more than `share` of its time.

    total   -- what `done` comes to in the end: a number of steps, or 1 where it is a share
    elapsed -- seconds since the job's first model call
    The first and the last are not asked about: they are made in any case. What they cost counts.
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
        """Seconds that previews took so far."""
        return self._spent

    def due(self, done: float) -> bool:
        """Whether to make one now, `done` (above 0) of the total into the job, with the last one's cost put aside."""
        now = self._clock()
        to_come = (now - self._began) * (self._total - done) / done
        each = self._spent / self._previews if self._previews else 0.0
        left = self._share * (now - self._began + to_come) - self._spent - each
        if left < each:
            return False
        pace = to_come * each / left if left > 0 else 0.0
        return now - self._last >= max(self._gap, pace)

    def made(self, seconds: float) -> None:
        """A preview was just made and took `seconds`."""
        self._last = self._clock()
        self._previews += 1
        self._spent += seconds

    def painted(self, seconds: float) -> None:
        """Showing previews took the window `seconds`: it computes on the same cores."""
        self._spent += seconds
