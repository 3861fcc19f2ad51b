"""The status bar: the running job, its progress, the time left, the queue, and the device."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStatusBar, QToolButton, QWidget

from app.core.guidance.clip_scores import ClipScores
from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.queue import JobState, QueuedJob
from app.core.shown.naming import title_of
from app.ui.actions.action_set import ActionSet
from app.ui.look.theme import em
from app.ui.widgets.label import label
from app.ui.widgets.quiet_label import QuietLabel
from app.ui.widgets.quiet_progress import QuietProgress


class StatusBar(QStatusBar):
    """Shows the running job, the last one that ended, and the engine's state."""

    def __init__(self, jobs: JobsModel, scores: ClipScores, actions: ActionSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._scores = jobs, scores
        self._tells_ended = True
        self.setSizeGripEnabled(False)
        self.message = QuietLabel(muted=False)
        self.progress = QuietProgress("Progress of the run")
        self.step = QuietLabel("Enlarging 100 of 100")
        self.left = QuietLabel("99 min left")
        self.queue = QToolButton()  # opens the panel
        self.queue.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.queue.setToolTip(actions["panel-queue"].toolTip())
        self.queue.clicked.connect(actions["panel-queue"].trigger)
        self.device = label("", "muted")
        self.setContentsMargins(em(self, 0.6), 0, em(self, 0.6), 0)
        self.addWidget(self.message, 1)
        for widget in (self.progress, self.step, self.left, self.queue, self.device):
            self.addPermanentWidget(widget)
        self.setMinimumHeight(em(self, 2))  # room for the button of the queue
        jobs.changed.connect(self.refresh)
        jobs.engine_changed.connect(self.refresh)
        scores.changed.connect(self.refresh)
        self.refresh()

    def tell_ended(self, tells: bool) -> None:
        """Whether the last run that ended is said: it is of no use on a page that does not show it."""
        self._tells_ended = tells
        self.refresh()

    def refresh(self) -> None:
        jobs, job = self._jobs, self._jobs.running
        for widget in (self.progress, self.step, self.left):
            widget.setVisible(job is not None)
        if job is not None:
            self.progress.show_share(job.whole_share if job.loading is None else job.loading)
            self.step.setText(job.stage_text)
            self.left.setText(f"{jobs.eta_text} left" if jobs.eta_text else "")
        self.message.setText(self._message(job))
        self._show_queue()
        state = {"starting": "Engine loading …", "ready": jobs.device_text, "failed": "No engine", "closed": ""}
        self.device.setText(state[jobs.engine_state])

    def _show_queue(self) -> None:
        count = len(self._jobs.waiting)
        words = "Queue paused" if self._jobs.paused else "Queue"
        text = f"{words}: {count} waiting" if count else words
        if text != self.queue.text():
            self.queue.setText(text)
            self.queue.setAccessibleName(text)

    def _message(self, job: QueuedJob | None) -> str:
        if loading := self._scores.loading:
            return f"Loading {loading}: a few seconds, this first time …"
        if job is not None and job.loading is not None and not job.cancelling:
            return f"{job.loading_text} …"
        if job is not None:
            return f"{'Stopping' if job.cancelling else job.verb} {title_of(job.request)} …"
        ended = [other for other in self._jobs.all if other.state.ended]
        if not ended or not self._tells_ended:
            return self._jobs.why_no_engine or "Ready"  # the panel says under its button what it lacks
        last = ended[-1]
        if last.state is JobState.FINISHED:
            return f"Finished {title_of(last.request)} in {last.seconds:.1f} s"
        if last.state is JobState.CANCELLED:
            if not last.steps_done:
                return f"Cancelled {title_of(last.request)} before its first step"
            return f"Cancelled {title_of(last.request)} after step {last.steps(' of ')}; its steps are kept"
        return f"{title_of(last.request)[:1].upper()}{title_of(last.request)[1:]} could not be finished"
