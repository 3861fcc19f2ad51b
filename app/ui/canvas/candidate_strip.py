"""The strip of candidates under the canvas: browse, compare, apply, discard."""

from __future__ import annotations

import math
from pathlib import Path

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QToolTip, QWidget

from app.core.canvas.candidates import ORIGINAL, Candidate
from app.core.canvas.editing import Editing
from app.core.canvas.placement import thumbnail
from app.core.guidance.clip_scores import ClipScores
from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.queue import JobState, QueuedJob
from app.core.shown.naming import title_of
from app.core.shown.viewer import Viewer
from app.ui.actions.action_set import ActionSet
from app.ui.canvas import badge
from app.ui.look import icons
from app.ui.look.theme import em
from app.ui.widgets.quiet_label import QuietLabel

ROOM_FOR_WORDS = 46.0  # lines wide, from which on the buttons say their names
GESTURES = (
    ("{candidate-before} {candidate-after}", "browse"),
    ("{apply}", "apply"),
    ("{discard}", "discard"),
    ("Space", "compare"),
)


class CandidateStrip(QWidget):
    """Tile 0 is the original; after the candidates comes one tile for each run that is still to be made."""

    def __init__(self, editing: Editing, shown: Viewer, jobs: JobsModel, scores: ClipScores) -> None:
        super().__init__()
        self._editing, self._shown, self._jobs, self._scores = editing, shown, jobs, scores
        self._overlays: dict[tuple[tuple[Path, int], int, int], QImage] = {}
        self._grounds: dict[tuple[int, int, int, int, int, int], QImage] = {}
        self.setAccessibleName("Candidates")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        artwork = editing.artwork
        for signal in (artwork.history_changed, artwork.opened, artwork.closed, artwork.resized):
            signal.connect(self._another_ground)
        artwork.box_changed.connect(self.update)
        self._editing.candidates.listed.connect(self._forget)
        self._editing.changed.connect(self.refresh)
        jobs.changed.connect(self.refresh)
        scores.changed.connect(self.refresh)
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(em(self, 16), em(self, 4.2))

    @property
    def making(self) -> list[QueuedJob]:
        """The runs for the artwork that are going on or waiting, oldest first."""
        return [j for j in self._jobs.all if not j.state.ended and self._editing.placement(j.run_path)]

    @property
    def count(self) -> int:
        return 1 + len(self._editing.candidates) + len(self.making)

    @property
    def index(self) -> int:
        """The selected tile, −1 for none."""
        candidates = self._editing.candidates
        if candidates.index >= 0 or candidates.at is None:
            return candidates.index
        paths = [job.run_path for job in self.making]
        run = candidates.at[0]
        return 1 + len(candidates) + paths.index(run) if run in paths else -1

    @property
    def shown(self) -> range:
        """The tiles that have room besides the original's: all, or as many as fit around the one that is looked at."""
        room = max(1, int((self.width() - self._first() - em(self)) // (self._side() + self._gap())))
        last = self.count
        first = max(1, min(self.index - room // 2, last - room)) if self.index > 0 else max(1, last - room)
        return range(first, min(last, first + room))

    def cell(self, tile: int) -> QRectF:
        """Return the rectangle of a tile."""
        side, top = self._side(), self._gap()
        if tile == ORIGINAL:
            return QRectF(float(em(self, 0.8)), top, side, side)
        return QRectF(self._first() + (tile - self.shown.start) * (side + self._gap()), top, side, side)

    def describe(self, tile: int) -> str:
        """Describe a tile in words."""
        candidates = self._editing.candidates
        if tile == ORIGINAL:
            return "The original"
        if tile <= len(candidates):
            one = candidates[tile]
            score = self._scores.finished(one.run, one.request, one.image)
            said = "" if score is None else f", CLIP score {score:.3f}"
            return f"{tile} of {len(candidates)}: {title_of(one.request)}, seed {one.request.seeds[one.image]}{said}"
        job = self.making[tile - 1 - len(candidates)]
        return f"{title_of(job.request)}, {'being made' if job.state is JobState.RUNNING else 'waiting'}"

    def refresh(self) -> None:
        self.setAccessibleDescription(self.describe(self.index) if self.index >= 0 else "A step on the way")
        self.update()

    def _side(self) -> float:
        return float(self.height() - 2 * self._gap())

    def _gap(self) -> float:
        return float(em(self, 0.4))

    def _first(self) -> float:
        """Return the x at which the candidates begin, after the original and a line."""
        return em(self, 0.8) + self._side() + em(self, 1.2)

    def _another_ground(self) -> None:
        self._grounds.clear()
        self.update()

    def _forget(self) -> None:
        """Drop the pictures of candidates that are gone."""
        candidates = self._editing.candidates
        keys = {candidates[tile].key for tile in range(1, len(candidates) + 1)}
        self._overlays = {key: image for key, image in self._overlays.items() if key[0] in keys}

    def _tile_at(self, at: QPointF) -> int | None:
        return next((tile for tile in (ORIGINAL, *self.shown) if self.cell(tile).contains(at)), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        tile = self._tile_at(event.position())
        if tile is None:
            return
        candidates = self._editing.candidates
        if tile <= len(candidates):
            self._editing.choose(tile)
        elif (job := self.making[tile - 1 - len(candidates)]).state is JobState.RUNNING and job.steps_done:
            self._shown.show_run(job.run_path)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            tile = self._tile_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), "" if tile is None else self.describe(tile), self)
            return True
        return super().event(event)

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(QPen(self._ink(QPalette.ColorRole.Mid), 1))
        middle = round(self._first() - em(self, 0.6)) + 0.5
        painter.drawLine(QPointF(middle, self._gap()), QPointF(middle, self.height() - self._gap()))
        candidates, making = self._editing.candidates, self.making
        place = self._editing.placement(candidates.at[0]) if candidates.at else None
        self._paint_ground(painter, self.cell(ORIGINAL), place.box if place else self._editing.artwork.box)
        for tile in self.shown:
            if tile <= len(candidates):
                self._paint_candidate(painter, self.cell(tile), candidates[tile])
            else:
                self._paint_making(painter, self.cell(tile), making[tile - 1 - len(candidates)])
        if self.index >= 0:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._ink(QPalette.ColorRole.Highlight), 2))
            painter.drawRoundedRect(self.cell(self.index).adjusted(-2, -2, 2, 2), 3, 3)
        self._paint_more(painter)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(self._ink(QPalette.ColorRole.Highlight))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _paint_ground(self, painter: QPainter, cell: QRectF, box: QRect) -> None:
        """Paint the artwork in its box."""
        place, size = self._inner(cell, box)
        key = (box.x(), box.y(), box.width(), box.height(), size.width(), size.height())
        if key not in self._grounds:
            self._grounds[key] = _shrink(self._editing.artwork.image.copy(box), size)
        painter.drawImage(place, self._grounds[key])

    def _paint_candidate(self, painter: QPainter, cell: QRectF, one: Candidate) -> None:
        """The artwork in the candidate's box, with the candidate over it."""
        placement = self._editing.placement(one.run)
        if placement is None:
            return
        self._paint_ground(painter, cell, placement.box)
        place, size = self._inner(cell, placement.box)
        key = one.key, size.width(), size.height()
        if key not in self._overlays and not one.picture.isNull():
            self._overlays[key] = thumbnail(one.picture, placement, size)
        if key in self._overlays:
            painter.drawImage(place, self._overlays[key])
        score = self._scores.finished(one.run, one.request, one.image)
        if score is not None:
            badge.paint(painter, cell, f"{score:.2f}", self.palette())

    def _paint_making(self, painter: QPainter, cell: QRectF, job: QueuedJob) -> None:
        """Paint a dimmed background, the progress of the run, and how many pictures it makes."""
        placement = self._editing.placement(job.run_path)
        if placement is None:
            return
        painter.setOpacity(0.35)
        self._paint_ground(painter, cell, placement.box)
        painter.setOpacity(1)
        thick = float(em(self, 0.2))
        edge = cell.adjusted(0.5, 0.5, -0.5, -0.5)
        pen = QPen(self._ink(QPalette.ColorRole.PlaceholderText), 1)
        if job.state is not JobState.RUNNING:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(edge, 3, 3)
        done = job.share if job.state is JobState.RUNNING else 0.0
        bar = QRectF(cell.left(), cell.bottom() - thick, cell.width(), thick)
        if job.state is JobState.RUNNING:
            painter.fillRect(bar, self._ink(QPalette.ColorRole.Mid))
            painter.fillRect(QRectF(bar.topLeft(), QPointF(bar.left() + done * bar.width(), bar.bottom())),
                             self._ink(QPalette.ColorRole.Highlight))  # fmt: skip
        if (number := len(job.request.seeds)) > 1:
            painter.setPen(self._ink(QPalette.ColorRole.WindowText))
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, f"× {number}")

    def _paint_more(self, painter: QPainter) -> None:
        """Arrows where there are more than have room."""
        side, ink = float(em(self, 0.9)), self._ink(QPalette.ColorRole.PlaceholderText)
        top = (self.height() - side) / 2
        if self.shown.start > 1:
            icons.paint(painter, "previous", QRectF(self._first() - side, top, side, side), ink)
        if self.shown.stop < self.count:
            icons.paint(painter, "next", QRectF(self.width() - side, top, side, side), ink)

    def _inner(self, cell: QRectF, box: QRect) -> tuple[QRectF, QSize]:
        """The box's shape within a cell, and its size in device pixels."""
        scale = min(cell.width() / max(1, box.width()), cell.height() / max(1, box.height()))
        size = QSize(max(1, math.floor(box.width() * scale)), max(1, math.floor(box.height() * scale)))
        place = QRectF(0, 0, size.width(), size.height())
        place.moveCenter(cell.center())
        return place, size * self.devicePixelRatioF()

    def _ink(self, role: QPalette.ColorRole) -> QColor:
        return self.palette().color(role)


