"""What the engine tells on its way to the window: in order, nothing twice, and never a backlog of live news."""

from __future__ import annotations

from threading import Condition
from typing import TypeAlias

from PySide6.QtCore import QObject, Signal

from app.core.jobs.engine import End, Order
from engine.jobs.job import Event

MOST_EVENTS = 64  # that wait for the window: a job that is ahead by more waits for it
LOOK = 0.05  # seconds between looks at whether a waiting job was cancelled

Item: TypeAlias = tuple[int, Event | End]  # the number of an order, and what is told of it


class Mailbox(QObject):
    """The engine puts, the window takes. At most one wake-up of the window is ever queued.

    An event that is `latest` takes the place of the one of its class, of the same job, that has not been taken yet.
    """

    arrived = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changed = Condition()
        self._items: list[Item] = []
        self._woken = self._closing = False
        self._painting = 0.0

    def put(self, order: Order, event: Event) -> None:
        """Leave an event. Waits while the window is far behind with those of which every one arrives."""
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
        """Leave how a job ended: the last that is told of it."""
        with self._changed:
            self._items.append((order.id, end))
        self._wake()

    def take(self) -> list[Item]:
        """What was left since the last take, in order."""
        with self._changed:
            items, self._items, self._woken = self._items, [], False
            self._changed.notify_all()
        return items

    def holds(self, order: Order, kind: type[Event]) -> bool:
        """Whether an event of that class waits to be taken: making another would only replace it."""
        with self._changed:
            return self._place(order, kind) is not None

    def close(self) -> None:
        """Nobody will take anything for a while: no job is to wait for it."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    # what showing costs the window, which the engine takes into account

    def add_painting(self, seconds: float) -> None:
        """The window spent `seconds` on showing what it took."""
        with self._changed:
            self._painting += seconds

    def take_painting(self) -> float:
        """Seconds of showing not yet accounted for."""
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
