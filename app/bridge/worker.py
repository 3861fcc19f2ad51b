"""The engine's side of the thread boundary: the only place in app/ that calls the engine's session."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot

from app.bridge.budget import PreviewBudget
from app.bridge.errors import sentence
from app.bridge.frames import preview
from app.bridge.mailbox import Mailbox
from app.bridge.work_queue import Desk, Within
from app.core.canvas.placement import overlay
from app.core.jobs.tasks import Task
from app.core.jobs.work import Ending, Enlarging, Frame, Outcome, Progress, Work
from app.core.shown.runs import picture_path
from engine.jobs.job import Job
from engine.pictures.png import save_png
from engine.rules import RULES
from engine.spec.catalog import ModelInfo
from engine.spec.edit import Inputs, Pixels
from engine.spec.request import Request
from engine.types import Step

PROGRESS_GAP = 1.0  # seconds after which a word of progress goes without a frame

log = logging.getLogger(__name__)


class Session(Protocol):
    """What the worker needs of engine.session.Session."""

    @property
    def device_name(self) -> str: ...
    def load(self, info: ModelInfo) -> Any: ...
    def generate(
        self,
        request: Request,
        run_path: Path,
        cancelled: threading.Event,
        first: Callable[[Any], None] | None,
        inputs: Inputs | None,
        aims: Sequence[Pixels],
    ) -> Iterator[Step]: ...
    def fork(
        self,
        parent: Path,
        k: int,
        request: Request,
        run_path: Path,
        cancelled: threading.Event,
        first: Callable[[Any], None] | None,
        share: int | None,
        inputs: Inputs | None,
        aims: Sequence[Pixels],
    ) -> Iterator[Step]: ...
    def finish(self, request: Request, x: Any, run_path: Path, cancelled: threading.Event) -> NDArray[np.uint8]: ...
    def enlarged(self, request: Request, rgb: NDArray[np.uint8], cancelled: threading.Event) -> NDArray[np.uint8]: ...
    def perform(self, job: Job, cancelled: Callable[[], bool]) -> Iterator[object]: ...


def open_session() -> Session:
    """The real engine. Importing torch takes seconds, so it happens here, in the worker's thread."""
    from engine.session import Session as EngineSession

    return EngineSession()


class Gaze:
    """What the window looks at: written by the window, read by the worker, each field on its own."""

    def __init__(self) -> None:
        self.watched = True
        self.image = 0


