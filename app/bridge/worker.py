"""EngineWorker, the engine's side of the thread boundary: the only place in app/ that calls the engine's session."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from PySide6.QtCore import QObject, QThread, Signal, Slot

from app.bridge.errors import sentence
from app.bridge.mailbox import Mailbox
from app.bridge.previews import Previews, ViewState
from app.bridge.work_queue import Within, WorkQueue
from app.core.jobs.engine import CANCELLED, FINISHED, End, Order
from engine.devices import AUTOMATIC, Computing
from engine.errors import Cancelled
from engine.jobs.generate import Enlarging
from engine.jobs.job import Caller, Estimate, Event, Job, Progress, never_cancelled
from engine.jobs.load import LoadModel

log = logging.getLogger(__name__)


class Performer(Protocol):
    """The part of engine.session.Session that the worker needs."""

    @property
    def device_name(self) -> str: ...
    def perform(
        self,
        job: Job,
        cancelled: Callable[[], bool],
        *,
        live: Mapping[str, float],
        early: Callable[[Event], None],
        clock: Callable[[], float],
    ) -> Iterator[Event]: ...


def open_session(computing: Computing = AUTOMATIC) -> Performer:
    """Open the real engine. Importing torch takes seconds, so call it in the worker's thread."""
    from engine.session import Session

    return Session.on(computing)


def open_lab() -> Performer:
    """Open the engine of the 2-D lab, without models and on the processor."""
    from engine.session import Session

    return Session("cpu", [])


class EngineWorker(QObject):
    """Lives in the engine's thread; its slots run there, one after another, and never raise."""

    ready = Signal(str, str)  # the device; why the first model could not be loaded, or ""
    failed = Signal(str)

    def __init__(
        self, open_session: Callable[[], Performer], mailbox: Mailbox, queue: WorkQueue, view: ViewState
    ) -> None:
        super().__init__()
        self._open, self._mailbox, self._queue, self._view = open_session, mailbox, queue, view
        self._session: Performer | None = None
        self._reason = ""  # why there is no session
        self._urgent: deque[Performance] = deque()  # begun; each advances by one event at a time

    @Slot(str)
    def start(self, model: str) -> None:
        """Open the engine and load the model of that id ("": none), so that the first run starts at once."""
        complaint = ""
        try:
            self._session = self._open()
            device = self._session.device_name
        except (Exception, SystemExit) as error:
            log.info("the engine did not start", exc_info=True)
            self._session, self._reason = None, f"The engine cannot start: {sentence(error)}"
            self.failed.emit(self._reason)
            return
        try:
            if model:
                alone = Caller()
                list(
                    self._session.perform(
                        LoadModel(model), never_cancelled, live={}, early=alone.early, clock=alone.clock
                    )
                )
        except (Exception, SystemExit) as error:
            log.info("%s could not be loaded", model, exc_info=True)
            complaint = sentence(error)
        self.ready.emit(device, complaint)

    @Slot()
    def serve(self) -> None:
        """Do all jobs in the queue, the most urgent first."""
        while self._serve("nothing"):
            pass

    @Slot()
    def finish(self) -> None:
        """Do the jobs that must still finish, then end the thread."""
        self.serve()
        QThread.currentThread().quit()

    def _serve(self, within: Within) -> bool:
        """Advance an urgent job by one event, or else do a whole other job; False if there is nothing to do."""
        while (order := self._queue.next_urgent()) is not None:
            self._urgent.append(self._performance(order, lambda: None))
        if self._urgent:
            performance = self._urgent.popleft()
            if performance.advance():
                self._urgent.append(performance)  # after the other urgent ones, so that they take turns
            return True
        if (order := self._queue.next(within)) is None:
            return False
        inside: Within = "ahead" if order.job.ahead else "background"
        performance = self._performance(order, lambda: self._serve(inside))
        while performance.advance():
            pass
        return True

    def _performance(self, order: Order, between: Callable[[], object]) -> Performance:
        return Performance(self._session, self._reason, order, self._mailbox, self._view, between)


class Performance:
    """A running job, from its first event to its end, which is sent exactly once.

    between -- called before each model call, to do more urgent jobs; their time does not count for this job
    """

    def __init__(
        self,
        session: Performer | None,
        reason: str,
        order: Order,
        mailbox: Mailbox,
        view: ViewState,
        between: Callable[[], object],
    ) -> None:
        self._session, self._reason, self._order, self._mailbox = session, reason, order, mailbox
        self._between = between
        self._previews = Previews(order, mailbox, view)
        self._events: Iterator[Event] | None = None
        self._away = 0.0

    def advance(self) -> bool:
        """Do the job up to its next event and send that; False once it has ended."""
        order, end = self._order, FINISHED
        try:
            if self._events is not None:
                event = next(self._events, None)
            elif order.cancelled.is_set():
                event, end = None, CANCELLED
            elif self._session is None:
                event, end = None, End("failed", self._reason)
            else:
                self._events = self._session.perform(
                    order.job, self._cancelled, live=order.live, early=self._send, clock=self._clock
                )
                event = next(self._events, None)
            if event is not None:
                self._send(event)
                return True
        except (Exception, SystemExit) as error:  # of a library that ends the process: the job ends instead
            if not isinstance(error, Cancelled):
                log.info("%s", order.job.kind, exc_info=True)
            end = CANCELLED if order.cancelled.is_set() else End("failed", sentence(error))
        self._previews.flush()
        self._mailbox.end(order, end)
        return False

    def _send(self, event: Event) -> None:
        if isinstance(event, Estimate):
            self._previews.take(event)
            return
        if isinstance(event, Progress | Enlarging):
            self._previews.flush()
        self._mailbox.put(self._order, event)

    def _cancelled(self) -> bool:
        began = time.perf_counter()
        self._between()
        self._away += time.perf_counter() - began
        return self._order.cancelled.is_set()

    def _clock(self) -> float:
        return time.perf_counter() - self._away
