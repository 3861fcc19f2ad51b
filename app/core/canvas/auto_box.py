"""The box follows the mask: it holds all that is painted, with a margin, until a hand moves it."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRect, QSize, Signal

from app.core.canvas.artwork import Artwork
from app.core.canvas.box import box_in_shape, fit_box, largest_box
from engine.pictures.blending import painted_bounds

MARGIN = 0.125  # of the mask's width and height, on every side
LEAST = 64  # pixels of the picture: a smaller box shows the model too little around the mask


class AutoBox(QObject):
    """Fits the box of an artwork after each stroke, undo and redo.

    on     -- whether it does that at all: a setting
    bounds -- what is painted; empty for nothing, and while the box does not follow
    """

    changed = Signal()  # on, or whether the box follows

    def __init__(self, artwork: Artwork, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._artwork = artwork
        self._on = True
        self._seen: tuple[int, QSize] | None = None  # the revision and the shape that the box was fitted to
        self.bounds = QRect()
        for signal in (artwork.opened, artwork.history_changed, artwork.box_pinned):
            signal.connect(self.fit)
        artwork.box_pinned.connect(self.changed)

    @property
    def on(self) -> bool:
        return self._on

    @on.setter
    def on(self, on: bool) -> None:
        if on != self._on:
            self._on, self._seen = on, None
            self.fit()
            self.changed.emit()

    @property
    def following(self) -> bool:
        """Whether the box of this artwork follows its mask."""
        return self._on and self._artwork.is_open and not self._artwork.box_by_hand

    @property
    def note(self) -> str:
        """The size of the box and its margin around the mask; "" where it does not follow, or nothing is painted."""
        box, painted = self._artwork.box, self.bounds
        if not self.following or painted.isEmpty():
            return ""
        sides = (
            painted.left() - box.left(), painted.top() - box.top(),
            box.right() - painted.right(), box.bottom() - painted.bottom(),
        )  # fmt: skip
        return f"{box.width()} × {box.height()}, margin {max(0, min(sides))} px"

    def follow(self) -> None:
        """Let the box follow the mask again."""
        self._seen = None
        self._artwork.box_by_hand = False
        self.on = True

    def pin(self) -> None:
        """Let the box stay where it is."""
        self._artwork.box_by_hand = True

    def fit(self) -> None:
        """Fit the box to the mask where it follows and one of them has changed."""
        artwork = self._artwork
        if artwork.in_gesture:  # its end comes here too
            return
        if not self.following:
            self.bounds, self._seen = QRect(), None
            return
        now = artwork.revision, artwork.box_aspect
        if now != self._seen:
            self._seen = now
            self.bounds = QRect(*painted_bounds(artwork.mask))
            artwork.fit_box(box_for(self.bounds, artwork.box_aspect, artwork.rect))


def box_for(painted: QRect, aspect: QSize, picture: QRect) -> QRect:
    """Return the box for what is painted: with MARGIN on every side as far as the picture has the room.

    It lies in the picture where it is no larger, and holds all of `painted`, which lies in the picture. Where nothing
    is painted, it is the largest box in the picture.
    """
    largest = largest_box(aspect, picture)
    if painted.isEmpty():
        return largest
    wider, higher = round(painted.width() * MARGIN), round(painted.height() * MARGIN)
    held = _width(painted.size(), aspect)
    wanted = max(LEAST, _width(painted.size() + QSize(2 * wider, 2 * higher), aspect))
    box = box_in_shape(max(held, min(wanted, largest.width())), aspect)
    left = _place(painted.x(), painted.width(), box.width(), picture.width())
    top = _place(painted.y(), painted.height(), box.height(), picture.height())
    box.moveTo(left, top)
    return fit_box(box, aspect, picture)


def _width(size: QSize, aspect: QSize) -> int:
    """The width of the smallest box of a shape that holds `size`."""
    width = max(size.width(), -(-size.height() * aspect.width() // aspect.height()))
    while box_in_shape(width, aspect).height() < size.height():  # its height is rounded
        width += 1
    return width


def _place(start: int, length: int, box: int, picture: int) -> int:
    """Where a box begins that has [start, start + length) in its middle, inside the picture where it fits in."""
    middle = start - (box - length) // 2
    return min(max(middle, 0), picture - box) if box <= picture else (picture - box) // 2
