"""A mailbox that keeps only the latest news, so that a slow window never falls behind a fast engine."""

from __future__ import annotations

from threading import Lock

from PySide6.QtCore import QObject, Signal

from app.core.jobs.work import Frame, Progress


class Mailbox(QObject):
    """The engine puts, the window takes. Newer news replaces older; at most one wake-up is ever queued."""

    arrived = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = Lock()
        self._progress: Progress | None = None
        self._frame: Frame | None = None
        self._woken = False
        self._painting = 0.0

    def put(self, progress: Progress, frame: Frame | None = None) -> None:
        """Leave the latest news. From any thread."""
        with self._lock:
            self._progress = progress
            self._frame = frame or self._frame
            wake = not self._woken
            self._woken = True
        if wake:
            self.arrived.emit()

    def take(self) -> tuple[Progress | None, Frame | None]:
        """The latest news not yet taken."""
        with self._lock:
            news = self._progress, self._frame
            self._progress = self._frame = None
            self._woken = False
        return news

    @property
    def frame_waiting(self) -> bool:
        """Whether the last frame has not been taken yet: making another would only replace it."""
        return self._frame is not None

    def add_painting(self, seconds: float) -> None:
        """The window spent `seconds` on showing what it took."""
        with self._lock:
            self._painting += seconds

    def take_painting(self) -> float:
        """Seconds of showing not yet accounted for."""
        with self._lock:
            seconds, self._painting = self._painting, 0.0
        return seconds
