"""What the colours of the map mean."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.flow.regions import Regions
from app.core.shown.render import from_rgb
from app.ui.flow.heat_colours import heat
from app.ui.look.theme import em


class Legend(QWidget):
    """The map's scale, its ends in bits a pixel."""

    def __init__(self) -> None:
        super().__init__()
        self._ends = ("", "")
        self._bar = from_rgb(heat(np.linspace(0, 1, 256)[None]))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_regions(self, regions: Regions) -> None:
        low, high = regions.ends
        self._ends = f"{low:.2f}", f"{high:.2f} bits a pixel"
        self.setAccessibleName(f"Scale of the map: from {self._ends[0]} to {self._ends[1]}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(em(self, 12), em(self, 1.9))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, line = QPainter(self), em(self)
        bar = QRectF(0, 0, self.width(), 0.6 * line)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(bar, self._bar)
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        below = QRectF(0, 0.75 * line, self.width(), 1.1 * line)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignLeft), self._ends[0])
        painter.drawText(below, int(Qt.AlignmentFlag.AlignRight), self._ends[1])
        painter.end()
