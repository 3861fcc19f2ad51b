"""The key frames in a row: a press selects, a drag or Ctrl with an arrow moves, Del takes away."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFocusEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from app.core.morph.key_frames import KeyFrame
from app.core.morph.key_row import KeyRow
from app.ui.look.theme import em
from app.ui.widgets.picture_fit import fit_in

LEAST = 2.6  # lines: the narrowest that a cell becomes before its neighbours overlap it


class KeyStrip(QWidget):
    """Paints the row; holds nothing but the drag under way."""

    def __init__(self, keys: KeyRow) -> None:
        super().__init__()
        self._keys = keys
        self._pressed: tuple[int, QPointF] | None = None  # a cell, and where
        self._gap: int | None = None  # where the dragged one would go, 0 … count
        self._small: dict[tuple[int, int], tuple[QImage, QImage]] = {}
        self.setAccessibleName("Key frames")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        keys.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        frames, at = self._keys.frames, self._keys.selected
        words = f"Key frame {at + 1} of {len(frames)}: {frames[at].words}" if frames else "No key frames yet"
        self.setAccessibleDescription(words)
        self.update()

    # where things are

    @property
    def pitch(self) -> float:
        """From one cell's left edge to the next one's."""
        count, side = len(self._keys.frames), self._side()
        usual = side + em(self, 0.6)
        if count < 2:
            return usual
        return max(float(em(self, LEAST)), min(usual, (self.width() - side - em(self, 1.2)) / (count - 1)))

    def cell(self, n: int) -> QRectF:
        """Of the picture of key frame `n`."""
        side = self._side()
        return QRectF(em(self, 0.6) + n * self.pitch, em(self, 0.4), side, side)

    def _side(self) -> int:
        return em(self, 4.2)

    def _index(self, x: float) -> int:
        return int(max(0.0, x - em(self, 0.6)) // self.pitch)

    def sizeHint(self) -> QSize:
        return QSize(em(self, 24), self._side() + em(self, 1.9))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(self, 10), self.sizeHint().height())

    # mouse and keyboard

    def mousePressEvent(self, event: QMouseEvent) -> None:
        n = self._index(event.position().x())
        if event.button() == Qt.MouseButton.LeftButton and n < len(self._keys.frames):
            self._keys.selected = n
            self._pressed = n, event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        moved = (event.position() - self._pressed[1]).manhattanLength()
        if self._gap is not None or moved >= QApplication.startDragDistance():
            place = round((event.position().x() - em(self, 0.6)) / self.pitch)
            self._gap = max(0, min(place, len(self._keys.frames)))
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return
        n, gap = self._pressed[0], self._gap
        self._let_go()
        if gap is not None:
            self._keys.move(n, gap - 1 if gap > n else gap)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._let_go()
        super().focusOutEvent(event)

    def _let_go(self) -> None:
        self._pressed = self._gap = None
        self.unsetCursor()
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows select, as far as no command has them; Esc lets go of a drag."""
        by = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if by is not None and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self._keys.selected += by
        elif event.key() == Qt.Key.Key_Escape and self._pressed is not None:
            self._let_go()
        else:
            super().keyPressEvent(event)

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frames, at = self._keys.frames, self._keys.selected
        order = [n for n in range(len(frames)) if n != at]
        for n in [*order, *([at] if frames else [])]:  # the selected one over its neighbours
            self._paint(painter, n, frames[n], n == at)
        if self._gap is not None:
            x = self.cell(self._gap).left() - em(self, 0.3)
            painter.setPen(QPen(self._ink(QPalette.ColorRole.Highlight), 2))
            painter.drawLine(QPointF(x, em(self, 0.3)), QPointF(x, em(self, 0.5) + self._side()))
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(self._ink(QPalette.ColorRole.Highlight))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _paint(self, painter: QPainter, n: int, frame: KeyFrame, selected: bool) -> None:
        cell, line = self.cell(n), em(self)
        painter.fillRect(cell, self._ink(QPalette.ColorRole.Base))
        if frame.image is not None:
            small = self._scaled(n, frame.image, round(cell.width() * self.devicePixelRatioF()))
            painter.drawImage(fit_in(cell, small), small)
        else:
            painter.setPen(self._ink(QPalette.ColorRole.PlaceholderText))
            words = f"seed\n{frame.key.seed}"
            painter.drawText(cell.adjusted(2, line * 0.6, -2, 0), Qt.AlignmentFlag.AlignCenter, words)
        accent = self._ink(QPalette.ColorRole.Highlight)
        painter.setPen(QPen(accent if selected else self._ink(QPalette.ColorRole.Mid), 2 if selected else 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(cell.adjusted(-1, -1, 1, 1), 3, 3)
        badge = QRectF(cell.left(), cell.top(), self.fontMetrics().horizontalAdvance("00") + 4, line * 1.05)
        painter.fillRect(badge, accent if selected else self._ink(QPalette.ColorRole.Window))
        ink = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.WindowText
        painter.setPen(self._ink(ink))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, str(n + 1))
        under = QRectF(cell.left(), cell.bottom() + 2, min(cell.width(), self.pitch), line * 1.3)
        painter.setPen(self._ink(QPalette.ColorRole.WindowText if selected else QPalette.ColorRole.PlaceholderText))
        words = self.fontMetrics().elidedText(frame.words, Qt.TextElideMode.ElideRight, int(under.width()))
        painter.drawText(under, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, words)

    def _scaled(self, n: int, image: QImage, side: int) -> QImage:
        known = self._small.get((n, side))
        if known is None or known[0] is not image:
            keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            known = self._small[n, side] = image, image.scaled(QSize(side, side), keep, smooth)
        return known[1]

    def _ink(self, role: QPalette.ColorRole):  # type: ignore[no-untyped-def]
        return self.palette().color(role)
