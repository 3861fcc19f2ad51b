"""From a job's estimates to what the window is shown: progress, and as many pictures as the budget allows."""

from __future__ import annotations

import logging
import time

from app.bridge.budget import PreviewBudget
from app.bridge.mailbox import Mailbox
from app.core.canvas.placement import overlay
from app.core.jobs.engine import Frame, Order
from app.core.shown.render import to_image
from engine.jobs.job import Estimate

PROGRESS_GAP = 1.0  # seconds after which a word of progress goes without a picture

log = logging.getLogger(__name__)


class ViewState:
    """What the window looks at: written by the window, read by the worker, each field on its own."""

    def __init__(self) -> None:
        self.watched = True
        self.image = 0


class Previews:
    """Of one job, in the engine's thread. The first estimate and the last are always shown."""

    def __init__(self, order: Order, mailbox: Mailbox, gaze: ViewState) -> None:
        self._order, self._mailbox, self._gaze = order, mailbox, gaze
        self._budget: PreviewBudget | None = None
        self._unshown: Estimate | None = None  # the last one, while it has no picture
        self._spoke = 0.0

    def take(self, estimate: Estimate) -> None:
        progress = estimate.progress
        if self._budget is None:
            self._mailbox.take_painting()  # the last job's
            self._budget = PreviewBudget(1.0, elapsed=progress.seconds)
        self._budget.painted(self._mailbox.take_painting())
        self._unshown = estimate
        if progress.done <= 1 or progress.done == progress.total or self._wanted(self._budget, progress.share):
            self._show(estimate, self._budget)
        elif time.perf_counter() - self._spoke > PROGRESS_GAP:
            self._spoke = time.perf_counter()
            self._mailbox.put(self._order, progress)

    def flush(self) -> None:
        """No further estimate comes for now: show the one that was reached."""
        if self._unshown is not None and self._budget is not None:
            self._show(self._unshown, self._budget)

    def _wanted(self, budget: PreviewBudget, share: float) -> bool:
        return self._gaze.watched and not self._mailbox.holds(self._order, Frame) and budget.due(share)

    def _show(self, estimate: Estimate, budget: PreviewBudget) -> None:
        """Leave the progress and the picture in the mailbox. A preview that fails never fails the job."""
        start, self._unshown = time.thread_time(), None
        self._mailbox.put(self._order, estimate.progress)
        try:
            self._mailbox.put(self._order, self._frame(estimate))
        except Exception:
            log.info("no preview of step %d", estimate.step, exc_info=True)
        budget.made(time.thread_time() - start)
        self._spoke = time.perf_counter()

    def _frame(self, estimate: Estimate) -> Frame:
        image, placement = min(self._gaze.image, estimate.images - 1), self._order.placement
        picture = to_image(estimate.preview(image))
        return Frame(estimate.step, image, picture, overlay(picture, placement) if placement else None)
