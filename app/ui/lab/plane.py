"""The plane of the lab: law, score and particles at the noise level under the cursor; and a pen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.lab.lab_model import Lab
from app.ui.lab.plane_painter import PlanePainter
from app.ui.look.theme import em
from engine.spec.lab_data import DATA, HALF

PEN_STEP = 0.15  # data units that an arrow key moves the pen
MOVES = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}


class Plane(QWidget):
    """Paints the lab. With a drawing chosen, a press and a drag draw; so do Shift with the arrows, and Return."""

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self._lab = lab
        self._stroke = False
        self._pen: tuple[float, float] | None = None  # of the keyboard, in data units
        self.setAccessibleName("Plane")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        for signal in (lab.field_changed, lab.states_changed, lab.layers_changed, lab.coverage_changed,
                       lab.draft_changed, lab.cursor_changed):  # fmt: skip
            signal.connect(self.update)
        lab.draft_changed.connect(self._show_tool)
        lab.cursor_changed.connect(self._describe)
        self._show_tool()

    def sizeHint(self) -> QSize:
        return QSize(em(self, 30), em(self, 30))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(self, 12), em(self, 12))

    @property
    def frame(self) -> QRectF:
        """The square that the plane is drawn in."""
        margin = em(self, 0.6)
        side = max(1.0, min(self.width(), self.height()) - 2.0 * margin)
        return QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)

    def place(self, x: float, y: float) -> QPointF:
        """Where the point (x, y), in data units, is drawn."""
        frame, half = self.frame, self._lab.half()
        return QPointF(
            frame.center().x() + x / half * frame.width() / 2, frame.center().y() - y / half * frame.width() / 2
        )

    def point(self, at: QPointF) -> tuple[float, float]:
        """The inverse of `place`."""
        frame, half = self.frame, self._lab.half()
        return (
            (at.x() - frame.center().x()) / (frame.width() / 2) * half,
            (frame.center().y() - at.y()) / (frame.width() / 2) * half,
        )

    def picture(self, side: int, k: int) -> NDArray[np.uint8]:
        """Level `k` as it would be painted `side` pixels square, (side, side, 3)."""
        image = QImage(side, side, QImage.Format.Format_RGB888)
        image.fill(
            self.palette().color(QPalette.ColorRole.Mid)
        )  # the frame's own colour: its line may end within a pixel
        painter = QPainter(image)
        lab = self._lab
        field = lab.field if k == lab.cursor else lab.field_at(k)
        PlanePainter(painter, QRectF(0, 0, side - 1, side - 1), lab, self.palette(), k).paint(field)
        painter.end()
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(side, image.bytesPerLine())
        return rows[:, : 3 * side].reshape(side, side, 3).copy()

    # mouse and keyboard

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._lab.drawing:
            if self._lab.sigma > 0:
                self._lab.end()  # a drawing is clean data
            self._stroke = self.frame.contains(event.position())
            if self._stroke:
                self._lab.draw(*self.point(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._stroke:
            self._lab.draw(*self.point(event.position()), begins=False)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._stroke = False

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._stroke = False
        super().focusOutEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """As over the timeline: down is on, to less noise."""
        notches = event.angleDelta().y()
        if notches:
            self._lab.step_by(-1 if notches > 0 else 1)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        move = MOVES.get(key) if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else None
        if self._lab.drawing and move is not None:
            x, y = self._pen or (0.0, 0.0)
            x, y = (
                max(-HALF, min(HALF, round(v + PEN_STEP * step, 6) + 0.0)) for v, step in zip((x, y), move, strict=True)
            )
            self._pen = x, y
            self._describe()
            self.update()
        elif self._lab.drawing and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._lab.draw(*(self._pen or (0.0, 0.0)))
        else:
            super().keyPressEvent(event)

    def _describe(self) -> None:
        """Describe the picture to a screen reader."""
        words = f"{DATA[self._lab.data.name].title} at σ {self._lab.sigma:.3g}"
        if self._lab.drawing and self._pen is not None:
            words += f", {len(self._lab.drawn)} points, pen at {self._pen[0]:.2f}, {self._pen[1]:.2f}"
        self.setAccessibleDescription(words)

    def _show_tool(self) -> None:
        self._describe()
        self.setCursor(Qt.CursorShape.CrossCursor if self._lab.drawing else Qt.CursorShape.ArrowCursor)

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.palette().color(QPalette.ColorRole.Dark))
        lab = self._lab
        if lab.levels:
            PlanePainter(painter, self.frame, lab, self.palette(), lab.cursor).paint(lab.field)
        if words := self._empty():
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(self.frame, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)
        if lab.drawing and self._pen is not None and self.hasFocus():
            self._paint_pen(painter, self.place(*self._pen))
        if self.hasFocus():
            painter.setPen(self.palette().color(QPalette.ColorRole.Highlight))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _empty(self) -> str:
        """What to say where there is nothing to see yet."""
        if self._lab.drawing and not self._lab.drawn:
            return "Press and drag here to draw the data"
        if self._lab.field is None and not self._lab.problem:
            return "The lab is loading …"
        return ""

    def _paint_pen(self, painter: QPainter, at: QPointF) -> None:
        arm = em(self, 0.5)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Text), 1.5))
        painter.drawLine(QPointF(at.x() - arm, at.y()), QPointF(at.x() + arm, at.y()))
        painter.drawLine(QPointF(at.x(), at.y() - arm), QPointF(at.x(), at.y() + arm))
