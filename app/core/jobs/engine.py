"""What the window needs of an engine: it is given a job, and gives a handle on it. `app.bridge.client` is one."""

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
    """How a job ended; `sentence` says to a person why it failed, and is "" otherwise."""

    how: Ending
    sentence: str = ""


FINISHED, CANCELLED = End("finished"), End("cancelled")


@dataclass(frozen=True, slots=True)
class Frame(Event):
    """x̂₀ of picture `image` of the batch at step `step` (its index in the run file), ready to paint.

    overlay -- how it looks in its place in the artwork, where it has one
    """

    step: int
    image: int
    picture: QImage
    overlay: PlacedPicture | None = None

    latest: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """A job on its way to the engine, as both threads see it.

    urgent    -- it is done between two model calls of whatever goes on, so each of its events must take a few dozen
                 milliseconds at most
    slot      -- a job with the same slot takes its place; "" for none
    placement -- where in the artwork its previews go
    cancelled, live -- written by the window and read by the engine; live: numbers that the job takes up as it goes on
    """

    id: int
    job: Job
    urgent: bool = False
    slot: str = ""
    placement: Placement | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    live: dict[str, float] = field(default_factory=dict)


class Task(QObject):
    """One job on its way, in the hands of whoever asked for it: nobody else hears of it."""

    told = Signal(list)  # Events, in order
    ended = Signal(object)  # End, exactly once, after all that it told

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
        """End it before its next model call; one that has not begun never begins. Twice, or after its end: nothing."""
        if self.end is None and not self.cancelling:
            self._stop(self._order)

    def drop(self) -> None:
        """Cancel it and hear no more of it."""
        self.blockSignals(True)
        self.cancel()

    def set_live(self, name: str, value: float) -> None:
        """Change a number of the job while it goes on."""
        self._order.live[name] = value


class Engine(QObject):
    """Does jobs, one at a time: urgent ones first, between two model calls of the others; then those that a person
    waits for, in the midst of the rest (engine.jobs.job.Job.ahead); and the rest as they come."""

    state_changed = Signal()  # state, text

    state: EngineState = "starting"
    text: str = ""  # the device when ready, the reason when failed
    complaint: str = ""  # why the model asked for at the start could not be loaded

    @abstractmethod
    def do(self, job: Job, urgent: bool = False, slot: str = "", placement: Placement | None = None) -> Task:
        """Do a job. The other arguments are an Order's; one with the same slot that has not ended is cancelled."""

    @abstractmethod
    def show_image(self, index: int) -> None:
        """Which picture of the batch the live frames are of."""

    @abstractmethod
    def set_watched(self, watched: bool) -> None:
        """Whether anybody can see the live frames."""
