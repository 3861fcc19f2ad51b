"""Labels whose text changes often: painted without a new layout, so that a step costs only a repaint."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QResizeEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.look.theme import em
from app.ui.widgets.plain_tip import plain_tip

ALIGNMENTS = {
    "left": Qt.AlignmentFlag.AlignLeft,
    "right": Qt.AlignmentFlag.AlignRight,
    "centre": Qt.AlignmentFlag.AlignHCenter,
}


WRAPPED = QTextOption()
WRAPPED.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)


class QuietLabel(QWidget):
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

    @property
    def lines(self) -> int:
        return self._lines

    @lines.setter
    def lines(self, lines: int) -> None:
        if lines != self._lines:
            self._lines = lines
            self._set_tip()
            self.updateGeometry()
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
        painter.drawText(QRectF(self.rect()), int(self._align | Qt.AlignmentFlag.AlignVCenter), self.shown())
        painter.end()

    def shown(self) -> str:
        """The text in its lines, the last one cut where there would be more."""
        starts = self._starts()
        ends = [*starts[1:], len(self._text)]
        lines = [self._text[start:end].strip() for start, end in zip(starts, ends, strict=True)]
        if len(lines) > self._lines:
            rest = self._text[starts[self._lines - 1] :]
            cut = self.fontMetrics().elidedText(rest, Qt.TextElideMode.ElideRight, self.width())
            lines[self._lines - 1 :] = [cut]
        return "\n".join(lines)

    def _starts(self) -> list[int]:
        """Where in the text each line begins, those that there is no room for too."""
        layout = QTextLayout(self._text.replace("\n", "\u2028"), self.font())  # which Qt breaks a line at
        layout.setTextOption(WRAPPED)
        layout.beginLayout()
        starts = []
        while (line := layout.createLine()).isValid():
            line.setLineWidth(self.width())
            starts.append(line.textStart())
        layout.endLayout()
        return starts

    def _set_tip(self) -> None:
        self.setToolTip(plain_tip(self._text) if len(self._starts()) > self._lines else "")

    def _ink(self) -> QColor:
        role = QPalette.ColorRole.PlaceholderText if self._muted else QPalette.ColorRole.WindowText
        return self.palette().color(role)
