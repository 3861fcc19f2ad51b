"""A preview of how a picture is fitted: the kept, cut and added parts, and the model's box."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.shown.render import from_rgb
from app.ui.look.theme import em

SIDE = 512  # pixels of the thumbnail's longer side


class PicturePlan(QWidget):
    """`show_plan` sets the part that the result shows and the model's box, both in the picture's pixels."""

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        super().__init__()
        self.setAccessibleName("What becomes of the picture")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._size = QSize(rgb.shape[1], rgb.shape[0])
        self._thumbnail = thumbnail(rgb)
        self._result = QRect(QPointF().toPoint(), self._size)
        self._box: QRect | None = None

    def show_plan(self, result: QRect, box: QRect | None = None) -> None:
        self._result, self._box = result, box
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(em(self, 17), em(self, 13))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(self, 11), em(self, 9))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        painter.fillRect(self.rect(), palette.color(QPalette.ColorRole.Dark))
        picture = QRect(QPointF().toPoint(), self._size)
        whole = picture.united(self._result)
        margin = em(self, 0.8)
        room = QSizeF(self.width() - 2 * margin, self.height() - 2 * margin)
        scale = min(room.width() / whole.width(), room.height() / whole.height())
        origin = QPointF(
            (self.width() - scale * whole.width()) / 2 - scale * whole.x(),
            (self.height() - scale * whole.height()) / 2 - scale * whole.y(),
        )

        def placed(rect: QRect) -> QRectF:
            return QRectF(
                origin.x() + scale * rect.x(),
                origin.y() + scale * rect.y(),
                scale * rect.width(),
                scale * rect.height(),
            )

        shown, result = placed(picture), placed(self._result)
        accent = palette.color(QPalette.ColorRole.Highlight)
        if not picture.contains(self._result):  # added parts
            ground = QColor(accent)
            ground.setAlpha(60)
            painter.fillRect(result, ground)
            painter.fillRect(result, QBrush(accent, Qt.BrushStyle.BDiagPattern))
        painter.drawImage(shown, self._thumbnail)
        if not self._result.contains(picture):  # cut parts
            shade = QColor(palette.color(QPalette.ColorRole.Dark))
            shade.setAlpha(190)
            kept = shown.intersected(result)
            for strip in _margins(shown, kept):
                painter.fillRect(strip, shade)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(accent, max(1.0, em(self, 0.1))))
        painter.drawRect(result)
        if self._box is not None:
            for colour, style in (
                (QColor("#000000"), Qt.PenStyle.SolidLine),
                (QColor("#ffffff"), Qt.PenStyle.DashLine),
            ):
                painter.setPen(QPen(colour, max(1.0, em(self, 0.1)), style))
                painter.drawRect(placed(self._box))
        painter.end()


def thumbnail(rgb: NDArray[np.uint8]) -> QImage:
    """Return the picture at about SIDE pixels a side at most."""
    stride = max(1, max(rgb.shape[:2]) // (2 * SIDE))
    image = from_rgb(np.ascontiguousarray(rgb[::stride, ::stride]))
    if max(image.width(), image.height()) <= SIDE:
        return image
    return image.scaled(SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)


def _margins(outer: QRectF, inner: QRectF) -> list[QRectF]:
    """Return the parts of `outer` without `inner`: above, below, left, right."""
    return [
        QRectF(outer.left(), outer.top(), outer.width(), inner.top() - outer.top()),
        QRectF(outer.left(), inner.bottom(), outer.width(), outer.bottom() - inner.bottom()),
        QRectF(outer.left(), inner.top(), inner.left() - outer.left(), inner.height()),
        QRectF(inner.right(), inner.top(), outer.right() - inner.right(), inner.height()),
    ]
