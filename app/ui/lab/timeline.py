"""The lab's timeline: the same strip as the pictures', with a noise level in each cell."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QPalette
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.core.lab.lab_model import Lab
from app.ui.actions.action_set import ActionSet
from app.ui.lab.plane_painter import PlanePainter
from app.ui.look.theme import em
from app.ui.shown.filmstrip import Filmstrip
from app.ui.widgets.quiet_label import QuietLabel

MOVES = "first", "previous", "play", "next", "last"


class LevelStrip(Filmstrip):
    """A small plane in each cell: the law there and, after a run, the particles."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self._lab = lab
        self._small: dict[int, tuple[tuple[object, ...], QImage]] = {}  # a cell's picture, and the state it shows
        self.setAccessibleName("Noise levels")
        for signal in (lab.field_changed, lab.states_changed, lab.layers_changed):
            signal.connect(self.update)

    def _tip(self, k: int) -> str:
        levels = self._lab.levels
        return f"Level {k + 1} of {len(levels)}: σ {levels[k]:.4g}" if 0 <= k < len(levels) else ""

    def _picture(self, k: int, side: float) -> QImage:
        """Repaint a cell only if it changed."""
        lab, size = self._lab, math.ceil(side * self.devicePixelRatioF())
        palette = self.palette()
        field, states, look = (
            lab.field_at(k),
            lab.track.states(k),
            (size, palette.color(QPalette.ColorRole.Dark).name()),
        )
        shows = field, states, look
        known = self._small.get(k)
        if known is None or known[0][0] is not field or known[0][1] is not states or known[0][2] != look:
            image = QImage(size, size, QImage.Format.Format_RGB32)
            painter = QPainter(image)
            PlanePainter(painter, QRectF(0, 0, size, size), lab, palette, k).paint_small(field)
            painter.end()
            self._small[k] = known = shows, image
        return known[1]


class LabTimeline(QWidget):
    """The strip with its buttons, which are those of the pictures' timeline, and how far off the run is."""

    def __init__(self, lab: Lab, actions: ActionSet) -> None:
        super().__init__()
        self._lab = lab
        self.setAccessibleName("Timeline of the lab")
        self.strip = LevelStrip(lab)
        self.off_flow = QuietLabel(align="right")
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(0)
        for name in MOVES:
            head.addWidget(actions.button(name, self))
        head.addSpacing(em(self, 0.5))
        head.addWidget(self.off_flow, 1)
        column = QVBoxLayout(self)
        side = em(self, 0.6)
        column.setContentsMargins(side, em(self, 0.45), side, em(self, 0.2))
        column.setSpacing(em(self, 0.3))
        column.addLayout(head)
        column.addWidget(self.strip, 1)
        for signal in (lab.cursor_changed, lab.states_changed):
            signal.connect(self.refresh)
        for name in MOVES:
            self.strip.addAction(actions[name])
        actions.reach("lab", self.strip)
        self.refresh()

    def refresh(self) -> None:
        off = self._lab.track.off_flow(self._lab.cursor)
        self.off_flow.setText("" if off is None else f"RMS from the exact flow {off:.3g}")
