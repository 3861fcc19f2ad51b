"""The lab's thread: its own, so that chains may walk while a picture is made."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QThread, Signal, Slot

from app.bridge.errors import sentence
from app.core.lab.lab_engine import Cover, LabEngine, Save, Task
from engine.jobs.lab import Ask, Coverage, Field, Flow, Points, Snapshot, Trial, Walk
from engine.spec.lab_data import Data

FRAME_SECONDS = 1 / 30  # of walking chains

Cancelled: TypeAlias = Callable[[], bool]  # asked before each model call

log = logging.getLogger(__name__)


class Session(Protocol):
    """What the worker needs of engine.lab.session.LabSession."""

    def field(self, ask: Ask) -> Field: ...
    def run(self, work: Trial, cancelled: Cancelled) -> Iterator[Snapshot]: ...
    def flow(self, work: Trial, cancelled: Cancelled) -> Flow: ...
    def walk(self, how: Walk, level: Callable[[], float], cancelled: Cancelled) -> Iterator[Points]: ...
    def coverage(self, data: Data, particles: int, cancelled: Cancelled) -> Coverage: ...
    def save(self, path: Path, frames: Sequence[NDArray[np.uint8]], settings: str) -> None: ...


def open_lab() -> Session:
    """The real one. Importing torch takes seconds, so it happens here, in the lab's thread."""
    from engine.lab.session import LabSession

    return LabSession()


class LabMailbox(QObject):
    """What passes between the threads. At most one wake-up is queued; of walking chains only the latest is kept."""

    arrived = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = Lock()
        self._fields: list[Field] = []
        self._news: list[tuple[int, object]] = []
        self._chains: tuple[int, Points] | None = None
        self._woken = False
        self._asks: deque[Ask] = deque()
        self._saves: deque[Task] = deque()
        self.level = 1.0  # written by the window, read by the chains

    def put_field(self, field: Field) -> None:
        with self._lock:
            self._fields.append(field)
        self._wake()

    def put(self, task: int, news: object) -> None:
        """Something of a task that must arrive."""
        with self._lock:
            self._news.append((task, news))
        self._wake()

    def put_chains(self, task: int, chains: Points) -> None:
        with self._lock:
            self._chains = task, chains
        self._wake()

    def take(self) -> tuple[list[Field], list[tuple[int, object]]]:
        """All that arrived since the last take; chains come last."""
        with self._lock:
            fields, news = self._fields, self._news
            if self._chains is not None:
                news.append(self._chains)
            self._fields, self._news, self._chains, self._woken = [], [], None, False
        return fields, news

    def ask(self, asks: Sequence[Ask]) -> None:
        with self._lock:
            self._asks = deque(asks)

    def save(self, task: Task) -> None:
        with self._lock:
            self._saves.append(task)

    def next_wish(self) -> Task | Ask | None:
        """A picture to save or, where none waits, the most urgent field."""
        with self._lock:
            waiting = self._saves or self._asks
            return waiting.popleft() if waiting else None

    def _wake(self) -> None:
        with self._lock:
            wake, self._woken = not self._woken, True
        if wake:
            self.arrived.emit()


