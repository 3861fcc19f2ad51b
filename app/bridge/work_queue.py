"""WorkQueue: the orders that wait for the engine's thread, most urgent first."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import Literal, TypeAlias

from app.core.jobs.engine import Order

Within: TypeAlias = Literal["nothing", "background", "ahead"]  # the job in progress between two calls


class WorkQueue:
    """Orders that the window puts in and the engine's thread takes out."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._urgent: deque[Order] = deque()
        self._ahead: deque[Order] = deque()
        self._background: deque[Order] = deque()

    def put(self, order: Order) -> None:
        with self._lock:
            self._pile(order).append(order)

    def remove(self, order: Order) -> bool:
        """Remove an order; False if it is not there any more."""
        with self._lock:
            try:
                self._pile(order).remove(order)
            except ValueError:
                return False
            return True

    def next_urgent(self) -> Order | None:
        """Take the next urgent order, which may begin at any time."""
        with self._lock:
            return self._urgent.popleft() if self._urgent else None

    def next(self, within: Within) -> Order | None:
        """Take the next other order that may begin now: within a background job only one that goes ahead."""
        with self._lock:
            if self._ahead and within != "ahead":
                return self._ahead.popleft()
            if self._background and within == "nothing":
                return self._background.popleft()
        return None

    def _pile(self, order: Order) -> deque[Order]:
        return self._urgent if order.urgent else self._ahead if order.job.ahead else self._background
