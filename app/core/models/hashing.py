"""Hashing: the SHA-256 of model files, one after another in a helper thread, with progress and cancel."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from threading import Event

from PySide6.QtCore import QObject, Qt, Signal

from app.core.files.background import Background
from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.hashes import Hashes
from engine.errors import Cancelled

EVERY = 0.1  # seconds between two reports


class Hashing(QObject):
    """`changed` tells of progress; `computed` carries each path with its hash; `failed` a path with a sentence."""

    changed = Signal()
    computed = Signal(object, str)
    failed = Signal(object, str)
    _told = Signal(object, float)

    def __init__(self, hashes: Hashes, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hashes = hashes
        self._background = Background(self)
        self._waiting: list[Path] = []
        self._stop = Event()
        self.now: Path | None = None
        self.share = 0.0
        self.done = self.total = 0
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        return self.now is not None

    def share_of(self, path: Path) -> float | None:
        """The finished part of a file's hash, 0 … 1; None for a file that is not waiting."""
        if path == self.now:
            return self.share
        return 0.0 if path in self._waiting else None

    def compute(self, paths: Iterable[Path], first: bool = False) -> None:
        """Compute the hashes of more files; `first`: before those that wait."""
        new = [path for path in dict.fromkeys(paths) if path != self.now and (first or path not in self._waiting)]
        if first:
            moved = [path for path in self._waiting if path in new]
            self._waiting = [*new, *(path for path in self._waiting if path not in moved)]
            self.total += len(new) - len(moved)
        else:
            self._waiting += new
            self.total += len(new)
        self._next()
        self.changed.emit()

    def cancel(self) -> None:
        """Compute no more; the hashes so far are kept."""
        self._waiting.clear()
        self._stop.set()
        self.changed.emit()

    def close(self) -> None:
        self._waiting.clear()
        self._stop.set()
        self._background.close()

    def _next(self) -> None:
        if self.now is not None:
            return
        if not self._waiting:
            self.done = self.total = 0
            return
        self.now, self.share, self._stop = self._waiting.pop(0), 0.0, Event()
        path = self.now
        self._background.start(
            partial(self._compute, path, self._stop), partial(self._on_done, path), partial(self._on_failed, path)
        )

    def _compute(self, path: Path, stop: Event) -> str:
        due = time.monotonic() + EVERY

        def report(share: float) -> None:
            nonlocal due
            if time.monotonic() >= due:
                due = time.monotonic() + EVERY
                self._told.emit(path, share)

        return self._hashes.of(path, report, stop.is_set)

    def _on_told(self, path: Path, share: float) -> None:
        if path == self.now:
            self.share = share
            self.changed.emit()

    def _on_done(self, path: Path, digest: str) -> None:
        self._end()
        self.computed.emit(path, digest)

    def _on_failed(self, path: Path, error: Exception) -> None:
        self._end()
        if not isinstance(error, Cancelled):
            self.failed.emit(path, error.sentence if isinstance(error, CheckpointError) else str(error))

    def _end(self) -> None:
        self.now = None
        self.done += 1
        self._next()
        self.changed.emit()
