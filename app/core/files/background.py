"""A helper thread for work that takes longer than a frame: reading, converting and writing files."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QThreadPool, Signal

from engine.errors import Cancelled

T = TypeVar("T")

log = logging.getLogger(__name__)


class Background(QObject):
    """Does one thing after another in a thread of its own, and calls back in the window's thread.

    finishes -- close() does all that is waiting, as for what a person asked to be written; else it drops it
    """

    idle_changed = Signal()
    _ended = Signal(object)

    def __init__(self, parent: QObject | None = None, finishes: bool = False) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._finishes = finishes
        self._waiting = 0
        self._closed = self._silent = False
        self._ended.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def idle(self) -> bool:
        return self._waiting == 0

    def start(self, work: Callable[[], T], then: Callable[[T], object], failed: Callable[[Exception], object]) -> None:
        """Do `work` there, then call `then` here with its result, or `failed` with its exception."""
        if self._closed:
            return
        self._waiting += 1
        if self._waiting == 1:
            self.idle_changed.emit()
        self._pool.start(partial(self._do, work, then, failed))

    def close(self) -> None:
        """Begin no more work, and wait for running work. Its callback is called only with `finishes`."""
        self._closed = True
        if not self._finishes:
            self._silent = True
            self._pool.clear()
        self._pool.waitForDone()
        QCoreApplication.sendPostedEvents(self, QEvent.Type.MetaCall.value)  # the event loop may be over
        self._silent = True

    def _do(
        self, work: Callable[[], Any], then: Callable[[Any], object], failed: Callable[[Exception], object]
    ) -> None:
        try:
            callback = partial(then, work())
        except BaseException as error:  # SystemExit too: whoever waits for an end gets one
            if not isinstance(error, Cancelled):
                log.info("work in the background failed", exc_info=True)
            callback = partial(failed, error if isinstance(error, Exception) else RuntimeError(type(error).__name__))
        self._ended.emit(callback)

    def _deliver(self, callback: Callable[[], object]) -> None:
        if self._silent:
            return
        self._waiting -= 1
        callback()
        if self.idle:
            self.idle_changed.emit()
