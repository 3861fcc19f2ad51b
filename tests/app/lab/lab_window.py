"""The lab in a window: places on its timeline, and a whole run."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.ui.window.main_window import MainWindow
from tests.app.windows import until

LEFT = Qt.MouseButton.LeftButton
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier

Open = Callable[..., MainWindow]


def at(window: MainWindow, k: int) -> QPoint:
    """A point on level k of the strip."""
    slots = window.lab_timeline.strip.slots
    return QPoint(round(slots.centre(k)), round(slots.top + slots.side / 2))


def run(window: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_Return, CONTROL)
    until(qtbot, lambda: window.lab.track.finished and not window.lab.activity)
