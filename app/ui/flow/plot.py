"""A small plot: curves over one axis, its ends named, and a reading of the point under the pointer or the keys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.look.theme import em

Role = QPalette.ColorRole
KEYS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


@dataclass(frozen=True, slots=True)
class PlotCurve:
    """Points from left to right, as (x, y) in the plot's units, and what is said of each.

    words    -- one line for each point: what a hover or the arrow keys read out
    logarithmic, descending -- of x: noise levels run from much noise on the left to little on the right
    x_ends, y_ends -- what the ends of the axes are called; left, right and bottom, top
    area     -- fill what lies under it
    """

    points: Sequence[tuple[float, float]]
    words: Sequence[str]
    x_ends: tuple[str, str]
    y_ends: tuple[str, str]
    x_title: str = ""
    logarithmic: bool = False
    descending: bool = False
    area: bool = True


class CurvePlot(QWidget):
    """Shows one Curve. Focused, ← and → move the reading from point to point."""

    read = Signal(str)  # the sentence on the point under the pointer; "" for none

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._curve: PlotCurve | None = None
        self._ends, self._top = (0.0, 1.0), 0.0  # of x, and of y from 0
        self._at: int | None = None  # the point under the pointer
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)

    @property
    def curve(self) -> PlotCurve | None:
        return self._curve

    @property
    def reading(self) -> str:
        """The sentence on the point under the pointer; "" for none."""
        return "" if self._curve is None or self._at is None else self._curve.words[self._at]

    def show_curve(self, curve: PlotCurve | None, about: str = "") -> None:
        """`about` is the whole of it in one sentence, for who cannot see it."""
        if curve == self._curve:
            return
        self._curve = curve
        if curve is not None and curve.points:
            across = [_axis_value(x, curve) for x, _ in curve.points]
            self._ends, self._top = (min(across), max(across)), max(y for _, y in curve.points)
        if self._at is not None and (curve is None or self._at >= len(curve.points)):
            self._read(None)
        self.setAccessibleDescription(about)
        self.update()

    def place(self, k: int) -> QPointF:
        """Where point `k` is painted."""
        assert self._curve is not None
        x, y = self._curve.points[k]
        area = self._area()
        return QPointF(area.left() + self._across(x) * area.width(), area.bottom() - self._up(y) * area.height())

    # events

    def sizeHint(self) -> QSize:
        return QSize(em(self, 12), em(self, 6.2))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        curve = self._curve
        if curve is not None and curve.points:
            x = event.position().x()
            self._read(min(range(len(curve.points)), key=lambda k: abs(self.place(k).x() - x)))

    def leaveEvent(self, event: QEvent) -> None:
        self._read(None)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._read(None)
        super().focusOutEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusInEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        by = KEYS.get(Qt.Key(event.key()))
        if by is None or self._curve is None or not self._curve.points:
            super().keyPressEvent(event)
            return
        last = len(self._curve.points) - 1
        first = 0 if by > 0 else last
        self._read(first if self._at is None else min(max(self._at + by, 0), last))

    def _read(self, at: int | None) -> None:
        if at != self._at:
            self._at = at
            self.update()
            self.read.emit(self.reading)

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area, palette = self._area(), self.palette()
        painter.setPen(QPen(palette.color(Role.Mid), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.drawLine(area.topLeft(), area.topRight())
        curve = self._curve
        if curve is not None and curve.points:
            self._paint_curve(painter, curve)
            self._paint_names(painter, curve)
        if self.hasFocus():
            painter.setPen(QPen(palette.color(Role.Highlight), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _paint_curve(self, painter: QPainter, curve: PlotCurve) -> None:
        accent, area = self.palette().color(Role.Highlight), self._area()
        line = [self.place(k) for k in range(len(curve.points))]
        if curve.area:
            fill = self.palette().color(Role.Highlight)
            fill.setAlphaF(0.18)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            ends = QPointF(line[0].x(), area.bottom()), QPointF(line[-1].x(), area.bottom())
            painter.drawPolygon(QPolygonF([ends[0], *line, ends[1]]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(accent, 1.8))
        painter.drawPolyline(QPolygonF(line))
        if self._at is not None:
            at = line[self._at]
            painter.setPen(QPen(self.palette().color(Role.Text), 1))
            painter.drawLine(QPointF(at.x(), area.top()), QPointF(at.x(), area.bottom()))
            painter.setBrush(accent)
            painter.drawEllipse(at, em(self, 0.18), em(self, 0.18))

    def _paint_names(self, painter: QPainter, curve: PlotCurve) -> None:
        area, line = self._area(), em(self)
        painter.setPen(self.palette().color(Role.PlaceholderText))
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        gutter = QRectF(0, 0, area.left() - 0.4 * line, line)
        for y, text in ((area.bottom(), curve.y_ends[0]), (area.top(), curve.y_ends[1])):
            gutter.moveTop(y - line / 2)
            painter.drawText(gutter, right, text)
        below = QRectF(area.left(), area.bottom() + 0.25 * line, area.width(), line)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignLeft), curve.x_ends[0])
        painter.drawText(below, int(Qt.AlignmentFlag.AlignRight), curve.x_ends[1])
        painter.drawText(below, int(Qt.AlignmentFlag.AlignHCenter), curve.x_title)

    def _area(self) -> QRectF:
        line = em(self)
        ends = self._curve.y_ends if self._curve else ("",)
        gutter = max(self.fontMetrics().horizontalAdvance(text) for text in ends) + 0.8 * line
        return QRectF(gutter, 0.7 * line, self.width() - gutter - 0.4 * line, self.height() - 2.2 * line)

    def _across(self, x: float) -> float:
        assert self._curve is not None
        low, high = self._ends
        share = (_axis_value(x, self._curve) - low) / (high - low) if high > low else 0.5
        return 1 - share if self._curve.descending else share

    def _up(self, y: float) -> float:
        return min(max(y / self._top, 0.0), 1.0) if self._top > 0 else 0.0


def _axis_value(x: float, curve: PlotCurve) -> float:
    return math.log(x) if curve.logarithmic else x
