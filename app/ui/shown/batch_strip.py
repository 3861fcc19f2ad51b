"""The pictures of the shown run's batch at the selected step: a thin row under the canvas where there are several."""

from __future__ import annotations

import math
from time import perf_counter

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.guidance.clip_scores import ClipScores
from app.core.shown.render import render
from app.core.shown.viewer import Viewer
from app.ui.canvas import badge
from app.ui.look import icons
from app.ui.look.theme import em
from app.ui.widgets.picture_fit import fit_in

READING_SECONDS = 0.006  # of one paint may go into reading; the rest comes with the next paints


class BatchStrip(QWidget):
    """A click or ←/→ shows another picture of the batch."""

    def __init__(self, shown: Viewer, scores: ClipScores) -> None:
        super().__init__()
        self._shown, self._scores = shown, scores
        self._pictures: dict[int, QImage] = {}
        self._stale: set[int] = set()
        self._more = QTimer(self)
        self._more.setSingleShot(True)
        self._more.timeout.connect(self.update)
        self.setAccessibleName("Pictures of this batch")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        shown.run_changed.connect(self._another_run)
        for signal in (shown.cursor_changed, shown.view_changed):
            signal.connect(self._another_step)
        shown.image_changed.connect(self.update)
        scores.changed.connect(self.update)
        self._another_run()

    def sizeHint(self) -> QSize:
        return QSize(em(self, 20), em(self, 3.6))

    @property
    def needed(self) -> bool:
        return self._shown.batch_size > 1

    @property
    def shown(self) -> list[int]:
        """The pictures that have room, in their order: all of them, or as many as fit around the selected one."""
        order, places = self._scores.batch, self._places
        return order[places.start : places.stop]

    @property
    def _places(self) -> range:
        """The places in the order that have room."""
        order, gap = self._scores.batch, em(self, 0.35)
        room = max(1, int((self.width() - 2 * em(self, 1.5)) // (em(self, 2) + gap)))
        at = order.index(self._shown.image_index) if self._shown.image_index in order else 0
        first = min(max(0, at - room // 2), max(0, len(order) - room))
        return range(first, min(len(order), first + room))

    def cell(self, index: int) -> QRectF:
        """Where picture `index` is drawn; out of sight where it has no room."""
        shown, gap = self.shown, em(self, 0.35)
        count = max(1, len(shown))
        side = min(float(self.height() - 2 * gap), (self.width() - 2 * em(self, 1.5)) / count - gap)
        left = (self.width() - count * (side + gap) + gap) / 2
        place = shown.index(index) if index in shown else -count
        return QRectF(left + place * (side + gap), (self.height() - side) / 2, side, side)

    def _another_run(self) -> None:
        self._pictures.clear()
        self._another_step()

    def _another_step(self) -> None:
        self._stale = set(range(self._shown.batch_size))
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for index in self.shown:
            if self.cell(index).contains(event.position()):
                self._shown.image_index = index

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            order = self._scores.batch
            place = order.index(self._shown.image_index) + step
            self._shown.image_index = order[max(0, min(place, len(order) - 1))]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(event.rect(), self._ink(QPalette.ColorRole.Dark))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        read = 0.0
        for index in self.shown:
            if index in self._stale and read < READING_SECONDS:
                began = perf_counter()
                self._read(index)
                read += perf_counter() - began
            cell = self.cell(index)
            if (picture := self._pictures.get(index)) is not None:
                painter.drawImage(fit_in(cell, picture), picture)
            else:
                painter.setPen(QPen(self._ink(QPalette.ColorRole.Mid), 1))
                painter.drawRect(cell.adjusted(0.5, 0.5, -0.5, -0.5))
            self._paint_score(painter, cell, index)
            if index == self._shown.image_index:
                painter.setPen(QPen(self._ink(QPalette.ColorRole.Highlight), 2))
                painter.drawRoundedRect(cell.adjusted(-2, -2, 2, 2), 3, 3)
        self._paint_more(painter)
        if self.hasFocus():
            painter.setPen(self._ink(QPalette.ColorRole.Highlight))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()
        if self._stale.intersection(self.shown):
            self._more.start(0)

    def _paint_score(self, painter: QPainter, cell: QRectF, index: int) -> None:
        """Of the finished picture, while the pictures stand in the order of their scores."""
        run, scores = self._shown.run, self._scores
        if (
            run is not None
            and scores.ranked
            and (score := scores.finished(run.own.path, run.request, index)) is not None
        ):
            badge.paint(painter, cell, f"{score:.2f}", self.palette())

    def _paint_more(self, painter: QPainter) -> None:
        """Arrows where the batch goes on beyond what has room."""
        side, ink = float(em(self)), self._ink(QPalette.ColorRole.PlaceholderText)
        top = (self.height() - side) / 2
        if self._places.start > 0:
            icons.paint(painter, "previous", QRectF(0.25 * side, top, side, side), ink)
        if self._places.stop < self._shown.batch_size:
            icons.paint(painter, "next", QRectF(self.width() - 1.25 * side, top, side, side), ink)

    def _read(self, index: int) -> None:
        """A picture that cannot be read stays as it was: the canvas says what is wrong."""
        self._stale.discard(index)
        run, k = self._shown.run, self._shown.cursor
        if run is None or not 0 <= k < len(run.steps):
            return
        side = math.ceil(self.cell(index).width() * self.devicePixelRatioF())
        keep, mode = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        try:
            self._pictures[index] = render(run, k, self._shown.view, index).scaled(side, side, keep, mode)
        except (ValueError, OSError):
            return

    def _ink(self, role: QPalette.ColorRole) -> QColor:
        return self.palette().color(role)