class EngineWorker(QObject):
    """Lives in the engine's thread; its slots run there, one after another, and never raise."""

    ready = Signal(str, str)  # the device; why the first model could not be loaded, or ""
    failed = Signal(str)
    ended = Signal(object)
    enlarged = Signal(object, object, str)
    errand_ended = Signal(int, str)

    def __init__(self, open_session: Callable[[], Session], mailbox: Mailbox, desk: Desk, gaze: Gaze) -> None:
        super().__init__()
        self._open, self._mailbox, self._desk, self._gaze = open_session, mailbox, desk, gaze
        self._session: Session | None = None
        self._away = 0.0  # seconds that the run under way has given to quick errands

    @Slot(object)
    def start(self, model: ModelInfo) -> None:
        """Open the engine and load `model`, so that the first run starts at once."""
        complaint = ""
        try:
            self._session = self._open()
            device = self._session.device_name
        except Exception as error:
            log.info("the engine did not start", exc_info=True)
            self.failed.emit(f"The engine cannot start: {sentence(error)}")
            return
        try:
            self._session.load(model)
        except Exception as error:
            log.info("%s could not be loaded", model.id, exc_info=True)
            complaint = sentence(error)
        self.ready.emit(device, complaint)

    @Slot()
    def serve(self) -> None:
        """Do the most urgent thing on the desk; called once for each, so nothing may be left of it by now."""
        self._serve("nothing")

    def _serve(self, within: Within) -> None:
        item = self._desk.next(within)
        if isinstance(item, Work):
            self.run(item)
        elif item is not None:
            self._perform(item)

    def _perform(self, task: Task) -> None:
        """Do an errand and say how it ended, exactly once. In the midst of it runs are done as they are asked for."""
        message = ""

        def cancelled() -> bool:
            if not task.quick:
                self._serve("errand")
            return task.cancelled.is_set()

        try:
            if self._session is None:
                message = "The engine has not started: what was asked for cannot be done."
            elif not task.cancelled.is_set():
                for news in self._session.perform(task.errand, cancelled):
                    self._desk.tell(task, news)
                    if cancelled():
                        break
        except Exception as error:
            log.info("errand %d", task.id, exc_info=True)
            if not task.cancelled.is_set():
                message = sentence(error)
        self.errand_ended.emit(task.id, message)

    def run(self, work: Work) -> None:
        """Do `work` and say how it ended, exactly once, whatever happens."""
        began, self._away = time.perf_counter(), 0.0
        ending: Ending = "failed"
        message, images = "", list[Path]()
        seconds = finishing = 0.0
        try:
            assert self._session is not None, "no work comes before ready"
            model = self._session.load(work.model)
            began = time.perf_counter()
            last = self._walk(self._session, model, work)
            seconds = time.perf_counter() - began - self._away
            pictures = self._session.finish(work.request, last.move.x, work.run_path, work.cancelled)
            finishing = time.perf_counter() - began - self._away - seconds
            self._save(pictures, work, images)
            ending = "finished"
        except Exception as error:
            seconds = seconds or time.perf_counter() - began
            if work.cancelled.is_set():
                ending = "cancelled"
            else:
                message = sentence(error)
            log.info("job %d: %s", work.job, ending, exc_info=True)
        self.ended.emit(Outcome(work.job, ending, seconds, message, tuple(images), finishing))

    @Slot(object)
    def enlarge(self, work: Enlarging) -> None:
        """Draw a picture larger and say what came of it, exactly once."""
        rgb, reason = None, ""
        try:
            assert self._session is not None, "no work comes before ready"
            self._session.load(work.model)
            rgb = self._session.enlarged(work.request, work.rgb, work.cancelled)
        except Exception as error:
            log.info("a picture could not be drawn larger", exc_info=True)
            reason = "it was stopped" if work.cancelled.is_set() else sentence(error)
        self.enlarged.emit(work, rgb, reason)

    def _walk(self, session: Session, model: Any, work: Work) -> Step:
        """Every step of the run, shown as far as the budget allows; the last one is returned. Nothing is left on disk
        of a run that did no step.
        """
        total = work.steps
        self._mailbox.take_painting()  # the last run's
        budget, began = PreviewBudget(total), time.perf_counter()
        done, told, shown, spoke = 0, 0, 0, began
        last: Step | None = None

        def early(x0: Any) -> None:
            self._tell(work, model, budget, x0, 0, 0, began)

        # Where a step takes several model calls, the first x̂₀ is there before the first step is.
        first = early if RULES[work.request.sampler].evals > 1 else None
        try:
            for step in self._steps(session, work, first):
                last, done = step, done + 1
                budget.painted(self._mailbox.take_painting())
                wanted = self._gaze.watched and not self._mailbox.frame_waiting and budget.due(done)
                if done in (1, total) or wanted:
                    self._tell(work, model, budget, step.move.x0, done - 1, done, began)
                    told = shown = done
                    spoke = time.perf_counter()
                elif time.perf_counter() - spoke > PROGRESS_GAP:
                    self._mailbox.put(Progress(work.job, done, total, time.perf_counter() - began))
                    told, spoke = done, time.perf_counter()
                self._serve_quick()
        finally:
            if last is None:
                work.run_path.unlink(missing_ok=True)
            elif shown < done or told < done:
                self._tell(work, model, budget, last.move.x0, done - 1, done, began)
        if last is None:
            raise RuntimeError("the run had no steps")
        return last

    def _serve_quick(self) -> None:
        """What must not wait for the end of the run; its time is not the run's."""
        began = time.perf_counter()
        self._serve("run")
        self._away += time.perf_counter() - began

    @staticmethod
    def _steps(session: Session, work: Work, first: Callable[[Any], None] | None) -> Iterator[Step]:
        made, origin = (work.request, work.run_path, work.cancelled, first), work.origin
        inputs = work.snapshot.inputs if work.snapshot else None
        if origin is None:
            return session.generate(*made, inputs, work.aims)
        return session.fork(origin.path, origin.index, *made, origin.share, inputs, work.aims)

    def _tell(self, work: Work, model: Any, budget: PreviewBudget, x0: Any, step: int, done: int, began: float) -> None:
        """Leave x̂₀ of a step and the progress in the mailbox. A preview that fails never fails the run."""
        start, frame = time.thread_time(), None
        image = min(self._gaze.image, len(work.request.seeds) - 1)
        try:
            picture = preview(model, x0, image)
            placed = overlay(picture, work.snapshot.placement) if work.snapshot else None
            frame = Frame(work.job, step, image, picture, placed)
        except Exception:
            log.info("no preview of step %d", step, exc_info=True)
        self._mailbox.put(Progress(work.job, done, work.steps, time.perf_counter() - began), frame)
        budget.made(time.thread_time() - start)

    def _save(self, pictures: NDArray[np.uint8], work: Work, saved: list[Path]) -> None:
        """Write each picture of the batch the moment it exists; `saved` grows as they are safe on disk."""
        for k, rgb in enumerate(pictures):
            path = picture_path(work.pictures, work.request, k)
            try:
                save_png(path, rgb, work.request, k, parent=work.origin.parent if work.origin else None)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
            saved.append(path)
