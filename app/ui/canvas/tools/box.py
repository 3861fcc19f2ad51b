"""The box tool: moves and resizes the box, the part that the model sees."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRect, Qt

from app.core.canvas.box_move import BoxMove
from app.ui.canvas.tools.tool import Tool, Touch

SMALLEST = 16  # document pixels of the box's width
DIAGONALS = (Qt.CursorShape.SizeFDiagCursor, Qt.CursorShape.SizeBDiagCursor)


class Box(Tool):
    name, title, key, icon = "box", "Move the box", "M", "tool-box"
    tip = "Move or resize the part of the picture that the model sees"
    gestures = (("Drag", "move what the model sees"), ("Drag a corner", "resize it"))

    _held: BoxMove | None = None
    _start = QPointF()
    _before = QRect()
    _pinned: QPoint | None = None  # the corner opposite to the one that is dragged

    def press(self, touch: Touch) -> None:
        self._start, self._before = touch.at, self.artwork.box
        corner = self.corner(touch)
        self._pinned = None if corner is None else corners(self._before)[3 - corner]
        self._held = self.artwork.begin_move(self.title if corner is None else "Resize the box")

    def move(self, touch: Touch) -> None:
        if self._held is None:
            return
        if self._pinned is None:
            self._held.to(self._before.translated((touch.at - self._start).toPoint()))
        else:
            self._held.to(self._stretched(self._pinned, touch.at))

    def release(self, touch: Touch) -> None:
        self.move(touch)
        self.let_go()

    def cancel(self) -> None:
        if self._held is not None:
            self._held.abandon()
            self._held = None

    def let_go(self) -> None:
        if self._held is not None:
            self._held.end()
            self._held = None

    def cursor(self, touch: Touch) -> Qt.CursorShape:
        corner = self.corner(touch)
        return Qt.CursorShape.SizeAllCursor if corner is None else DIAGONALS[corner in (1, 2)]

    def corner(self, touch: Touch) -> int | None:
        """Which corner of the box is touched: 0 … 3, row by row."""
        distances = [(QPointF(corner) - touch.at).manhattanLength() for corner in corners(self.artwork.box)]
        nearest = min(range(4), key=lambda k: distances[k])
        return nearest if distances[nearest] <= touch.reach else None

    def _stretched(self, pinned: QPoint, at: QPointF) -> QRect:
        """From the pinned corner to the pointer, in the model's aspect ratio, by the longer distance."""
        aspect = self.artwork.box_aspect
        across, down = at.x() - pinned.x(), at.y() - pinned.y()
        shape = aspect.height() / aspect.width()
        width = max(SMALLEST, round(max(abs(across), abs(down) / shape)))
        height = max(1, round(width * shape))
        return QRect(
            pinned.x() if across >= 0 else pinned.x() - width,
            pinned.y() if down >= 0 else pinned.y() - height,
            width,
            height,
        )


def corners(box: QRect) -> tuple[QPoint, QPoint, QPoint, QPoint]:
    """Row by row; 3 minus a corner's number is the opposite one's."""
    left, top, right, bottom = box.left(), box.top(), box.left() + box.width(), box.top() + box.height()
    return QPoint(left, top), QPoint(right, top), QPoint(left, bottom), QPoint(right, bottom)
