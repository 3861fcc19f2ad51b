"""Mailbox: events on their way from the engine to the window, in order, with no backlog of live ones."""

from __future__ import annotations

from threading import Condition
from typing import TypeAlias

from PySide6.QtCore import QObject, Signal

from app.core.jobs.engine import End, Order
from engine.jobs.job import Event

MOST_EVENTS = 64  # waiting for the window; a job with more of them waits
LOOK = 0.05  # seconds between checks whether a waiting job was cancelled

Item: TypeAlias = tuple[int, Event | End]  # the number of an order, and an event of it


class Mailbox(QObject):
    """The engine puts events in, the window takes them out. At most one wake-up of the window is queued.

    An event with `latest` replaces a waiting one of the same class and job.
    """

    arrived = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changed = Condition()
        self._items: list[Item] = []
        self._woken = self._closing = False
        self._painting = 0.0

    def put(self, order: Order, event: Event) -> None:
        """Add an event. Waits while the window is far behind with events that must all arrive."""
        with self._changed:
            if event.latest:
                place = self._place(order, type(event))
                if place is not None:
                    self._items[place] = order.id, event
                    return
            else:
                while len(self._items) >= MOST_EVENTS and not (order.cancelled.is_set() or self._closing):
                    self._changed.wait(LOOK)
            self._items.append((order.id, event))
        self._wake()

    def end(self, order: Order, end: End) -> None:
        """Add the end of a job, its last item."""
        with self._changed:
            self._items.append((order.id, end))
        self._wake()

    def take(self) -> list[Item]:
        """Take all waiting items, in order."""
        with self._changed:
            items, self._items, self._woken = self._items, [], False
            self._changed.notify_all()
        return items

    def holds(self, order: Order, kind: type[Event]) -> bool:
        """Whether an event of that class is waiting: a new one would only replace it."""
        with self._changed:
            return self._place(order, kind) is not None

    def close(self) -> None:
        """Let no job wait any more: nobody takes events until the end."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    # the window's time for painting, for the preview budget

    def add_painting(self, seconds: float) -> None:
        """Add `seconds` that the window spent on showing events."""
        with self._changed:
            self._painting += seconds

    def take_painting(self) -> float:
        """Take the seconds of showing since the last call."""
        with self._changed:
            seconds, self._painting = self._painting, 0.0
        return seconds

    # inside

    def _place(self, order: Order, kind: type[Event]) -> int | None:
        found = (k for k, (id, item) in enumerate(self._items) if id == order.id and type(item) is kind)
        return next(found, None)

    def _wake(self) -> None:
        with self._changed:
            wake, self._woken = not self._woken, True
        if wake:
            self.arrived.emit()
