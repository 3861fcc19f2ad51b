"""Viewer: the shown run, the step under the cursor, and the picture on the canvas."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from app.core.notices import Notice
from app.core.shown.lineage import Lineage
from app.core.shown.render import View, render
from app.core.shown.timeline import StepTimeline

THUMBNAILS = 1024  # kept; at 100 pixels a side that is 40 MB


class Viewer(StepTimeline):
    """The shown run, read from its file in the window's thread, also while the engine appends to it.

    A fork's steps follow those of its parents, so that the whole lineage can be scrubbed. The cursor is an index into
    run.steps, −1 without steps. While `following`, it stays on the newest step of a live run. The newest x̂₀ of a live
    run arrives rendered (`show_live`); everything else is rendered from the file.
    """

    frame_changed = Signal()
    run_chosen = Signal()  # the user chose the run to show; emitted before it is opened
    moved = Signal()  # the user moved the cursor or pressed play, even if the cursor stays on its step

    def __init__(self, is_growing: Callable[[Path], bool], parent: QObject | None = None) -> None:
        """is_growing: whether the run in a file is still being written."""
        super().__init__(parent)
        self._is_growing = is_growing
        self._run: Lineage | None = None
        self._path: Path | None = None
        self._live = False
        self._following = True
        self._view: View = "x0"
        self._image = 0
        self._frame: QImage | None = None
        self._framed: tuple[int, View, int] | None = None  # the (step, view, image) that `frame` shows
        self._thumbnails: OrderedDict[tuple[int, View, int, int], QImage] = OrderedDict()
        self._unreadable = False  # one notice a run: a timeline reads many steps at once

    # the shown run and picture

    @property
    def run(self) -> Lineage | None:
        return self._run

    @property
    def run_path(self) -> Path | None:
        return self._path

    @property
    def live(self) -> bool:
        """Whether the shown run is still being written."""
        return self._live

    @property
    def step_count(self) -> int:
        return len(self._run.steps) if self._run else 0

    @property
    def following(self) -> bool:
        return self._following

    @property
    def frame(self) -> QImage | None:
        """The picture on the canvas, at its own size."""
        return self._frame

    @property
    def view(self) -> View:
        return self._view

    @view.setter
    def view(self, view: View) -> None:
        if view != self._view:
            self._view = view
            self.view_changed.emit()
            self._refresh()

    @property
    def batch_size(self) -> int:
        return len(self._run.request.seeds) if self._run else 0

    @property
    def image_index(self) -> int:
        """The shown picture of the batch."""
        return self._image

    @image_index.setter
    def image_index(self, index: int) -> None:
        index = max(0, min(index, self.batch_size - 1))
        if index != self._image:
            self._image = index
            self.image_changed.emit()
            self._refresh()

    def thumbnail(self, k: int, size: int) -> QImage:
        """Return step `k` in the current view, its longer side `size` device pixels; a null image if it cannot be
        read.
        """
        key = k, self._view, self._image, size
        if (known := self._thumbnails.get(key)) is not None:
            self._thumbnails.move_to_end(key)
            return known
        picture = self._rendered(k)
        if picture is None:
            return QImage()
        mode = Qt.TransformationMode.SmoothTransformation
        small = picture.scaled(size, size, Qt.AspectRatioMode.KeepAspectRatio, mode)
        self._thumbnails[key] = small
        if len(self._thumbnails) > THUMBNAILS:
            self._thumbnails.popitem(last=False)
        return small

    # actions of the user

    def show_run(self, path: Path) -> bool:
        """Show the run in `path` at its newest step; False, with a notice, if it cannot be read."""
        self.run_chosen.emit()
        return self._open(path, live=self._is_growing(path))

    def show_parent(self) -> None:
        """Show the parent of the shown run, at the step of the fork."""
        parent = self._run.parent if self._run else None
        if parent is None or not self.show_run(parent.path):
            return
        assert self._run is not None
        self.scrub(next((k for k, step in enumerate(self._run.steps) if step.i == parent.step), self.step_count - 1))
        if parent.share is not None:
            self.image_index = parent.share

    def scrub(self, k: int) -> None:
        super().scrub(k)
        self.moved.emit()

    def play(self) -> None:
        super().play()
        self.moved.emit()

    def close(self) -> None:
        """Show nothing."""
        self.pause()
        if self._run is None:
            return
        self._run = self._path = None
        self._live, self._cursor = False, -1
        self._thumbnails.clear()
        self.run_changed.emit()
        self.steps_changed.emit()
        self.cursor_changed.emit()
        self._refresh()

    # events of the engine

    def follow_run(self, path: Path) -> bool:
        """Show a run that has just begun; False, with a notice, if it cannot be read."""
        return self._open(path, live=True)

    def show_live(self, picture: QImage, step: int, image: int) -> None:
        """Show the newest x̂₀ of the live run, already rendered; ignored while the user looks at something else."""
        if self._live and self._following and self._view == "x0" and image == self._image:
            self._set_frame(picture, (step, "x0", image))

    def grow(self, live: bool = True) -> None:
        """Read new steps of the run file; `live` False: the run has ended."""
        if self._run is None:
            return
        before = self.step_count
        try:
            self._run.poll()
        except (ValueError, OSError) as error:
            self._cannot_read(error)
        ended = self._live and not live
        self._live = live
        if ended:  # the last step may show a finished picture now
            self._framed = None
            self._thumbnails.clear()
        if self.step_count != before or ended:
            self.steps_changed.emit()
        if self._following and self._cursor != self.step_count - 1:
            self._cursor = self.step_count - 1
            self.cursor_changed.emit()
        # Rendering each new x̂₀ here would defeat the preview budget: show_live brings it.
        fed = live and self._following and self._framed is not None and self._framed[1:] == ("x0", self._image)
        if not fed:
            self._refresh()

    def show_sharp(self, path: Path, k: int, image: int, rgb: NDArray[np.uint8], tiny: bool = False) -> None:
        """Keep the decoded x̂₀ of step `k` of the shown run, and show it if it is on the canvas; `tiny`: by a TAESD."""
        if self._run is None or self._path != path:
            return
        self._run.keep_sharp(k, image, rgb, tiny)
        for key in [key for key in self._thumbnails if key[:3] == (k, "x0", image)]:
            del self._thumbnails[key]
        if self._framed == (k, "x0", image):
            self._framed = None
            self._refresh()

    def _open(self, path: Path, live: bool) -> bool:
        try:
            run = Lineage(path)
        except (ValueError, OSError) as error:
            self.notice_raised.emit(Notice("error", f"{path.name} cannot be shown: {error}"))
            return False
        self.pause()
        self._run, self._path, self._live, self._following = run, path, live, True
        self._thumbnails.clear()
        self._framed, self._unreadable = None, False
        image, self._image = self._image, min(self._image, len(run.request.seeds) - 1)
        self._cursor = len(run.steps) - 1
        self.run_changed.emit()
        self.steps_changed.emit()
        self.cursor_changed.emit()
        if image != self._image:
            self.image_changed.emit()
        if not live:
            self._refresh()
        return True

    def _move(self, k: int) -> None:
        last = self.step_count - 1
        k = max(min(k, last), min(0, last))
        self._following = k == last
        if k != self._cursor:
            self._cursor = k
            self.cursor_changed.emit()
        self._refresh()

    def _refresh(self) -> None:
        """Render the step under the cursor, unless it is on the canvas already."""
        wanted = self._cursor, self._view, self._image
        if wanted != self._framed:
            self._set_frame(self._rendered(self._cursor), wanted)

    def _set_frame(self, picture: QImage | None, shows: tuple[int, View, int]) -> None:
        self._frame, self._framed = picture, shows
        self.frame_changed.emit()

    def _rendered(self, k: int) -> QImage | None:
        if self._run is None or not 0 <= k < self.step_count:
            return None
        try:
            return render(self._run, k, self._view, self._image)
        except (ValueError, OSError) as error:
            self._cannot_read(error)
            return None

    def _cannot_read(self, error: Exception) -> None:
        if not self._unreadable:
            self._unreadable = True
            self.notice_raised.emit(Notice("error", f"The steps of this run cannot be read: {error}"))
