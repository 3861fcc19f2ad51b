"""A sweep as a plot: score upwards, cost sideways, a thumbnail at each point, the Pareto front joined."""

from __future__ import annotations

import math
from itertools import pairwise

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.core.guidance.sweep import CLEAN, GuidanceSweep, SweptPoint, pareto_front, place
from app.core.shown.render import from_rgb
from app.ui.canvas import badge
from app.ui.look.theme import em

STRAIN = "Strain: how far from what the model draws by itself"
DIVERSITY = "Diversity: how unlike the pictures are"


class ParetoPlot(QWidget):
    """Listens to `sweep`. A click takes a point's settings (`used`), ←/→ only look at it, and Enter takes them."""

    used = Signal()

    def __init__(self, sweep: GuidanceSweep) -> None:
        super().__init__()
        self._sweep = sweep
        self._by_diversity = True
        self._pictures: dict[int, QImage] = {}
        self.setAccessibleName("Score against cost")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        sweep.changed.connect(self.refresh)
        self.refresh()

    @property
    def by_diversity(self) -> bool:
        return self._by_diversity

    @by_diversity.setter
    def by_diversity(self, by_diversity: bool) -> None:
        if by_diversity != self._by_diversity:
            self._by_diversity = by_diversity
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(em(self, 36), em(self, 18))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(self, 20), em(self, 11))

    def refresh(self) -> None:
        kept = {id(one) for one in self._sweep.swept}
        self._pictures = {key: image for key, image in self._pictures.items() if key in kept}
        chosen = self._sweep.chosen
        self.setAccessibleDescription("" if chosen is None else describe_point(chosen))
        self.update()

    # where things are

    @property
    def placed(self) -> list[SweptPoint]:
        """The points that have a place: one picture alone has no diversity."""
        return [one for one in self._sweep.swept if all(map(math.isfinite, place(one, self._by_diversity)))]

    def at(self, one: SweptPoint) -> QPointF:
        """Where a point is drawn."""
        area, (x, y) = self._area, place(one, self._by_diversity)
        (left, right), (low, high) = self._range(0), self._range(1)
        return QPointF(
            area.left() + (x - left) / (right - left) * area.width(),
            area.bottom() - (y - low) / (high - low) * area.height(),
        )

    def cell(self, one: SweptPoint) -> QRectF:
        """The thumbnail of a point, over it."""
        side = float(em(self, 2.6))
        at = self.at(one)
        left = min(max(0.0, at.x() - side / 2), self.width() - side)
        return QRectF(left, max(0.0, at.y() - side - em(self, 0.4)), side, side)

    @property
    def _area(self) -> QRectF:
        line = em(self)
        gutter = self.fontMetrics().horizontalAdvance("−0.000") + 0.8 * line
        return QRectF(gutter, 3.4 * line, self.width() - gutter - 1.6 * line, max(10.0, self.height() - 6.4 * line))

    def _range(self, axis: int) -> tuple[float, float]:
        values = [place(one, self._by_diversity)[axis] for one in self.placed] or [0.0, 1.0]
        low, high = min(values), max(values)
        margin = 0.06 * (high - low) or max(1e-3, 0.05 * abs(high))
        return low - margin, high + margin

    def _under(self, at: QPointF) -> SweptPoint | None:
        """The point whose thumbnail or dot is under the pointer; of several the one on top."""
        for one in reversed(self._stack()):
            dot = self.at(one) - at
            if self.cell(one).contains(at) or math.hypot(dot.x(), dot.y()) < em(self, 0.6):
                return one
        return None

    def _stack(self) -> list[SweptPoint]:
        """The points in painting order: the one under the pointer last, so on top."""
        chosen = self._sweep.chosen
        return sorted(self.placed, key=lambda one: one is chosen)

    # mouse and keyboard

    def mousePressEvent(self, event: QMouseEvent) -> None:
        one = self._under(event.position())
        if one is not None:
            self._sweep.chosen = one
            self.used.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(key)
        order = self._sweep.swept
        if step is not None and order:
            chosen = self._sweep.chosen
            n = order.index(chosen) + step if chosen in order else 0
            self._sweep.chosen = order[max(0, min(n, len(order) - 1))]
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._sweep.chosen is not None:
            self.used.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            one = self._under(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), "" if one is None else describe_point(one), self)
            return True
        return super().event(event)

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), self._ink(QPalette.ColorRole.Dark))
        if not self.placed:
            painter.setPen(self._ink(QPalette.ColorRole.PlaceholderText))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._words)
        else:
            self._paint_axes(painter)
            self._paint_fronts(painter)
            for one in self._stack():
                self._paint_point(painter, one)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(self._ink(QPalette.ColorRole.Highlight))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    @property
    def _words(self) -> str:
        if self._sweep.swept:
            return "One picture alone has no diversity: take more of them"
        return "The first pictures are being made …" if self._sweep.running else "Each strength will be a point here"

    def _paint_axes(self, painter: QPainter) -> None:
        area, line = self._area, float(em(self))
        frame = QRectF(area.left() - 0.5 * line, 0.4 * line, area.width() + 1.4 * line, area.bottom())
        frame.setBottom(area.bottom() + 0.6 * line)
        painter.setPen(QPen(self._ink(QPalette.ColorRole.Mid), 1))
        painter.drawLine(frame.bottomLeft(), frame.bottomRight())
        painter.drawLine(frame.topLeft(), frame.bottomLeft())
        painter.setPen(self._ink(QPalette.ColorRole.PlaceholderText))
        (left, right), (low, high) = self._range(0), self._range(1)
        for share in (0.0, 0.5, 1.0):
            y = area.bottom() - share * area.height()
            cell = QRectF(0, y - line, frame.left() - 0.3 * line, 2 * line)
            painter.drawText(
                cell, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{low + share * (high - low):.3f}"
            )
            x = area.left() + share * area.width()
            cell = QRectF(x - 3 * line, frame.bottom() + 0.2 * line, 6 * line, 1.2 * line)
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, f"{left + share * (right - left):.3f}")
        foot = QRectF(area.left(), frame.bottom() + 1.3 * line, area.width(), 1.2 * line)
        painter.drawText(foot, Qt.AlignmentFlag.AlignCenter, DIVERSITY if self._by_diversity else STRAIN)
        painter.drawText(QPointF(frame.left() + 0.4 * line, frame.top() + 0.8 * line), "CLIP score")

    def _paint_fronts(self, painter: QPainter) -> None:
        """Paint the path from strength to strength as a hairline, and the Pareto front over it."""
        for series in dict.fromkeys(one.series for one in self.placed):
            way = [self.at(one) for one in self.placed if one.series == series]
            painter.setPen(QPen(self._ink(QPalette.ColorRole.Mid), 1))
            for a, b in pairwise(way):
                painter.drawLine(a, b)
            points = [self.at(one) for one in pareto_front(self.placed, series, self._by_diversity)]
            style = Qt.PenStyle.DashLine if series == CLEAN else Qt.PenStyle.SolidLine
            painter.setPen(QPen(self._ink(QPalette.ColorRole.Highlight), 1.4, style))
            for a, b in pairwise(points):
                painter.drawLine(a, b)

    def _paint_point(self, painter: QPainter, one: SweptPoint) -> None:
        accent = self._ink(QPalette.ColorRole.Highlight)
        at, cell, radius = self.at(one), self.cell(one), 0.28 * em(self)
        painter.setPen(QPen(accent, 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush if one.series == CLEAN else accent)
        painter.drawEllipse(at, radius, radius)
        painter.drawImage(cell, self._picture(one))
        chosen = one is self._sweep.chosen
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(accent if chosen else self._ink(QPalette.ColorRole.Mid), 2 if chosen else 1))
        painter.drawRect(cell.adjusted(-0.5, -0.5, 0.5, 0.5))
        badge.paint(painter, cell, f"{one.point.value:g}", self.palette())

    def _picture(self, one: SweptPoint) -> QImage:
        if id(one) not in self._pictures:
            self._pictures[id(one)] = from_rgb(one.point.rgb[0])
        return self._pictures[id(one)]

    def _ink(self, role: QPalette.ColorRole) -> QColor:
        return self.palette().color(role)


def describe_point(one: SweptPoint) -> str:
    """A point in words."""
    point = one.point
    words = f"{point.value:g}{', ' if one.series else ''}{one.series}"
    words += f": CLIP score {point.score:.3f}, strain {point.strain:.3f}"
    return words if math.isnan(point.diversity) else f"{words}, diversity {point.diversity:.3f}"
