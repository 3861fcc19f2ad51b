"""When a live preview is worth its cost."""

from __future__ import annotations

import time
from collections.abc import Callable

SHARE = 0.03  # of a run's time that previews may take, making and painting together
LEAST_GAP = 0.04  # seconds: more than 25 pictures a second show nobody more


class PreviewBudget:
    """Keeps the previews of one run within `share` of its time so far. The first and the last are not asked about:
    they are made in any case, and what they cost counts.
    """

    def __init__(
        self, share: float = SHARE, least_gap: float = LEAST_GAP, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._share, self._gap, self._clock = share, least_gap, clock
        self._began = self._last = clock()
        self._spent = 0.0
        self._previews = 0

    @property
    def spent(self) -> float:
        """Seconds that previews took so far."""
        return self._spent

    def due(self) -> bool:
        """Whether a preview now, and the last one that will surely come, stay within the share."""
        now = self._clock()
        if now - self._last < self._gap:
            return False
        each = self._spent / self._previews if self._previews else 0.0
        return self._spent + 2 * each <= self._share * (now - self._began)

    def made(self, seconds: float) -> None:
        """A preview was just made and took `seconds`."""
        self._last = self._clock()
        self._previews += 1
        self._spent += seconds

    def painted(self, seconds: float) -> None:
        """Showing previews took the window `seconds`: it computes on the same cores."""
        self._spent += seconds
