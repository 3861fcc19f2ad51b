"""Turn a job's estimates into progress and live pictures, as many as the budget allows."""

from __future__ import annotations

import logging
import time

from app.bridge.budget import SHARE, PreviewBudget
from app.bridge.mailbox import Mailbox
from app.core.canvas.placement import overlay
from app.core.jobs.engine import Frame, Order
from app.core.shown.render import to_image
from engine.jobs.job import Estimate

PROGRESS_GAP = 1.0  # seconds after which progress is sent without a picture

log = logging.getLogger(__name__)


class ViewState:
    """The window's view, written by the window and read by the worker, each field on its own.

    watched -- whether anybody can see the live frames
    image   -- the shown picture of the batch
    share   -- of a run's time for previews, 0 … 1
    """

    def __init__(self) -> None:
        self.watched = True
        self.image = 0
        self.share = SHARE


class Previews:
    """The previews of one job, in the engine's thread. The first and the last estimate are always shown."""

    def __init__(self, order: Order, mailbox: Mailbox, view: ViewState) -> None:
        self._order, self._mailbox, self._view = order, mailbox, view
        self._budget: PreviewBudget | None = None
        self._unshown: Estimate | None = None  # the last one, while it has no picture
        self._spoke = 0.0

    def take(self, estimate: Estimate) -> None:
        progress = estimate.progress
        if self._budget is None:
            self._mailbox.take_painting()  # of the job before
            self._budget = PreviewBudget(1.0, self._view.share, elapsed=progress.seconds)
        self._budget.add_painting(self._mailbox.take_painting())
        self._unshown = estimate
        if progress.done <= 1 or progress.done == progress.total or self._wanted(self._budget, progress.share):
            self._show(estimate, self._budget)
        elif time.perf_counter() - self._spoke > PROGRESS_GAP:
            self._spoke = time.perf_counter()
            self._mailbox.put(self._order, progress)

    def flush(self) -> None:
        """Show the last estimate: no further one comes for now."""
        if self._unshown is not None and self._budget is not None:
            self._show(self._unshown, self._budget)

    def _wanted(self, budget: PreviewBudget, share: float) -> bool:
        return self._view.watched and not self._mailbox.holds(self._order, Frame) and budget.due(share)

    def _show(self, estimate: Estimate, budget: PreviewBudget) -> None:
        """Put the progress and the picture into the mailbox. A failing preview never fails the job."""
        start, self._unshown = time.thread_time(), None
        self._mailbox.put(self._order, estimate.progress)
        try:
            self._mailbox.put(self._order, self._frame(estimate))
        except Exception:
            log.info("no preview of step %d", estimate.step, exc_info=True)
        budget.add_rendering(time.thread_time() - start)
        self._spoke = time.perf_counter()

    def _frame(self, estimate: Estimate) -> Frame:
        image, placement = min(self._view.image, estimate.images - 1), self._order.placement
        picture = to_image(estimate.preview(image))
        return Frame(estimate.step, image, picture, overlay(picture, placement) if placement else None)
