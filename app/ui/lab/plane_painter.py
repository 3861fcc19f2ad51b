"""The plane as a picture: on the screen, in the timeline's cells and in saved files alike."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QImage, QPainter, QPainterPath, QPalette, QPen, QPolygonF

from app.core.lab.lab_model import Lab
from app.ui.look.colours import mix
from engine.jobs.lab import Field, Points

Role = QPalette.ColorRole
WALKERS = 60  # chains whose trails are drawn


class PlanePainter:
    """Paints the lab's plane into the square `frame`, at level `k`."""

    def __init__(self, painter: QPainter, frame: QRectF, lab: Lab, palette: QPalette, k: int) -> None:
        self.painter, self.frame, self.lab, self.palette, self.k = painter, frame, lab, palette, k
        self.half = lab.half(k)
        self.unit = frame.width() / 100  # of line widths, so that a saved picture looks like the screen's
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)

    def paint(self, field: Field | None) -> None:
        """All the layers that are switched on."""
        lab, painter = self.lab, self.painter
        painter.save()
        painter.setClipRect(self.frame)
        painter.fillRect(self.frame, self._ink(Role.Dark))
        if field is not None:
            if lab.shows("density"):
                self._density(field)
            if lab.shows("seen"):
                self._seen(field)
            if lab.shows("score"):
                self._arrows(field)
        if lab.shows("flow") and (flow := lab.track.flow(self.k)) is not None:
            self._lines(flow, QPen(self._ink(Role.BrightText, 0.75), 0.32 * self.unit))
        if lab.shows("paths") and (paths := lab.track.paths(self.k)) is not None:
            self._lines(paths, QPen(self._ink(Role.Text, 0.55), 0.16 * self.unit))
        if lab.shows("estimates") and (x0 := lab.track.estimates(self.k)) is not None:
            self._dots(x0, self._ink(Role.BrightText), 0.8)
        if lab.shows("particles"):
            self._particles()
        if lab.drawing:
            self._dots(np.array(lab.drawn, np.float32).reshape(-1, 2), self._ink(Role.Highlight), 0.9)
        self._outcome()
        painter.restore()
        painter.setPen(QPen(self._ink(Role.Mid), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(self.frame)
        self._legend()

    def paint_small(self, field: Field | None) -> None:
        """What of it can be seen in a cell of the timeline."""
        self.painter.save()
        self.painter.setClipRect(self.frame)
        self.painter.fillRect(self.frame, self._ink(Role.Dark))
        if field is not None:
            self._density(field)
        if (x := self.lab.track.states(self.k)) is not None:
            self._dots(x[:120], self._ink(Role.Text), 3.2)
        self.painter.restore()

    # the layers

    def _density(self, field: Field) -> None:
        n = field.shade.shape[0]
        image = QImage(field.shade.data, n, n, n, QImage.Format.Format_Indexed8)
        image.setColorTable(_shades(self._ink(Role.Dark).name(), self._ink(Role.Highlight).name()))
        self.painter.drawImage(self._around(field.view.half), image.convertToFormat(QImage.Format.Format_RGB32))

    def _seen(self, field: Field) -> None:
        """Hatching where no training data are near, and the data themselves."""
        if field.seen is None or field.samples is None:
            return
        n, area = field.seen.shape[0], self._around(field.view.half)
        side = area.width() / n
        hidden = QPainterPath()
        for row in range(n):
            edges = np.flatnonzero(np.diff(np.concatenate([[0], ~field.seen[row], [0]])))
            for first, last in edges.reshape(-1, 2):
                hidden.addRect(area.left() + first * side, area.top() + row * side, (last - first) * side, side)
        self.painter.fillPath(hidden, QBrush(self._ink(Role.PlaceholderText, 0.55), Qt.BrushStyle.BDiagPattern))
        self._dots(field.samples, self._ink(Role.PlaceholderText), 0.6)

    def _arrows(self, field: Field) -> None:
        """Along the score, as long as the cell at most; the length saturates, since far from the data it has no end."""
        arrows, area = field.arrows.astype(np.float64), self._around(field.view.half)
        n = arrows.shape[0]
        cell = area.width() / n
        length = np.linalg.norm(arrows, axis=2, keepdims=True)
        along = arrows / np.maximum(length, 1e-9) * (0.85 * cell * length / (length + 0.7)) * [1, -1]  # pixels, y down
        at = cell * (np.arange(n) + 0.5)
        centre = np.stack(np.broadcast_arrays(area.left() + at, (area.bottom() - at)[:, None]), -1)
        across = along[..., ::-1] * [-1, 1]
        tip = centre + along / 2
        ends = [tip - along, *(tip - 0.3 * along + side * across for side in (0.21, -0.21))]
        lines = np.stack([np.concatenate([end, tip], -1) for end in ends], 2)
        seen = np.linalg.norm(along, axis=2) >= 1  # pixel
        self.painter.setPen(QPen(self._ink(Role.Text, 0.5), max(1.0, 0.13 * self.unit)))
        self.painter.drawLines([QLineF(*line) for line in lines[seen].reshape(-1, 4).tolist()])

    def _particles(self) -> None:
        chains = self.lab.chains
        if not chains:
            if (x := self.lab.track.states(self.k)) is not None:
                self._dots(x, self._ink(Role.Text), 0.9)
            return
        trails = np.stack([frame[:WALKERS] for frame in chains]) / self.half
        for age in range(1, len(trails)):
            pen = QPen(self._ink(Role.Text, 0.6 * age / len(trails)), 0.2 * self.unit)
            self.painter.setPen(pen)
            ends = self._pixels(trails[age - 1]), self._pixels(trails[age])
            self.painter.drawLines([QLineF(QPointF(*a), QPointF(*b)) for a, b in zip(*ends, strict=True)])
        self._dots(chains[-1], self._ink(Role.Text), 0.9)

    def _outcome(self) -> None:
        """Where the chains of the coverage ended."""
        found = self.lab.coverage
        if found is not None and self.lab.shows("seen") and not self.lab.chains:
            self._dots(found.outcomes[self.lab.outcome].ends, self._ink(Role.BrightText), 1.1)

    def _legend(self) -> None:
        """Which line is whose, where there are two kinds."""
        lab, unit = self.lab, self.unit
        if not (lab.shows("flow") and lab.shows("paths")) or lab.track.flow(self.k) is None or self.k == 0:
            return
        font = QFont(self.painter.font())
        font.setPixelSize(max(9, round(2.3 * unit)))
        self.painter.setFont(font)
        left, below = self.frame.left() + 2 * unit, self.frame.bottom() - 2 * unit
        ground = QRectF(left - unit, below - 6 * unit, 20 * unit, 7 * unit)
        self.painter.fillRect(ground, self._ink(Role.Dark, 0.85))
        for text, ink, width in (
            ("exact flow", self._ink(Role.BrightText), 0.32),
            ("sampler", self._ink(Role.Text), 0.2),
        ):
            self.painter.setPen(QPen(ink, width * unit))
            self.painter.drawLine(QPointF(left, below - 0.8 * unit), QPointF(left + 5 * unit, below - 0.8 * unit))
            self.painter.setPen(self._ink(Role.Text))
            self.painter.drawText(QPointF(left + 6 * unit, below), text)
            below -= 3.2 * unit

    # shapes

    def _lines(self, paths: NDArray[np.float32], pen: QPen) -> None:
        """paths (levels, n, 2): each level in the frame of its own σ."""
        halves = np.array([self.lab.half(j) for j in range(len(paths))], np.float32)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        self.painter.setPen(pen)
        self.painter.setBrush(Qt.BrushStyle.NoBrush)
        at = self._pixels(paths / halves[:, None, None])
        for line in range(paths.shape[1]):
            self.painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in at[:, line].tolist()]))

    def _dots(self, x: Points, colour: QColor, size: float) -> None:
        pen = QPen(colour, size * self.unit)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        self.painter.setPen(pen)
        self.painter.drawPoints(QPolygonF([QPointF(px, py) for px, py in self._pixels(x / self.half).tolist()]))

    def _pixels(self, at: NDArray[np.floating]) -> NDArray[np.float64]:
        """(…, 2) in −1 … 1 of the frame, y up, → pixels."""
        centre, radius = self.frame.center(), self.frame.width() / 2
        return np.asarray(at, np.float64) * [radius, -radius] + [centre.x(), centre.y()]

    def _around(self, half: float) -> QRectF:
        """Where a square of this half side lies: a field that was asked for in another frame stays in its place."""
        radius = self.frame.width() / 2 * half / self.half
        centre = self.frame.center()
        return QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius)

    def _ink(self, role: QPalette.ColorRole, alpha: float = 1.0) -> QColor:
        colour = QColor(self.palette.color(role))
        colour.setAlphaF(alpha)
        return colour


@lru_cache(maxsize=8)
def _shades(ground: str, accent: str) -> list[int]:
    """From nothing to the densest."""
    return [mix(ground, accent, 0.8 * level / 255).rgb() for level in range(256)]
