"""Work off the window's thread, for what takes longer than a frame: reading, converting and writing files."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, QThreadPool, Signal

T = TypeVar("T")

log = logging.getLogger(__name__)


class Background(QObject):
    """Does one thing after another in a thread of its own; what comes of it is told in the window's thread."""

    idle_changed = Signal()
    _ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._waiting = 0
        self._closed = False
        self._ended.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def idle(self) -> bool:
        return self._waiting == 0

    def start(self, work: Callable[[], T], then: Callable[[T], object], failed: Callable[[Exception], object]) -> None:
        """Do `work` there, then `then` here with what it returned, or `failed` with what it raised."""
        if self._closed:
            return
        self._waiting += 1
        if self._waiting == 1:
            self.idle_changed.emit()
        self._pool.start(partial(self._do, work, then, failed))

    def close(self) -> None:
        """Wait for what has been begun; nothing is told any more, and nothing more is begun."""
        self._closed = True
        self._pool.clear()
        self._pool.waitForDone()

    def _do(
        self, work: Callable[[], Any], then: Callable[[Any], object], failed: Callable[[Exception], object]
    ) -> None:
        try:
            told = partial(then, work())
        except Exception as error:
            log.info("work in the background failed", exc_info=True)
            told = partial(failed, error)
        self._ended.emit(told)

    def _deliver(self, told: Callable[[], object]) -> None:
        if self._closed:
            return
        self._waiting -= 1
        told()
        if self.idle:
            self.idle_changed.emit()
