"""Every step of the shown run in one strip: its pictures, and under them its curves. Drag scrubs."""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.core.guidance.clip_scores import ScoreCurve
from app.core.shown.timeline import StepTimeline
from app.ui.look.colours import mix
from app.ui.look.theme import em
from app.ui.shown import timeline_bands
from app.ui.shown.timeline_curves import change_top
from app.ui.shown.timeline_layout import Slots
from app.ui.widgets.picture_fit import fit_in

READING_SECONDS = 0.006  # of one paint may go into pictures not seen before; the rest come with the next paints


class Filmstrip(QWidget):
    """Paints the run of `steps`; a press, a drag, the wheel and the timeline's keys move the cursor.

    `menu_asked` carries where on the screen a menu for the shown step should open.
    """

    nothing = "Every step of a picture will stand here"  # what it says where there is no run

    menu_asked = Signal(QPoint)

    def __init__(self, steps: StepTimeline, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._steps = steps
        self._scrubbing = False
        self._scores: Callable[[], ScoreCurve | None] = lambda: None
        self._more = QTimer(self)  # pictures that one paint had no time for
        self._more.setSingleShot(True)
        self._more.timeout.connect(self.update)
        self.setAccessibleName("Steps")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._painted = 0, -1, 0.0  # steps, cursor and the curve's top as last asked to be painted
        for signal in (steps.run_changed, steps.view_changed, steps.image_changed):
            signal.connect(self.update)
        steps.steps_changed.connect(self._moved_on)
        steps.cursor_changed.connect(self._moved_on)

    @property
    def count(self) -> int:
        """Steps done and still to come."""
        run = self._steps.run
        return run.total if run else 0

    @property
    def slots(self) -> Slots:
        line = em(self)
        gutter = self.fontMetrics().horizontalAdvance(timeline_bands.WIDEST) + 0.9 * line
        return Slots(
            count=self.count,
            left=gutter,
            width=max(1.0, self.width() - gutter - 0.8 * line),
            top=0.3 * line,
            height=max(float(line), min(4.0 * line, self.height() - (4.6 if self._scores() is None else 6.0) * line)),
            least=2.2 * line,
        )

    @property
    def rows(self) -> list[QRectF]:
        """Where the curves are, one under another."""
        slots, line = self.slots, em(self)
        top = slots.top + slots.side + 0.6 * line
        count = 3 if self._scores() is None else 4
        height = min(2.0 * count * line, self.height() - 0.1 * line - top)
        return timeline_bands.rows(QRectF(slots.left, top, slots.width, height), count)

    def show_scores(self, scores: Callable[[], ScoreCurve | None]) -> None:
        """A fourth band for them while there are any; whoever has them calls update() when they change."""
        self._scores = scores
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(em(self, 40), em(self, 9))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(self, 16), em(self, 6.5))

    # what a person does

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._steps.step_count:
            self._scrubbing = True
            self._scrub(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._scrubbing:
            self._scrub(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._scrubbing = False

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._scrubbing = False
        super().focusOutEvent(event)  # repaints, as focusInEvent does

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """For the step under the pointer, which is selected first; by the menu key for the one that is."""
        if self._steps.step_count == 0:
            return
        if event.reason() == QContextMenuEvent.Reason.Mouse:
            self._scrub(QPointF(event.pos()))
            self.menu_asked.emit(event.globalPos())
        else:
            cell = self.cell_rect(self._steps.cursor)
            self.menu_asked.emit(self.mapToGlobal(cell.bottomLeft()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y()
        if notches:
            self._steps.step_by(-1 if notches > 0 else 1)
        event.accept()

    def _scrub(self, at: QPointF) -> None:
        self._steps.scrub(self.slots.index(at.x()))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._tip(self.slots.index(event.pos().x())), self)
            return True
        return super().event(event)

    def _tip(self, k: int) -> str:
        run = self._steps.run
        if run is None or not 0 <= k < self.count:
            return ""
        if k >= len(run.steps):
            return f"Step {k + 1} of {self.count}: still to come"
        step, (_, moved, calls) = run.steps[k], timeline_bands.bands(run, k)
        said = [f"Step {k + 1} of {self.count}", f"σ {step.s:.4g} → {step.s2:.4g}"]
        if moved.value:
            said.append(f"Δx̂₀ {moved.value}")
        done, total = calls.value.split("/")
        said.append(f"model call {done} of {total}")
        scores = self._scores()
        if scores is not None and (value := timeline_bands.score_band(scores, k).value):
            raw = dict(scores.raw).get(k)
            said.append(f"CLIP score {value}" + ("" if raw is None else f", without guides {raw:.3f}"))
        if k < run.inherited:
            said.append("before the fork")
        return ", ".join(said)

    # painting

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.update()

    def _moved_on(self) -> None:
        """More steps, or another one selected: paint what that touches, which in a long run is little."""
        run, k = self._steps.run, self._steps.cursor
        if run is None:
            self.update()
            return
        self.setAccessibleDescription(self._tip(k) if k >= 0 else "")
        steps, cursor, top = self._painted
        self._painted = len(run.steps), k, change_top(run.steps)
        if self._painted[2] != top or len(run.steps) < steps:
            self.update()
            return
        slots = self.slots
        for column in {cursor, k, *range(max(0, steps - 1), len(run.steps))}:
            if column >= 0:
                self.update(slots.column(column).toAlignedRect().adjusted(-4, 0, 4, self.height()))
        for step in range(max(1, steps), len(run.steps)):  # the curves' way to it
            span = QRectF(slots.centre(step - 1), 0, slots.pitch, self.height())
            self.update(span.toAlignedRect().adjusted(-4, round(slots.top + slots.side), 4, 0))
        self.update(QRect(0, 0, math.ceil(slots.left), self.height()))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._steps.run is None:
            painter.setPen(self._ink(QPalette.ColorRole.PlaceholderText))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.nothing)
        else:
            slots = self.slots
            self._paint_cells(painter, slots, QRectF(event.rect()))
            self._paint_curves(painter, slots)
            self._paint_fork(painter, slots)
            self._paint_cursor(painter, slots)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(self._ink(QPalette.ColorRole.Highlight))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _paint_cells(self, painter: QPainter, slots: Slots, dirty: QRectF) -> None:
        done, read = self._steps.step_count, 0.0  # drawing does not count: on a busy machine nothing would be read
        empty = mix(self._ink(QPalette.ColorRole.Window), self._ink(QPalette.ColorRole.Mid), 0.35)
        for k in slots.pictured():
            cell = slots.cell(k)
            if not cell.intersects(dirty):
                continue
            picture = QImage()
            if k < done and read < READING_SECONDS:
                began = perf_counter()
                picture = self._picture(k, slots.side)
                read += perf_counter() - began
            elif k < done:
                self._more.start(0)
            if picture.isNull():
                painter.fillRect(cell, empty)
            else:
                place = fit_in(cell, picture)
                painter.drawImage(place, picture)
                self._frame(painter, place)

    def _frame(self, painter: QPainter, cell: QRectF) -> None:
        """A hairline, without which a white picture has no edge on a light panel."""
        painter.setPen(QPen(self._ink(QPalette.ColorRole.Mid), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(cell.adjusted(0.5, 0.5, -0.5, -0.5))

    def _paint_cursor(self, painter: QPainter, slots: Slots) -> None:
        k = self._steps.cursor
        if not 0 <= k < self._steps.step_count:
            return
        accent = self._ink(QPalette.ColorRole.Highlight)
        cell = slots.current(k)
        painter.setPen(QPen(accent, 1))
        top, bottom = cell.bottom() + 2, float(self.height()) - 0.3 * em(self)
        painter.drawLine(QPointF(slots.centre(k), top), QPointF(slots.centre(k), bottom))
        if slots.stride > 1:
            picture = self._picture(k, slots.side)
            if not picture.isNull():
                painter.fillRect(cell, self._ink(QPalette.ColorRole.Window))
                painter.drawImage(fit_in(cell, picture), picture)
        painter.setPen(QPen(accent, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(cell.adjusted(-1, -1, 1, 1), 3, 3)

    def _paint_curves(self, painter: QPainter, slots: Slots) -> None:
        run, k = self._steps.run, self._steps.cursor
        if run is None:
            return
        scores = self._scores()
        drawn = [*timeline_bands.bands(run, k), *([] if scores is None else [timeline_bands.score_band(scores, k)])]
        timeline_bands.paint(painter, drawn, len(run.steps), k, slots, self.rows, self.palette())
        at = f"{k + 1}/{self.count}" if 0 <= k < len(run.steps) else f"–/{self.count}"
        beside = QRectF(0, slots.top, slots.left, slots.side)
        ink = self._ink(QPalette.ColorRole.PlaceholderText)
        timeline_bands.paint_label(painter, self._steps.unit, at, beside, ink, self.palette())

    def _paint_fork(self, painter: QPainter, slots: Slots) -> None:
        """A dashed line where the shown run left its parent's way."""
        run = self._steps.run
        if run is None or not run.inherited:
            return
        x = slots.left + run.inherited * slots.pitch
        painter.setPen(QPen(self._ink(QPalette.ColorRole.PlaceholderText), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, 0), QPointF(x, self.height() - 0.3 * em(self)))

    def _picture(self, k: int, side: float) -> QImage:
        return self._steps.thumbnail(k, math.ceil(side * self.devicePixelRatioF()))

    def _ink(self, role: QPalette.ColorRole) -> QColor:
        return self.palette().color(role)

    def cell_rect(self, k: int) -> QRect:
        """Where step k is drawn, in the widget."""
        return self.slots.cell(k).toAlignedRect()
