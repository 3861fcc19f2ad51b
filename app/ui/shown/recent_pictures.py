"""The pictures that this session finished, newest first. A click shows the run that a picture came from."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.core.canvas.editing import Editing
from app.core.files.read_image import read_image
from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.queue import QueuedJob
from app.core.shown.naming import title_of
from app.core.shown.viewer import Viewer
from app.ui.look.theme import em
from app.ui.widgets.label import paragraph
from app.ui.widgets.plain_tip import plain_tip

RUN = Qt.ItemDataRole.UserRole
INDEX = Qt.ItemDataRole.UserRole + 1
FILE = Qt.ItemDataRole.UserRole + 2


class Recent(QWidget):
    """Listens to the jobs.

    picks -- whether a click gives the picture away (`picked` carries its file) instead of showing where it came from
    """

    picked = Signal(object)

    def __init__(self, jobs: JobsModel, shown: Viewer, editing: Editing) -> None:
        super().__init__()
        self._jobs, self._shown, self._editing = jobs, shown, editing
        self.picks = False
        self._listed: set[Path] = set()
        self._marked: tuple[str, int] | None = None
        self.list = QListWidget()
        self.list.setAccessibleName("Pictures of this session")
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setUniformItemSizes(True)
        side = em(self, 4.3)
        self.list.setIconSize(QSize(side, side))
        self.setMinimumWidth(side + em(self, 2))
        self.list.setGridSize(QSize(side + em(self, 0.6), side + em(self, 0.6)))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.empty = paragraph("Finished pictures come here")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(em(self, 0.35), em(self, 0.5), em(self, 0.35), em(self, 0.3))
        column.setSpacing(em(self, 0.3))
        column.addWidget(self.empty)
        column.addWidget(self.list, 1)
        self.list.itemClicked.connect(self._open)
        self.list.itemActivated.connect(self._open)
        jobs.changed.connect(self.refresh)
        for signal in (
            shown.run_changed, shown.image_changed, shown.cursor_changed, shown.view_changed, shown.steps_changed,
            editing.changed,
        ):  # fmt: skip
            signal.connect(self._mark)
        self.refresh()

    def refresh(self) -> None:
        for job in self._jobs.all:
            for index, path in enumerate(job.images):  # the pictures of a running job come one by one
                if path not in self._listed:
                    self._listed.add(path)
                    self.list.insertItem(index, self._item(job, index, path))
                    self._marked = None
        self._mark()
        self.empty.setVisible(not self._listed)
        self.list.setVisible(bool(self._listed))

    def _item(self, job: QueuedJob, index: int, path: Path) -> QListWidgetItem:
        picture = QPixmap.fromImage(read_image(path))
        size = self.list.iconSize() * self.devicePixelRatioF()
        keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        thumbnail = picture.scaled(size, keep, smooth)
        thumbnail.setDevicePixelRatio(self.devicePixelRatioF())
        icon = QIcon(thumbnail)
        icon.addPixmap(thumbnail, QIcon.Mode.Selected)  # not washed with the accent
        item = QListWidgetItem(icon, "")
        words = title_of(job.request)
        item.setToolTip(plain_tip(f"{words}\nseed {job.request.seeds[index]}\n{path}"))
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{words}, seed {job.request.seeds[index]}")
        item.setData(RUN, str(job.run_path))
        item.setData(INDEX, index)
        item.setData(FILE, str(path))
        return item

    def _mark(self) -> None:
        """Select the picture that is on the canvas; none, where another step or the artwork is there."""
        shown = self._on_canvas()
        if shown == self._marked:
            return
        self._marked = shown
        for row in range(self.list.count()):
            item = self.list.item(row)
            if (item.data(RUN), item.data(INDEX)) == shown:
                self.list.setCurrentItem(item)
                return
        self.list.clearSelection()

    def _on_canvas(self) -> tuple[str, int] | None:
        """Return the run and the number of the finished picture that the canvas shows; None for anything else."""
        shown, editing = self._shown, self._editing
        if shown.run_path is None or shown.view != "x0" or shown.cursor != shown.step_count - 1:
            return None
        at = shown.run_path, shown.image_index
        if editing.shows_artwork and (editing.comparing or editing.candidates.at != at):
            return None
        return str(at[0]), at[1]

    def _open(self, item: QListWidgetItem) -> None:
        if self.picks:
            self.picked.emit(Path(item.data(FILE)))
            return
        path = Path(item.data(RUN))
        if path == self._shown.run_path or self._shown.show_run(path):
            self._shown.image_index = item.data(INDEX)
            self._shown.view = "x0"
            self._shown.end()
            self._editing.comparing = False
            self._editing.show_in_place()
