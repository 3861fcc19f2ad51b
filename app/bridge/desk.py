"""What waits for the engine's thread, most urgent first."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import Literal, TypeAlias

from app.core.jobs.engine import Order

Within: TypeAlias = Literal["nothing", "background", "ahead"]  # what the engine's thread is in the midst of


class WorkQueue:
    """The window puts orders on it, the engine takes them off."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._urgent: deque[Order] = deque()
        self._ahead: deque[Order] = deque()
        self._background: deque[Order] = deque()

    def put(self, order: Order) -> None:
        with self._lock:
            self._pile(order).append(order)

    def remove(self, order: Order) -> bool:
        """Take an order off; False where it is not there any more."""
        with self._lock:
            try:
                self._pile(order).remove(order)
            except ValueError:
                return False
            return True

    def next_urgent(self) -> Order | None:
        """An urgent order, which may begin at any time."""
        with self._lock:
            return self._urgent.popleft() if self._urgent else None

    def next(self, within: Within) -> Order | None:
        """The next of the others that may begin now: one that goes ahead also in the midst of one in the background."""
        with self._lock:
            if self._ahead and within != "ahead":
                return self._ahead.popleft()
            if self._background and within == "nothing":
                return self._background.popleft()
        return None

    def _pile(self, order: Order) -> deque[Order]:
        return self._urgent if order.urgent else self._ahead if order.job.ahead else self._background
