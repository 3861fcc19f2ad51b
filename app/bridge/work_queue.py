"""What waits for the engine's thread, most urgent first, and what errands tell on their way back."""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import Literal, TypeAlias

from PySide6.QtCore import QObject, Signal

from app.core.jobs.tasks import Task
from app.core.jobs.work import Work

MOST_NEWS = 64  # that wait for the window: an errand that is ahead by more waits for it
LOOK = 0.05  # seconds between looks at whether a waiting errand was cancelled

Within: TypeAlias = Literal["nothing", "errand", "run"]  # what the engine's thread is in the midst of


class Desk(QObject):
    """Both threads put and take. At most one wake-up of the window is queued."""

    arrived = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changed = Condition()
        self._quick: deque[Task] = deque()
        self._runs: deque[Work] = deque()
        self._errands: deque[Task] = deque()
        self._news: list[tuple[int, object]] = []
        self._woken = False

    def put(self, item: Work | Task) -> None:
        with self._changed:
            waiting = self._runs if isinstance(item, Work) else self._quick if item.quick else self._errands
            waiting.append(item)  # type: ignore[arg-type]

    def next(self, within: Within) -> Work | Task | None:
        """The most urgent of what may be done now: a quick errand at any time, a run also in the midst of an errand."""
        with self._changed:
            if self._quick:
                return self._quick.popleft()
            if self._runs and within != "run":
                return self._runs.popleft()
            if self._errands and within == "nothing":
                return self._errands.popleft()
        return None

    def tell(self, task: Task, news: object) -> None:
        """Leave news of `task`, every one of which arrives. Waits while the window is far behind."""
        with self._changed:
            while len(self._news) >= MOST_NEWS and not task.cancelled.is_set():
                self._changed.wait(LOOK)
            self._news.append((task.id, news))
            wake, self._woken = not self._woken, True
        if wake:
            self.arrived.emit()

    def take(self) -> list[tuple[int, object]]:
        """The news since the last take, in order."""
        with self._changed:
            news, self._news, self._woken = self._news, [], False
            self._changed.notify_all()
        return news
