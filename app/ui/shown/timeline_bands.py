"""The bands under the timeline's pictures: σ, Δx̂₀, model calls and, where there is one, a score, with their values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPalette, QPen

from app.core.guidance.clip_scores import ScoreCurve
from app.core.shown.timeline import TimelineRun
from app.ui.shown.timeline_curves import Points, calls_curve, change_curve, noise_curve, score_curves
from app.ui.shown.timeline_layout import Slots

GAP = 0.16  # between bands, as a share of a band
WIDEST = "calls  3996/3996"  # the names and values beside the bands need its room


@dataclass(frozen=True, slots=True)
class Band:
    """One curve: its name, its value at the shown step ("" where it has none), the ink it is drawn in.

    beside -- a second curve on the same scale, drawn thin and dashed
    """

    name: str
    value: str
    points: Points
    ink: QPalette.ColorRole
    beside: Points | None = None


def bands(run: TimelineRun, k: int) -> tuple[Band, Band, Band]:
    """The bands of a run, with their values at step `k` of it, or none where there is no such step."""
    here = 0 <= k < len(run.steps)
    total = (run.calls[-1] if run.calls else 0) + sum(run.planned)
    moved = run.steps[k].change if here else math.nan
    role = QPalette.ColorRole
    return (
        Band("σ", f"{run.steps[k].s:.3g}" if here else "", noise_curve(run.levels), role.PlaceholderText),
        Band("Δx̂₀", f"{moved:.3f}" if math.isfinite(moved) else "", change_curve(run.steps), role.Highlight),
        Band("calls", f"{run.calls[k]}/{total}" if here else "", calls_curve(run.calls, run.planned), role.WindowText),
    )


def score_band(scores: ScoreCurve, k: int) -> Band:
    """The band of a score, with the guided one's value at step `k`."""
    guided, raw = score_curves(scores.guided, scores.raw)
    value = dict(scores.guided).get(k)
    return Band("CLIP", "" if value is None else f"{value:.3f}", guided, QPalette.ColorRole.BrightText, raw)


def rows(area: QRectF, count: int = 3) -> list[QRectF]:
    """`area` divided into the bands, with gaps between."""
    pitch = area.height() / count
    return [QRectF(area.left(), area.top() + n * pitch, area.width(), pitch * (1 - GAP)) for n in range(count)]


def paint(
    painter: QPainter, drawn: Sequence[Band], done: int, k: int, slots: Slots, places: list[QRectF], palette: QPalette
) -> None:
    """The bands in `places`, their names and values left of `slots`, a point on each at step `k`.

    What is still to come, from step `done` on, is drawn in the hairlines' ink.
    """
    hairline = palette.color(QPalette.ColorRole.Mid)
    for band, row in zip(drawn, places, strict=True):
        ink = palette.color(band.ink)
        painter.setPen(QPen(hairline, 1))
        painter.drawLine(row.bottomLeft(), row.bottomRight())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for points, colour in (
            ([point for point in band.points if point[0] >= done - 1], hairline),
            ([point for point in band.points if point[0] < done], ink),
        ):
            painter.setPen(QPen(colour, 1.4))
            painter.drawPath(_path(points, row, slots))
        if band.beside:
            painter.setPen(QPen(ink, 1, Qt.PenStyle.DotLine))
            painter.drawPath(_path(band.beside, row, slots))
        for at, height in band.points:
            if at == k < done:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(ink)
                painter.drawEllipse(_point(at, height, row, slots), 2.5, 2.5)
        paint_label(painter, band.name, band.value, QRectF(0, row.top(), slots.left, row.height()), ink, palette)


def paint_label(painter: QPainter, name: str, value: str, cell: QRectF, ink: QColor, palette: QPalette) -> None:
    """A name at the left and its value at the right of `cell`, with the margins of the strip's left column."""
    line = painter.fontMetrics().height()
    text = QRectF(0.2 * line, cell.center().y() - line, cell.width() - 0.9 * line, 2 * line)
    middle = Qt.AlignmentFlag.AlignVCenter
    painter.setPen(ink)
    painter.drawText(text, Qt.AlignmentFlag.AlignLeft | middle, name)
    painter.setPen(palette.color(QPalette.ColorRole.WindowText))
    painter.drawText(text, Qt.AlignmentFlag.AlignRight | middle, value)


def _path(points: Points, row: QRectF, slots: Slots) -> QPainterPath:
    path = QPainterPath()
    for n, (k, height) in enumerate(points):
        at = _point(k, height, row, slots)
        if n:
            path.lineTo(at)
        else:
            path.moveTo(at)
    return path


def _point(k: int, height: float, row: QRectF, slots: Slots) -> QPointF:
    return QPointF(slots.centre(k), row.bottom() - 1 - height * (row.height() - 3))
