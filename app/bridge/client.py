"""EngineClient, the window's side of the thread boundary: the only class that starts the engine's thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count, groupby
from operator import itemgetter

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QThread, QTimer, Signal

from app.bridge.mailbox import Item, Mailbox
from app.bridge.previews import ViewState
from app.bridge.work_queue import WorkQueue
from app.bridge.worker import EngineWorker, Performer, open_session
from app.core.canvas.placement import Placement
from app.core.jobs.engine import CANCELLED, End, Engine, Frame, Order, Task
from engine.jobs.job import Job, Progress
from engine.spec.catalog import ModelInfo


class EngineClient(Engine):
    """Does jobs in a thread of its own. Call close() once; no job begins after it.

    on_demand -- the thread starts with the first job instead of with start()
    """

    _start = Signal(str)
    _serve = Signal()
    _finish = Signal()

    def __init__(
        self,
        open_session: Callable[[], Performer] = open_session,
        parent: QObject | None = None,
        on_demand: bool = False,
        name: str = "engine",
    ) -> None:
        super().__init__(parent)
        self._open_session, self._on_demand, self._name = open_session, on_demand, name
        self._view, self._queue = ViewState(), WorkQueue()
        self._tasks: dict[int, tuple[Order, Task]] = {}
        self._numbers = count(1)
        self._thread: QThread | None = None
        self._worker: EngineWorker | None = None
        self._mailbox = Mailbox(self)
        self._mailbox.arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._opens, self._shown_at = False, 0.0
        self._shown = QTimer(self)
        self._shown.setSingleShot(True)
        self._shown.setInterval(0)
        self._shown.timeout.connect(self._account)

    def start(self, model: ModelInfo | None = None) -> None:
        """Start the thread, and load the engine and `model`; state_changed is emitted when it is ready or has
        failed.
        """
        queued = Qt.ConnectionType.QueuedConnection
        self._thread = QThread(self)
        self._thread.setObjectName(self._name)
        self._worker = EngineWorker(self._open_session, self._mailbox, self._queue, self._view)
        self._worker.moveToThread(self._thread)
        self._start.connect(self._worker.start, queued)
        self._serve.connect(self._worker.serve, queued)
        self._finish.connect(self._worker.finish, queued)
        self._worker.ready.connect(self._on_ready, queued)
        self._worker.failed.connect(self._on_failed, queued)
        self._thread.finished.connect(self._worker.deleteLater)
        self._thread.start()
        self._start.emit(model.id if model else "")
        self._serve.emit()  # jobs that came before the thread

    def do(self, job: Job, urgent: bool = False, slot: str = "", placement: Placement | None = None) -> Task:
        for other, task in list(self._tasks.values()):
            if slot and other.slot == slot:
                task.cancel()
        order = Order(next(self._numbers), job, urgent, slot, placement)
        task = Task(order, self._stop)
        self._tasks[order.id] = order, task
        if self.state == "closed":
            order.cancelled.set()
            self._mailbox.end(order, CANCELLED)
            return task
        self._queue.put(order)
        if self._on_demand and self._thread is None:
            self.start()
        self._serve.emit()
        return task

    def show_image(self, index: int) -> None:
        self._view.image = index

    def set_watched(self, watched: bool) -> None:
        self._view.watched = watched

    def set_preview_share(self, share: float) -> None:
        self._view.share = share

    def close(self) -> None:
        """Cancel the jobs, except those that must still finish, wait for these and for the running one (at most one
        model call), and deliver their ends. Never terminates the thread.
        """
        self.state, self.text = "closed", "The studio is closing."
        self._mailbox.close()
        for order, task in list(self._tasks.values()):
            if self._thread is None or not order.job.finishes:
                task.cancel()
        if self._thread is not None:
            self._finish.emit()
            self._thread.wait()
            # The event loop may have ended: deliver the worker's last signals here.
            QCoreApplication.sendPostedEvents(self, QEvent.Type.MetaCall.value)
            self._thread = self._worker = None
        self._deliver()
        self._shown.stop()

    def _stop(self, order: Order) -> None:
        order.cancelled.set()
        if self._queue.remove(order):
            self._mailbox.end(order, CANCELLED)

    def _on_ready(self, device: str, complaint: str) -> None:
        self.state, self.text, self.complaint = "ready", device, complaint
        self.state_changed.emit()

    def _on_failed(self, reason: str) -> None:
        self.state, self.text = "failed", reason
        self.state_changed.emit()

    def _deliver(self) -> None:
        """Emit the waiting events from their tasks."""
        items = self._mailbox.take()
        self._time_showing(items)
        for id, group in groupby(items, key=itemgetter(0)):
            _, task = self._tasks[id]
            events = [item for _, item in group]
            end = events.pop() if isinstance(events[-1], End) else None
            if events:
                task.told.emit(events)
            if isinstance(end, End):
                del self._tasks[id]
                task.end = end
                task.ended.emit(end)

    def _time_showing(self, items: list[Item]) -> None:
        """Measure the time of showing live events, with painting: the timer fires when the events that they caused are
        done. It is the CPU time of this thread alone: waiting for a core costs the engine nothing.
        """
        live = [item for _, item in items if isinstance(item, Progress | Frame)]
        if not live:
            return
        # The first event opens the run (panels, timeline): this is not the cost of a preview.
        self._opens = any(isinstance(item, Progress) and item.done == 1 for item in live)
        if not self._shown.isActive():
            self._shown_at = time.thread_time()
        self._shown.start()

    def _account(self) -> None:
        if not self._opens:
            self._mailbox.add_painting(time.thread_time() - self._shown_at)
