"""The window's side of the thread boundary: the only class that knows that a thread exists."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count, groupby
from operator import itemgetter

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QThread, QTimer, Signal

from app.bridge.mailbox import Mailbox
from app.bridge.work_queue import Desk
from app.bridge.worker import EngineWorker, Gaze, Session, open_session
from app.core.jobs.queue import Engine
from app.core.jobs.tasks import Task
from app.core.jobs.work import Enlarging, Outcome, Work
from engine.jobs.job import Job
from engine.spec.catalog import ModelInfo


class EngineClient(Engine):
    """Runs the engine in a thread of its own. start() once, close() once; no run begins after close()."""

    _start = Signal(object)
    _serve = Signal()
    _enlarge = Signal(object)

    def __init__(self, open_session: Callable[[], Session] = open_session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open_session = open_session
        self._gaze = Gaze()
        self._work: Work | None = None
        self._enlargings: list[Enlarging] = []
        self._tasks: dict[int, Task] = {}
        self._numbers = count(1)
        self._closed = False
        self._thread: QThread | None = None
        self._worker: EngineWorker | None = None
        self._mailbox = Mailbox(self)
        self._mailbox.arrived.connect(self._collect, Qt.ConnectionType.QueuedConnection)
        self._desk = Desk(self)
        self._desk.arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._opens, self._shown_at = False, 0.0
        self._shown = QTimer(self)
        self._shown.setSingleShot(True)
        self._shown.setInterval(0)
        self._shown.timeout.connect(self._account)

    def start(self, model: ModelInfo) -> None:
        """Begin to load the engine and `model`; state_changed tells when it is ready or has failed."""
        queued = Qt.ConnectionType.QueuedConnection
        self._thread = QThread(self)
        self._thread.setObjectName("engine")
        self._worker = EngineWorker(self._open_session, self._mailbox, self._desk, self._gaze)
        self._worker.moveToThread(self._thread)
        self._start.connect(self._worker.start, queued)
        self._serve.connect(self._worker.serve, queued)
        self._enlarge.connect(self._worker.enlarge, queued)
        self._worker.ready.connect(self._on_ready, queued)
        self._worker.failed.connect(self._on_failed, queued)
        self._worker.ended.connect(self._on_ended, queued)
        self._worker.enlarged.connect(self._on_enlarged, queued)
        self._worker.errand_ended.connect(self._on_errand_ended, queued)
        self._thread.finished.connect(self._worker.deleteLater)
        self._thread.start()
        self._start.emit(model)
        for _ in self._tasks:  # asked for before there was a thread
            self._serve.emit()

    def run(self, work: Work) -> None:
        assert self._work is None, "one run at a time"
        self._work = work
        self._desk.put(work)
        self._serve.emit()

    def enlarge(self, work: Enlarging) -> None:
        self._enlargings.append(work)
        self._enlarge.emit(work)

    def do(self, errand: Job, quick: bool = False) -> int:
        task = Task(next(self._numbers), errand, quick)
        self._tasks[task.id] = task
        if self._closed:  # the desk is cleared once, by close()
            task.cancelled.set()
            return task.id
        self._desk.put(task)
        self._serve.emit()
        return task.id

    def stop(self, id: int) -> None:
        if task := self._tasks.get(id):
            task.cancelled.set()

    def cancel(self) -> None:
        if self._work:
            self._work.cancelled.set()

    def show_image(self, index: int) -> None:
        self._gaze.image = index

    def set_watched(self, watched: bool) -> None:
        self._gaze.watched = watched

    def close(self) -> None:
        """Cancel what runs, wait for it (at most one model call), and tell of its end. Never terminates the thread."""
        self._closed = True
        if self._thread is None:
            return
        self.cancel()
        for task in self._tasks.values():
            task.cancelled.set()
        for enlarging in self._enlargings:
            enlarging.cancelled.set()
        self._thread.quit()
        self._thread.wait()
        # The event loop may be over by now; what the worker said last is delivered all the same.
        QCoreApplication.sendPostedEvents(self, QEvent.Type.MetaCall.value)
        self._shown.stop()
        self._thread = self._worker = None
        for id in list(self._tasks):  # that never began
            self._on_errand_ended(id, "")

    def _on_ready(self, device: str, complaint: str) -> None:
        self.state, self.text, self.complaint = "ready", device, complaint
        self.state_changed.emit()

    def _on_failed(self, reason: str) -> None:
        self.state, self.text = "failed", reason
        self.state_changed.emit()

    def _collect(self) -> None:
        progress, frame = self._mailbox.take()
        self._opens = progress is not None and progress.done == 1
        if not self._shown.isActive():
            self._shown_at = time.thread_time()
        if progress:
            self.progressed.emit(progress)
        if frame:
            self.frame_arrived.emit(frame)
        self._shown.start()

    def _account(self) -> None:
        """What showing the news took, painting included: the timer fires when the events that it caused are done.

        Time of this thread alone: waiting for a core costs the run nothing. The first news opens the run (panels are
        laid out, the timeline begins), which is no preview's cost.
        """
        if not self._opens:
            self._mailbox.add_painting(time.thread_time() - self._shown_at)

    def _deliver(self) -> None:
        for id, of_it in groupby(self._desk.take(), key=itemgetter(0)):
            self.told.emit(id, [news for _, news in of_it])

    def _on_errand_ended(self, id: int, message: str) -> None:
        self._deliver()  # what it told comes before its end
        self._tasks.pop(id, None)
        self.errand_ended.emit(id, message)

    def _on_enlarged(self, work: Enlarging, rgb: object, reason: str) -> None:
        self._enlargings.remove(work)
        self.enlarged.emit(work, rgb, reason)

    def _on_ended(self, outcome: Outcome) -> None:
        self._work = None
        self.ended.emit(outcome)
