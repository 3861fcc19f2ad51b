"""OpeningPage: a page in place of the canvas that says how to begin, with text and buttons that wrap."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

ALL = 1000  # stretch of a centred widget, beside 1 at each side


class OpeningPage(QWidget):
    """Painted as the canvas. The window cannot become lower than its wrapped lines need at its present width."""

    @staticmethod
    def centred(widget: QWidget) -> QHBoxLayout:
        """Return a row with `widget` in the middle, up to its maximum width, as high as it needs at that width.

        An alignment of the layout would give it the width of its size hint instead.
        """
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(widget, ALL)
        row.addStretch(1)
        return row

    def minimumSizeHint(self) -> QSize:
        least, column = super().minimumSizeHint(), self.layout()
        if column is None:
            return least
        return QSize(least.width(), max(least.height(), column.minimumHeightForWidth(self.width())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.palette().color(QPalette.ColorRole.Dark))
        painter.end()
