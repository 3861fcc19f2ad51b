"""QueueModel: the jobs of this session as rows of a list, with the words that each row shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage

from app.core.jobs.engine import Frame
from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.queue import JobState, QueuedJob
from app.core.request.run_costs import Prices, in_words
from app.core.shown.naming import title_of
from engine.jobs.encode import Decode, Encode
from engine.jobs.generate import Fork
from engine.jobs.job import Event

Index = QModelIndex | QPersistentModelIndex

JOB = Qt.ItemDataRole.UserRole  # the QueuedJob
ABOUT = JOB + 1  # a line on its state
PICTURE = JOB + 2  # the file of its first picture, or None
LIVE = JOB + 3  # a small QImage of its newest preview, or None
SHARE = JOB + 4  # the finished part, 0 … 1; None for one that does not run and has done no step
SIDE = 96  # pixels of a preview that is kept

KINDS = {Encode: "encode", Decode: "decode", Fork: "fork"}


def kind_of(job: QueuedJob) -> str:
    """Return the kind of a job, which is the name of its icon."""
    return KINDS.get(type(job.submission.job), "generate")


class QueueModel(QAbstractListModel):
    """Follows the jobs: the running one, those to come in their order, the ended ones. moveRows() changes the order."""

    def __init__(self, jobs: JobsModel, prices: Prices, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._prices = jobs, prices
        self._rows: list[QueuedJob] = []
        self._live: dict[QueuedJob, QImage] = {}
        jobs.listed.connect(self._follow)
        jobs.job_changed.connect(self._on_changed)
        jobs.told.connect(self._on_told)
        self._follow()

    def job(self, row: int) -> QueuedJob:
        return self._rows[row]

    def row_of(self, job: QueuedJob) -> int:
        """The row of a job; -1 where it is not listed."""
        return self._rows.index(job) if job in self._rows else -1

    # as Qt asks

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        job = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return title_of(job.request)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{title_of(job.request)}: {self.about(job)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{title_of(job.request)}\n{job.message or self.about(job)}"
        if role == JOB:
            return job
        if role == ABOUT:
            return self.about(job)
        if role == PICTURE:
            return job.images[0] if job.images else None
        if role == LIVE:
            return self._live.get(job)
        if role == SHARE:
            return job.whole_share if not job.state.ended and (job.share or job.state is JobState.RUNNING) else None
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        usable = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren
        waits = self._rows[index.row()] in self._jobs.waiting
        return usable | Qt.ItemFlag.ItemIsDragEnabled if waits else usable

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def moveRows(self, parent: Index, row: int, count: int, to: Index, before: int) -> bool:
        """Move one waiting job before the row `before`; False for a job that does not wait."""
        job, first = self._rows[row], len(self._rows) - len(self._ended) - len(self._jobs.waiting)
        if count != 1 or job not in self._jobs.waiting:
            return False
        place = (before - 1 if before > row else before) - first
        self._jobs.move(job, min(max(0, place), len(self._jobs.waiting) - 1))
        return True

    # the words

    def about(self, job: QueuedJob) -> str:
        """A line on the state of a job."""
        step = f"step {job.steps(' of ')}"
        if job.state is JobState.RUNNING:
            if job.cancelling or job.pausing:
                return "Pausing …" if job.pausing else "Stopping …"
            if job.loading is not None:
                return f"{job.loading_text}: {job.loading:.0%}"
            left = f" · {in_words(job.eta_seconds)} left" if job.eta_seconds is not None and job.whole_share < 1 else ""
            return f"{job.stage_text}{left}"
        if job.state is JobState.QUEUED:
            price = self._prices.words(job.request) if not job.flows and not job.steps_done else ""
            return " · ".join(filter(None, (f"Goes on at {step}" if job.steps_done else "Waits", price)))
        if job.state is JobState.PAUSED:
            begun = step if job.steps_done or job.steps_before else ""
            return " · ".join(filter(None, ("From the last time" if job.held else "Paused", begun)))
        if job.state is JobState.FINISHED:
            pictures = f"{len(job.images)} pictures" if len(job.images) > 1 else "Done"
            return f"{pictures} in {in_words(job.seconds)}"
        if job.state is JobState.CANCELLED:
            return f"Cancelled after {step}" if job.steps_done else "Cancelled"
        return job.message or "Failed"

    # following the jobs

    @property
    def _ended(self) -> list[QueuedJob]:
        return [job for job in self._rows if job.state.ended]

    def _follow(self) -> None:
        """Take over the jobs and their order, and keep what is selected."""
        wanted = self._jobs.rows
        if wanted == self._rows:
            return
        for row in reversed(range(len(self._rows))):
            if self._rows[row] not in wanted:
                self.beginRemoveRows(QModelIndex(), row, row)
                self._live.pop(self._rows.pop(row), None)
                self.endRemoveRows()
        for job in wanted:
            if job not in self._rows:
                self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows))
                self._rows.append(job)
                self.endInsertRows()
        self._sort(wanted)

    def _sort(self, wanted: list[QueuedJob]) -> None:
        if wanted == self._rows:
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        after = [self.index(wanted.index(self._rows[index.row()])) for index in before]
        self._rows = wanted
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _on_changed(self, job: QueuedJob) -> None:
        self._follow()
        self._repaint(job)

    def _on_told(self, job: QueuedJob, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Frame):
                keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
                self._live[job] = event.picture.scaled(SIDE, SIDE, keep, smooth)
                self._repaint(job)

    def _repaint(self, job: QueuedJob) -> None:
        if (row := self.row_of(job)) >= 0:
            self.dataChanged.emit(self.index(row), self.index(row))
