"""Engine, Task, Order: the window gives the engine a job and gets a task back. `app.bridge.client` implements
Engine.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.core.canvas.placement import PlacedPicture, Placement
from engine.jobs.job import Event, Job

EngineState: TypeAlias = Literal["starting", "ready", "failed", "closed"]
Ending: TypeAlias = Literal["finished", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class End:
    """The end of a job; `sentence` says why it failed, "" otherwise."""

    how: Ending
    sentence: str = ""


FINISHED, CANCELLED = End("finished"), End("cancelled")


@dataclass(frozen=True, slots=True)
class Frame(Event):
    """x̂₀ of picture `image` of the batch at step `step` (its index in the run file), ready to paint.

    overlay -- the picture in its place on the artwork; None for a run without a place there
    """

    step: int
    image: int
    picture: QImage
    overlay: PlacedPicture | None = None

    latest: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """A job on its way to the engine, shared by both threads.

    urgent    -- it runs between two model calls of other jobs, so each of its events must take a few dozen milliseconds
                 at most
    slot      -- a job with the same slot replaces it; "" for none
    placement -- the place of its previews on the artwork
    cancelled, live -- written by the window and read by the engine; live: numbers that the job reads while it runs
    """

    id: int
    job: Job
    urgent: bool = False
    slot: str = ""
    placement: Placement | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    live: dict[str, float] = field(default_factory=dict)


class Task(QObject):
    """The handle of one submitted job. Only its owner receives its events."""

    told = Signal(list)  # Events, in order
    ended = Signal(object)  # End, exactly once, after all events

    def __init__(self, order: Order, stop: Callable[[Order], None]) -> None:
        super().__init__()
        self._order, self._stop = order, stop
        self.end: End | None = None

    @property
    def job(self) -> Job:
        return self._order.job

    @property
    def cancelling(self) -> bool:
        return self._order.cancelled.is_set()

    def cancel(self) -> None:
        """Cancel the job before its next model call; one that has not begun never begins. Has no effect a second
        time.
        """
        if self.end is None and not self.cancelling:
            self._stop(self._order)

    def drop(self) -> None:
        """Cancel the job and ignore its remaining events."""
        self.blockSignals(True)
        self.cancel()

    def set_live(self, name: str, value: float) -> None:
        """Change a live number of the job while it runs."""
        self._order.live[name] = value


class Engine(QObject):
    """Does jobs, one at a time: urgent ones first, between two model calls of the others; then those that the user
    waits for, within background jobs (engine.jobs.job.Job.ahead); and the rest in their order.
    """

    state_changed = Signal()  # state, text

    state: EngineState = "starting"
    text: str = ""  # the device when ready, the reason when failed
    complaint: str = ""  # why the first model could not be loaded

    @abstractmethod
    def do(self, job: Job, urgent: bool = False, slot: str = "", placement: Placement | None = None) -> Task:
        """Submit a job. The other arguments are those of Order; an unfinished job with the same slot is cancelled."""

    @abstractmethod
    def show_image(self, index: int) -> None:
        """Choose the picture of the batch in live frames."""

    @abstractmethod
    def set_watched(self, watched: bool) -> None:
        """Say whether anybody can see the live frames."""

    @abstractmethod
    def set_preview_share(self, share: float) -> None:
        """Set the share of a run's time, 0 … 1, that live frames of later runs may take."""