class LabWorker(QObject):
    """Lives in the lab's thread; its slots run there, one after another, and never raise."""

    ended = Signal(int, str)
    _more = Signal()

    def __init__(self, open_lab: Callable[[], Session], mailbox: LabMailbox) -> None:
        super().__init__()
        self._open, self._mailbox = open_lab, mailbox
        self._session: Session | None = None
        self._more.connect(self.serve, Qt.ConnectionType.QueuedConnection)

    @Slot()
    def serve(self) -> None:
        """Fulfil the most urgent wish; the others after what else is waiting."""
        if self._serve_one():
            self._more.emit()

    @Slot()
    def finish(self) -> None:
        """Write what waits to be saved, then end the thread."""
        while self._serve_one():
            pass
        QThread.currentThread().quit()

    @Slot(object)
    def do(self, task: Task) -> None:
        """Do `task` and say how it ended, exactly once, whatever happens."""
        message = ""
        try:
            if not task.cancelled.is_set():
                self._do(self._opened(), task)
        except Exception as error:
            log.info("lab task %d", task.id, exc_info=True)
            if not task.cancelled.is_set():
                message = sentence(error)
        self.ended.emit(task.id, message)

    def _do(self, session: Session, task: Task) -> None:
        job, tell = task.job, self._mailbox.put

        def cancelled() -> bool:
            """Between two model calls there is time for a wish, so that scrubbing is answered whatever goes on."""
            self._serve_one()
            return task.cancelled.is_set()

        if isinstance(job, Trial):
            for shot in session.run(job, cancelled):
                tell(task.id, shot)
            tell(task.id, session.flow(job, cancelled))
        elif isinstance(job, Walk):
            self._walk(session, job, task, cancelled)
        elif isinstance(job, Cover):
            tell(task.id, session.coverage(job.data, job.particles, cancelled))
        else:
            session.save(job.path, job.frames, job.settings)

    def _walk(self, session: Session, how: Walk, task: Task, cancelled: Cancelled) -> None:
        """A frame at a time, at a pace that the eye can follow."""
        began = time.perf_counter()
        for chains in session.walk(how, lambda: self._mailbox.level, cancelled):
            self._mailbox.put_chains(task.id, chains)
            task.cancelled.wait(max(0.0, FRAME_SECONDS - (time.perf_counter() - began)))
            began = time.perf_counter()

    def _serve_one(self) -> bool:
        wish = self._mailbox.next_wish()
        if wish is None:
            return False
        if isinstance(wish, Task):
            self.do(wish)
            return True
        try:
            self._mailbox.put_field(self._opened().field(wish))
        except Exception:  # the window keeps what it shows; doing anything with this law says what is wrong
            log.info("no field for %s", wish, exc_info=True)
        return True

    def _opened(self) -> Session:
        if self._session is None:
            self._session = self._open()
        return self._session


class LabClient(LabEngine):
    """The window's side. The thread begins with the first thing asked for; close() once, after which nothing begins."""

    _do = Signal(object)
    _serve = Signal()
    _finish = Signal()

    def __init__(self, open_lab: Callable[[], Session] = open_lab, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open = open_lab
        self._mailbox = LabMailbox(self)
        self._mailbox.arrived.connect(self._collect, Qt.ConnectionType.QueuedConnection)
        self._tasks: dict[int, Task] = {}
        self._thread: QThread | None = None
        self._worker: LabWorker | None = None
        self._closed = False

    def ask(self, asks: Sequence[Ask]) -> None:
        self._mailbox.ask(asks)
        if asks and self._started():
            self._serve.emit()

    def do(self, task: Task) -> None:
        if self._started():
            self._tasks[task.id] = task
            if isinstance(task.job, Save):  # waits for nothing that goes on
                self._mailbox.save(task)
                self._serve.emit()
            else:
                self._do.emit(task)

    def set_level(self, sigma: float) -> None:
        self._mailbox.level = sigma

    def close(self) -> None:
        """Cancel all, wait for it (at most one model call) and for what is being saved. Never terminates the thread."""
        self._closed = True
        self._mailbox.ask(())
        for task in self._tasks.values():
            if not isinstance(task.job, Save):
                task.cancelled.set()
        if self._thread is None:
            return
        self._finish.emit()
        self._thread.wait()
        QCoreApplication.sendPostedEvents(self, QEvent.Type.MetaCall.value)  # the event loop may be over by now
        self._thread = self._worker = None

    def _started(self) -> bool:
        if self._thread is None and not self._closed:
            queued = Qt.ConnectionType.QueuedConnection
            self._thread = QThread(self)
            self._thread.setObjectName("lab")
            self._worker = LabWorker(self._open, self._mailbox)
            self._worker.moveToThread(self._thread)
            self._do.connect(self._worker.do, queued)
            self._serve.connect(self._worker.serve, queued)
            self._finish.connect(self._worker.finish, queued)
            self._worker.ended.connect(self._on_ended, queued)
            self._thread.finished.connect(self._worker.deleteLater)
            self._thread.start()
        return not self._closed

    def _collect(self) -> None:
        fields, news = self._mailbox.take()
        for field in fields:
            self.field_arrived.emit(field)
        for task, of_it in groupby(news, key=itemgetter(0)):
            self.told.emit(task, [what for _, what in of_it])

    def _on_ended(self, task: int, message: str) -> None:
        self._collect()  # what it told comes before its end
        self._tasks.pop(task, None)
        self.ended.emit(task, message)
