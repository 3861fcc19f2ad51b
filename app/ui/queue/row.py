"""A row of the queue: a picture or the sign of its kind, the prompt, a line on its state, and its progress."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPalette, QPen
from PySide6.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.core.jobs.queue import JobState, QueuedJob
from app.core.jobs.queue_model import ABOUT, JOB, LIVE, PICTURE, SHARE, kind_of
from app.core.models.thumbnails import Thumbnails
from app.ui.look import icons

HIGH = 3.1  # line heights
Role = QPalette.ColorRole


class QueueRow(QStyledItemDelegate):
    """Paints the roles of app.core.jobs.queue_model; every row has the same height."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, round(option.fontMetrics.height() * HIGH))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        palette, line = QApplication.palette(), option.fontMetrics.height()
        job: QueuedJob = index.data(JOB)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        frame = QRectF(option.rect).adjusted(1.5, 0.5, -1.5, -0.5)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(palette.color(Role.Highlight), 1.5))
            painter.setBrush(palette.color(Role.Button))
            painter.drawRoundedRect(frame, line / 3, line / 3)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.color(Role.Midlight))
            painter.drawRoundedRect(frame, line / 3, line / 3)
        edge = line * 0.35
        side = frame.height() - 2 * edge
        square = QRectF(frame.left() + edge, frame.top() + edge, side, side)
        self._paint_picture(painter, square, job, index)
        left, right = round(square.right() + line * 0.6), round(frame.right() - line * 0.5)
        words = QRect(left, round(frame.top() + line * 0.35), right - left, round(line * 2.2))
        muted = palette.color(Role.PlaceholderText)
        waits = job.state in (JobState.QUEUED, JobState.RUNNING)
        elide, ends = option.fontMetrics.elidedText, Qt.TextElideMode.ElideRight
        painter.setFont(option.font)
        painter.setPen(palette.color(Role.Text) if waits or job.images else muted)
        painter.drawText(words, Qt.AlignmentFlag.AlignTop, elide(str(index.data()), ends, words.width()))
        painter.setPen(palette.color(Role.BrightText) if job.state is JobState.FAILED else muted)
        painter.drawText(words, Qt.AlignmentFlag.AlignBottom, elide(index.data(ABOUT), ends, words.width()))
        if (share := index.data(SHARE)) is not None:
            self._paint_share(painter, QRectF(left, frame.bottom() - line * 0.36, right - left, line * 0.14), share)
        painter.restore()

    def _paint_picture(
        self, painter: QPainter, square: QRectF, job: QueuedJob, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint the first picture, the newest preview, or the sign of the kind where there is neither."""
        palette, radius = QApplication.palette(), square.height() / 7
        file, image = index.data(PICTURE), index.data(LIVE)
        image = (self._thumbnails.of(file) if file is not None else None) or image
        outline = QPainterPath()
        outline.addRoundedRect(square, radius, radius)
        painter.save()
        if image is None:
            painter.fillPath(outline, palette.color(Role.Button))
            inset = square.height() / 4
            ink = palette.color(Role.PlaceholderText)
            signs = {JobState.PAUSED: "pause", JobState.FAILED: "alarm"}
            inner = square.adjusted(inset, inset, -inset, -inset)
            icons.paint(painter, signs.get(job.state) or kind_of(job), inner, ink)
        else:
            painter.setClipPath(outline)
            painter.drawImage(square, image, _middle(image))
            if job.state is JobState.PAUSED:
                painter.fillRect(square, palette.color(Role.Shadow))
        painter.restore()

    @staticmethod
    def _paint_share(painter: QPainter, bar: QRectF, share: float) -> None:
        palette, round_ends = QApplication.palette(), bar.height() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.color(Role.Mid))
        painter.drawRoundedRect(bar, round_ends, round_ends)
        bar.setWidth(bar.width() * share)
        painter.setBrush(palette.color(Role.Highlight))
        painter.drawRoundedRect(bar, round_ends, round_ends)


def _middle(image: QImage) -> QRectF:
    """The square in the middle of a picture."""
    side = min(image.width(), image.height())
    return QRectF((image.width() - side) / 2, (image.height() - side) / 2, side, side)
