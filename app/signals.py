"""Signals of the system (log-out, Ctrl+C in the terminal) close the window as a person would."""

from __future__ import annotations

import signal
import socket
from contextlib import suppress
from types import FrameType
from typing import Any

from PySide6.QtCore import QObject, QSocketNotifier, Signal

CLOSING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Signals(QObject):
    """Turns CLOSING into `received`, emitted between two events of the window's thread, never within a slot.

    Python itself only notes a signal; its number comes through a socket that the event loop watches.
    """

    received = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self._notifier = QSocketNotifier(self._near.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)
        self._handlers: dict[int, Any] = {}
        self._wakeup = -1

    def install(self) -> None:
        """Take over the signals; only in Python's main thread."""
        self._wakeup = signal.set_wakeup_fd(self._far.fileno(), warn_on_full_buffer=False)
        for number in CLOSING:
            self._handlers[number] = signal.signal(number, _ignore)

    def uninstall(self) -> None:
        """Give the signals back."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._handlers.clear()
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._wakeup)
        self._near.close()
        self._far.close()

    def _read(self) -> None:
        with suppress(OSError):
            for number in self._near.recv(64):
                if number in CLOSING:
                    self.received.emit(number)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the wake-up socket reports the signal. Without a handler Python would raise KeyboardInterrupt."""