class CandidateBar(QFrame):
    """The strip, a description of the selected candidate, and its buttons."""

    def __init__(
        self, editing: Editing, shown: Viewer, jobs: JobsModel, scores: ClipScores, actions: ActionSet
    ) -> None:
        super().__init__()
        self.setObjectName("pane")
        self._editing, self._scores = editing, scores
        self.strip = CandidateStrip(editing, shown, jobs, scores)
        self.words = QuietLabel("Being made ", align="right")
        self.rank = actions.button("rank", self)
        self.compare = actions.button("compare", self)
        self.apply = actions.button("apply", self)
        self.discard = actions.button("discard", self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, em(self, 0.4), 0)
        row.setSpacing(em(self, 0.3))
        row.addWidget(self.strip, 1)
        row.addWidget(self.words)
        row.addSpacing(em(self, 0.6))
        for button in (self.rank, self.compare, self.apply, self.discard):
            row.addWidget(button)
        actions.reach("candidates", self.strip)
        editing.changed.connect(self.refresh)
        jobs.changed.connect(self.refresh)
        scores.changed.connect(self.refresh)
        self.refresh()

    @property
    def needed(self) -> bool:
        """Whether there is anything besides the original."""
        return self._editing.shows_artwork and self.strip.count > 1

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= em(self, ROOM_FOR_WORDS)
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if wide else Qt.ToolButtonStyle.ToolButtonIconOnly
        for button in (self.rank, self.compare, self.apply, self.discard):
            button.setToolButtonStyle(style)

    def refresh(self) -> None:
        candidates, index = self._editing.candidates, self.strip.index
        if index == ORIGINAL:
            words = "Original"
        elif 0 < index <= len(candidates):
            words = f"{index} of {len(candidates)}"
        elif index > 0:
            words = "Being made"
        else:
            words = "A step"
        self.words.setText("Original" if self._editing.comparing else words)
        self.rank.setVisible(self._scores.can_rank)


def _shrink(picture: QImage, size: QSize) -> QImage:
    ignore = Qt.AspectRatioMode.IgnoreAspectRatio
    return picture.scaled(size, ignore, Qt.TransformationMode.SmoothTransformation)
