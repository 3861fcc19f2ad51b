"""Long work on the artwork in the window's thread, some milliseconds at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

SLICE = 0.012  # seconds of work between two looks at the window's events

T = TypeVar("T")


class Pace(QObject):
    """Does pieces of work one after another; each is an iterator that yields where it may be interrupted."""

    changed = Signal()  # busy, or not any more

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._works: deque[Iterator[None]] = deque()
        self._inside = False
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._slice)

    @property
    def busy(self) -> bool:
        return bool(self._works)

    def start(self, work: Iterator[None], at_once: bool = False) -> None:
        """Begin a work with its first slice; with `at_once` end it."""
        idle = not self._works
        self._works.append(work)
        if at_once:
            self.finish()
        else:
            self._timer.start()
            if idle:
                self.changed.emit()
                self._slice()

    def finish(self) -> None:
        """Do all that is left now. Does nothing inside a work."""
        if not self._inside:
            self._work_until(None)

    def drop(self) -> None:
        """Forget all that is left."""
        self._works.clear()
        self._rest()

    def _slice(self) -> None:
        if not self._inside:
            self._work_until(time.perf_counter() + SLICE)

    def _work_until(self, end: float | None) -> None:
        while self._works:
            work, self._inside = self._works[0], True
            try:
                for _ in work:
                    if end is not None and time.perf_counter() > end:
                        return
            except BaseException:
                self.drop()
                raise
            finally:
                self._inside = False
            if self._works and self._works[0] is work:
                self._works.popleft()
            if not self._works:
                self._rest()

    def _rest(self) -> None:
        if self._timer.isActive():
            self._timer.stop()
            self.changed.emit()


def drained(work: Generator[None, None, T]) -> T:
    """Do a work to its end; its result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: T = end.value
            return found
