"""What CLIP sees in the shown picture: a bar for each of the nearest concepts."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QPalette, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.guidance.clip_concepts import ClipConcepts
from app.ui.look.theme import em

MOST = 8  # bars that have room


class ConceptBars(QWidget):
    """Shows `concepts`, which sends no question while the bars are hidden. The run's own prompt is in the accent."""

    def __init__(self, concepts: ClipConcepts) -> None:
        super().__init__()
        self._concepts = concepts
        self.setAccessibleName("What CLIP sees in the shown picture")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        concepts.changed.connect(self.refresh)
        self.refresh()

    @property
    def lines(self) -> list[tuple[str, float]]:
        """Names with their cosines, nearest first."""
        seen = self._concepts.nearest
        return [] if seen is None else list(zip(seen.names, seen.cosines.tolist(), strict=True))[:MOST]

    @property
    def words(self) -> str:
        """What stands in the place of the bars, "" where there are some."""
        if self._concepts.busy:
            return "CLIP is loading: this takes seconds the first time."
        return "" if self.lines else "Shows what CLIP takes the picture for, step by step."

    def sizeHint(self) -> QSize:
        return QSize(em(self, 14), round(em(self, 1.25) * max(2, len(self.lines))))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(self, 8), self.sizeHint().height())

    def refresh(self) -> None:
        said = ", ".join(f"{name} {cosine:.2f}" for name, cosine in self.lines)
        self.setAccessibleDescription(said or self.words)
        self.updateGeometry()
        self.update()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._concepts.watched = True

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._concepts.watched = False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        lines = self.lines
        if self.words:
            painter.setPen(self._ink(QPalette.ColorRole.PlaceholderText))
            painter.drawText(self.rect(), Qt.TextFlag.TextWordWrap, self.words)
        else:
            high = self.height() / len(lines)
            top = max(cosine for _, cosine in lines)
            for k, (name, cosine) in enumerate(lines):
                self._paint_line(painter, QRectF(0, k * high, self.width(), high), name, cosine, top)
        if self.hasFocus():
            painter.setPen(self._ink(QPalette.ColorRole.Highlight))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _paint_line(self, painter: QPainter, row: QRectF, name: str, cosine: float, top: float) -> None:
        """A bar as long as the cosine's share of the best one's, the name on it, the number at the right."""
        value = f"{cosine:.2f}"
        room = row.width() - painter.fontMetrics().horizontalAdvance("−0.00") - em(self, 0.5)
        asked = name in self._concepts.prompt_names
        ground = QColor(self._ink(QPalette.ColorRole.Highlight if asked else QPalette.ColorRole.Mid))
        ground.setAlphaF(0.45 if asked else 0.6)
        share = max(0.0, cosine / top) if top > 0 else 0.0
        painter.setPen(Qt.PenStyle.NoPen)
        painter.fillRect(QRectF(row.left(), row.top() + 1, room * min(1.0, share), row.height() - 2), ground)
        painter.setPen(self._ink(QPalette.ColorRole.WindowText))
        middle = Qt.AlignmentFlag.AlignVCenter
        text = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, round(room - em(self, 0.4)))
        painter.drawText(row.adjusted(em(self, 0.3), 0, 0, 0), middle | Qt.AlignmentFlag.AlignLeft, text)
        painter.setPen(self._ink(QPalette.ColorRole.PlaceholderText))
        painter.drawText(row.adjusted(0, 0, -2, 0), middle | Qt.AlignmentFlag.AlignRight, value)

    def _ink(self, role: QPalette.ColorRole) -> QColor:
        return self.palette().color(role)
