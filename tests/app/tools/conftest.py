"""Shared by tests of the tools: a canvas with an artwork, and its painted pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.canvas.artwork import Artwork
from app.core.canvas.placement import box_of
from app.core.canvas.toolset import Toolset
from app.ui.canvas.easel import Easel
from app.ui.canvas.overlay import TINT
from app.ui.canvas.tools import toolset
from app.ui.canvas.view import CanvasView
from engine.pictures.compositing import free_cells
from tests.app.hands import Hands
from tests.app.windows import opened, painted

WIDTH, HEIGHT = 200, 120


class Bench(Hands):
    """A canvas with an artwork on it, worked on in document pixels."""

    def __init__(self, qtbot: QtBot, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.artwork = Artwork()
        self.tools: Toolset = toolset()
        self.canvas = CanvasView()
        super().__init__(self.canvas)
        self.easel = Easel(self.canvas, self.artwork, self.tools)
        opened(qtbot, self.canvas, 640, 480)
        self.artwork.open(ramp(width, height), box_size=(64, 64))
        self.easel.shown = True
        self.canvas.setFocus()
        self.zoom(1.0)

    @property
    def mask(self) -> NDArray[np.uint8]:
        return self.artwork.mask

    def zoom(self, scale: float) -> None:
        self.canvas.viewport.zoom_to(scale)
        self.canvas.update()

    def free(self) -> NDArray[np.bool_]:
        """What a model of 9 × 9 pixels, larger than a dab, would make anew in 10 steps."""
        return free_cells(self.mask, box_of(self.artwork.box), (9, 9), 10)

    def shot(self) -> QImage:
        """What the canvas shows, without the ring: the pointer has left."""
        QApplication.sendEvent(self.canvas, QEvent(QEvent.Type.Leave))
        return painted(self.canvas)

    def seen(self, x: float, y: float) -> QColor:
        """The device pixel over the point (x, y) of the document."""
        at = self.on_canvas(x, y)
        return self.shot().pixelColor(math.floor(at.x()), math.floor(at.y()))


def ramp(width: int, height: int) -> NDArray[np.uint8]:
    """(height, width, 3): a picture without two like neighbours, and light enough for a tint to be seen."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([200 + x % 50, 180 + y % 60, 120 + (x + y) % 90], -1).astype(np.uint8)


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    return Bench(qtbot)


def tinted(ground: QColor, tint: QColor) -> tuple[int, int, int]:
    return tuple(
        round(a + (b - a) * TINT)
        for a, b in zip(
            (ground.red(), ground.green(), ground.blue()), (tint.red(), tint.green(), tint.blue()), strict=True
        )
    )  # type: ignore[return-value]


def near(seen: QColor, wanted: tuple[int, int, int]) -> bool:
    return max(abs(a - b) for a, b in zip((seen.red(), seen.green(), seen.blue()), wanted, strict=True)) <= 3


def rect_of(mask: NDArray[np.generic]) -> tuple[int, int, int, int]:
    """x, y, width and height of what is not 0."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)


def turn(bench: Bench, held: Qt.KeyboardModifier, notches: int, sideways: bool = False) -> None:
    at, angle = QPointF(100, 100), 120 * notches
    QApplication.sendEvent(
        bench.canvas,
        QWheelEvent(at, bench.canvas.mapToGlobal(at), QPoint(), QPoint(angle, 0) if sideways else QPoint(0, angle),
                    Qt.MouseButton.NoButton, held, Qt.ScrollPhase.NoScrollPhase, False),
    )  # fmt: skip
