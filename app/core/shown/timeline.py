"""StepTimeline: steps in a row and a cursor on one of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from engine.spec.request import Request
from engine.store import StepInfo

PLAY_MS = 2000  # a whole run plays in about this time …
PLAY_STEP_MS = 40, 250  # … but a step is never shorter or longer than these


class TimelineRun(Protocol):
    """The part of a run that a timeline needs.

    steps     -- the finished ones, of `total`; the first `inherited` belong to another run
    levels    -- σ of every step, also of planned ones
    calls     -- the model calls up to and including each step; planned: those of each planned step
    """

    @property
    def request(self) -> Request: ...
    @property
    def steps(self) -> Sequence[StepInfo]: ...
    @property
    def total(self) -> int: ...
    @property
    def inherited(self) -> int: ...
    @property
    def levels(self) -> Sequence[float]: ...
    @property
    def calls(self) -> Sequence[int]: ...
    @property
    def planned(self) -> Sequence[int]: ...


class StepTimeline(QObject):
    """The steps of a run and the cursor among them. The widget `Timeline` shows it.

    The cursor is an index into run.steps, −1 without steps. Setters emit only on change.
    """

    unit = "step"  # the word for one of them

    run_changed = Signal()
    steps_changed = Signal()
    cursor_changed = Signal()
    view_changed = Signal()
    image_changed = Signal()
    playing_changed = Signal()
    notice_raised = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cursor = -1
        self._play = QTimer(self)
        self._play.timeout.connect(self._tick)

    @property
    @abstractmethod
    def run(self) -> TimelineRun | None:
        """The shown run; None without one."""

    @abstractmethod
    def thumbnail(self, k: int, size: int) -> QImage:
        """Return step `k`, its longer side `size` device pixels; a null image if it has none."""

    @abstractmethod
    def _move(self, k: int) -> None:
        """Put the cursor on step `k`, clamped."""

    @property
    def step_count(self) -> int:
        return len(self.run.steps) if self.run else 0

    @property
    def cursor(self) -> int:
        return self._cursor

    def scrub(self, k: int) -> None:
        """Put the cursor on step `k` (clamped); on the newest step of a live run it stays with the newest."""
        self.pause()
        self._move(k)

    def step_by(self, delta: int) -> None:
        self.scrub(self._cursor + delta)

    def home(self) -> None:
        self.scrub(0)

    def end(self) -> None:
        self.scrub(self.step_count - 1)

    @property
    def playing(self) -> bool:
        return self._play.isActive()

    def play(self) -> None:
        """Show step after step up to the newest; start from the first if the cursor is on the last."""
        if self.playing or self.step_count < 2:
            return
        if self._cursor >= self.step_count - 1:
            self._move(0)
        low, high = PLAY_STEP_MS
        self._play.start(max(low, min(high, PLAY_MS // self.step_count)))
        self.playing_changed.emit()

    def pause(self) -> None:
        if self.playing:
            self._play.stop()
            self.playing_changed.emit()

    def _tick(self) -> None:
        if self._cursor < self.step_count - 1:
            self._move(self._cursor + 1)
        if self._cursor >= self.step_count - 1:
            self.pause()
