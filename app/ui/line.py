"""Words that change often: painted without telling any layout, so that a step of a run costs a repaint and no more."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.theme import em

ALIGNMENTS = {
    "left": Qt.AlignmentFlag.AlignLeft,
    "right": Qt.AlignmentFlag.AlignRight,
    "centre": Qt.AlignmentFlag.AlignHCenter,
}


class Line(QWidget):
    """A line of plain text, muted or not; what does not fit is cut with an ellipsis and said whole in its tip.

    `sample` is the longest text it must have room for, "" for as much as the layout gives; `lines` how many it may
    wrap to.
    """

    def __init__(self, sample: str = "", muted: bool = True, lines: int = 1, align: str = "left") -> None:
        super().__init__()
        self._text = ""
        self._sample, self._lines, self._muted = sample, lines, muted
        self._align = ALIGNMENTS[align]
        across = QSizePolicy.Policy.Fixed if sample else QSizePolicy.Policy.Ignored
        self.setSizePolicy(across, QSizePolicy.Policy.Fixed)

    def text(self) -> str:
        """All of it, cut or not."""
        return self._text

    def setText(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self.setAccessibleName(text)
            self._set_tip()
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self._sample) + 4, em(self, self._lines) + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.sizeHint().width() if self._sample else 0, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._set_tip()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self._ink())
        flags = int(self._align | Qt.AlignmentFlag.AlignVCenter)
        if self._lines == 1:
            shown = self.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideRight, self.width())
        else:
            shown, flags = self._text, flags | int(Qt.TextFlag.TextWordWrap)
        painter.drawText(QRectF(self.rect()), flags, shown)
        painter.end()

    def _set_tip(self) -> None:
        room = self.width() * self._lines
        self.setToolTip(self._text if self.fontMetrics().horizontalAdvance(self._text) > room else "")

    def _ink(self) -> QColor:
        role = QPalette.ColorRole.PlaceholderText if self._muted else QPalette.ColorRole.WindowText
        return self.palette().color(role)


class Progress(QWidget):
    """How much is done, as a thin bar. QProgressBar would repaint at once, on every step."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._share = 0.0
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @property
    def share(self) -> float:
        return self._share

    def show_share(self, share: float) -> None:
        """0 … 1."""
        if share != self._share:
            self._share = share
            self.setAccessibleDescription(f"{share:.0%}")
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(em(self, 8), em(self, 0.9))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        thick = em(self, 0.2)
        bar = QRectF(0, (self.height() - thick) / 2, self.width(), thick)
        painter.setBrush(self.palette().color(QPalette.ColorRole.Mid))
        painter.drawRoundedRect(bar, thick / 2, thick / 2)
        bar.setWidth(self.width() * self._share)
        painter.setBrush(self.palette().color(QPalette.ColorRole.Highlight))
        painter.drawRoundedRect(bar, thick / 2, thick / 2)
        painter.end()
