"""The result of the coverage measurement: a curve over σ, and how each way to lead chains fared."""

from __future__ import annotations

import math
from functools import partial

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.core.lab.lab_model import Lab
from app.ui.look.theme import em
from app.ui.widgets.label import paragraph

WHY = (
    "A score can be learned only where training data are. Clean data fill little of the plane; noised data fill more, "
    "and with the most noise all of it."
)


class CoverageCard(QWidget):
    """Listens to the lab's coverage; a click on an outcome shows where its chains ended."""

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self._lab = lab
        self.why = paragraph(WHY)
        self.curve = ShareCurve(lab)
        self.outcomes: list[QPushButton] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(em(self, 0.3))
        self._column.addWidget(self.why)
        self._column.addWidget(self.curve)
        lab.coverage_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        found = self._lab.coverage
        self.curve.setVisible(found is not None)
        self.curve.refresh()
        count = len(found.outcomes) if found else 0
        while len(self.outcomes) < count:
            button = QPushButton()
            button.setProperty("kind", "row")
            button.setCheckable(True)
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.clicked.connect(partial(self._choose, len(self.outcomes)))
            self.outcomes.append(button)
            self._column.addWidget(button)
        for k, button in enumerate(self.outcomes):
            button.setVisible(k < count)
            if found is None or k >= count:
                continue
            outcome = found.outcomes[k]
            off = f", weights off {outcome.total_variation(found.truth):.2f}" if len(found.truth) > 1 else ""
            button.setText(f"{outcome.name}\n{100 * outcome.landed:.0f} % arrive{off}")
            button.setAccessibleName(button.text().replace("\n", ": "))
            button.setToolTip("Show where these chains ended. Weights: total variation from those of the data, 0 to 1")
            button.setChecked(k == self._lab.outcome)

    def _choose(self, k: int) -> None:
        self._lab.outcome = k
        self._lab.end()
        self.refresh()


class ShareCurve(QWidget):
    """The share of the plane near training data, over log σ."""

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self._lab = lab
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        lab.cursor_changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(em(self, 12), em(self, 5))

    def paintEvent(self, event: QPaintEvent) -> None:
        found = self._lab.coverage
        if found is None:
            return
        line = em(self)
        area = QRectF(3.4 * line, 0.5 * line, self.width() - 3.6 * line, self.height() - 1.9 * line)
        low, high = math.log(found.levels[-1]), math.log(found.levels[0])
        palette, painter = self.palette(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Mid), 1))
        for y in (area.top(), area.bottom()):
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        points = [
            QPointF(area.left() + (high - math.log(s)) / (high - low) * area.width(), area.bottom() - p * area.height())
            for s, p in zip(found.levels, found.shares, strict=True)
        ]
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 1.8))
        painter.drawPolyline(QPolygonF(points))
        if self._lab.sigma > 0 and low <= math.log(self._lab.sigma) <= high:
            x = area.left() + (high - math.log(self._lab.sigma)) / (high - low) * area.width()
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Text), 1))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        gutter = QRectF(0, 0, area.left() - 0.4 * line, line)
        for y, text in ((area.top(), "100 %"), (area.bottom(), "0")):
            gutter.moveTop(y - line / 2)
            painter.drawText(gutter, int(right), text)
        below = QRectF(area.left(), area.bottom() + 0.3 * line, area.width(), line)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignLeft), f"σ {found.levels[0]:g}")
        painter.drawText(below, int(Qt.AlignmentFlag.AlignRight), f"σ {found.levels[-1]:g}")
        painter.drawText(below, int(Qt.AlignmentFlag.AlignHCenter), "of the plane")
        painter.end()

    def refresh(self) -> None:
        """Describe the picture to a screen reader."""
        found = self._lab.coverage
        self.update()
        if found is None:
            return
        self.setAccessibleName(
            f"{100 * found.shares[0]:.0f} % of the plane is near training data at σ {found.levels[0]:g}, "
            f"{100 * found.shares[-1]:.0f} % at σ {found.levels[-1]:g}"
        )
