"""Where the picture lies on the canvas: scale and offset, zoom with soft stops, fit. Geometry in logical pixels."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF
from PySide6.QtGui import QTransform

STOPS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
SMALLEST, LARGEST = 0.05, 64.0
NOTCH = 1.25  # zoom of one wheel notch
HOLD = 0.75  # notches that a stop holds back before it lets go
KEEP = 48.0  # logical pixels of the picture that panning always leaves in sight


class Viewport:
    """The map from picture to canvas. `scale` is device pixels per picture pixel: 1 is 100 % on any screen."""

    def __init__(self) -> None:
        self.picture = QSize()
        self.canvas = QSizeF()
        self.ratio = 1.0  # device pixels per logical pixel
        self.scale = 1.0
        self.offset = QPointF()  # of the picture's corner, logical
        self.fitted = True
        self._held = 0.0  # notches collected at a stop

    @property
    def logical(self) -> float:
        """Logical pixels per picture pixel."""
        return self.scale / self.ratio

    @property
    def transform(self) -> QTransform:
        return QTransform(self.logical, 0.0, 0.0, self.logical, self.offset.x(), self.offset.y())

    def rect(self) -> QRectF:
        """Of the whole picture on the canvas."""
        return QRectF(self.offset, QSizeF(self.picture) * self.logical)

    def to_picture(self, at: QPointF) -> QPointF:
        return (at - self.offset) / self.logical

    def resize(self, canvas: QSizeF, ratio: float, margin: float = 24.0) -> None:
        """A new canvas size keeps the fit, or else the middle of what was in sight."""
        middle = QPointF(canvas.width() - self.canvas.width(), canvas.height() - self.canvas.height()) / 2
        self.canvas, self.ratio = canvas, ratio
        if self.fitted:
            self.fit(margin)
        else:
            self.offset += middle
            self._settle()

    def fit(self, margin: float = 24.0) -> None:
        """All of it, as large as it goes; from 200 % on by whole numbers, so that all pixels are equally large."""
        self.fitted, self._held = True, 0.0
        if self.picture.isEmpty() or self.canvas.isEmpty():
            return
        space = [max(1.0, side - 2 * margin) for side in (self.canvas.width(), self.canvas.height())]
        scale = min(space[0] / self.picture.width(), space[1] / self.picture.height()) * self.ratio
        if scale >= 2:
            scale = math.floor(scale)
        self.scale = min(max(scale, SMALLEST), LARGEST)
        self._centre()

    def zoom_to(self, scale: float, at: QPointF | None = None) -> None:
        """`scale` device pixels per picture pixel; the picture's point under `at` (default: the middle) stays there."""
        at = at if at is not None else QPointF(self.canvas.width() / 2, self.canvas.height() / 2)
        pinned = self.to_picture(at)
        self.scale = min(max(scale, SMALLEST), LARGEST)
        self.offset = at - pinned * self.logical
        self.fitted, self._held = False, 0.0
        self._settle(at)

    def zoom_by(self, notches: float, at: QPointF | None = None) -> None:
        """Zooms by wheel notches (fractions from a touchpad). A stop on the way is landed on and holds a little."""
        self._held = self._held + notches if self._held * notches >= 0 else notches
        if self._at_stop() and abs(self._held) < HOLD:
            return
        wanted = self.scale * NOTCH**notches
        low, high = sorted((self.scale, wanted))
        crossed = [stop for stop in STOPS if low * (1 + 1e-9) < stop < high * (1 - 1e-9)]
        self.zoom_to(min(crossed, key=lambda stop: abs(stop - self.scale)) if crossed else wanted, at)

    def step(self, direction: int, at: QPointF | None = None) -> None:
        """To the next stop up (+1) or down (−1): what the zoom keys do."""
        if direction > 0:
            beyond = [stop for stop in STOPS if stop > self.scale * (1 + 1e-9)]
            self.zoom_to(beyond[0] if beyond else LARGEST, at)
        else:
            below = [stop for stop in STOPS if stop < self.scale * (1 - 1e-9)]
            self.zoom_to(below[-1] if below else SMALLEST, at)

    def pan(self, by: QPointF) -> None:
        self.offset += by
        self.fitted = False
        self._settle()

    def _at_stop(self) -> bool:
        return any(math.isclose(self.scale, stop) for stop in STOPS)

    def _centre(self) -> None:
        size = QSizeF(self.picture) * self.logical
        self.offset = QPointF((self.canvas.width() - size.width()) / 2, (self.canvas.height() - size.height()) / 2)
        self._snap()

    def _settle(self, pinned: QPointF | None = None) -> None:
        """Never loses the picture, and puts its corner on a whole device pixel where nothing is pinned."""
        size = QSizeF(self.picture) * self.logical
        keep_x, keep_y = min(KEEP, size.width()), min(KEEP, size.height())
        self.offset = QPointF(
            min(max(self.offset.x(), keep_x - size.width()), self.canvas.width() - keep_x),
            min(max(self.offset.y(), keep_y - size.height()), self.canvas.height() - keep_y),
        )
        if pinned is None:
            self._snap()

    def _snap(self) -> None:
        self.offset = QPointF(
            round(self.offset.x() * self.ratio) / self.ratio, round(self.offset.y() * self.ratio) / self.ratio
        )
