"""Shared by tests of files: a window, files to drop on it, and its notices."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.files.autosave import Autosave
from app.ui.files.arrival_sheet import ArrivalSheet
from app.ui.files.export_sheet import ExportSheet
from app.ui.window.main_window import MainWindow
from tests.app.windows import open_window, until

WIDE = np.random.default_rng(8).integers(0, 256, (40, 120, 3), dtype=np.uint8)
STAGE = {
    "cascade": {
        "net": {"factor": 4},
        "schedule": {"type": "flow"},
        "defaults": {
            "level": 0.1,
            "sampler": "ddim",
            "spacing": "karras",
            "steps": 2,
            "sigma_min": 0.01,
            "sigma_max": 80,
        },
    }
}


SUITS = np.random.default_rng(9).integers(0, 256, (32, 48, 3), dtype=np.uint8)  # twice the fake model's 24 × 16


@pytest.fixture
def autosave(document: Document, tmp_path: Path) -> Iterator[Autosave]:
    made = Autosave(document.artwork, tmp_path / "artwork")
    made.restore()
    yield made
    made.close()


@pytest.fixture
def window(document: Document, autosave: Autosave, qtbot: QtBot) -> MainWindow:
    return open_window(qtbot, document, autosave=autosave)


@pytest.fixture(autouse=True)
def _own_clipboard() -> Iterator[None]:
    yield
    if QGuiApplication.instance() is not None:
        QGuiApplication.clipboard().clear()


def focused() -> QWidget:
    """Where the keys go."""
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def saved(folder: Path, rgb: np.ndarray, name: str = "holiday.png") -> Path:
    Image.fromarray(rgb).save(folder / name)
    return folder / name


def files(*paths: Path) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def enter(widget: QWidget, mime: QMimeData, at: QPoint) -> bool:
    event = QDragEnterEvent(
        at, Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def drop(widget: QWidget, mime: QMimeData) -> bool:
    at = widget.rect().center()
    enter(widget, mime, at)
    event = QDropEvent(
        QPointF(at), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def opened(qtbot: QtBot, document: Document, rgb: np.ndarray) -> None:
    until(qtbot, lambda: document.artwork.is_open and np.array_equal(document.artwork.rgb(), rgb))


def key(window: MainWindow, code: Qt.Key, control: bool = True, shift: bool = False) -> None:
    modifiers = Qt.KeyboardModifier.NoModifier
    if control:
        modifiers |= Qt.KeyboardModifier.ControlModifier
    if shift:
        modifiers |= Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(window.canvas if window.canvas.isVisible() else window, code, modifiers)


def arrival(window: MainWindow, qtbot: QtBot, path: Path) -> ArrivalSheet:
    drop(window, files(path))
    until(qtbot, lambda: isinstance(window.files.sheet, ArrivalSheet))
    sheet = window.files.sheet
    assert isinstance(sheet, ArrivalSheet)
    until(qtbot, sheet.isActiveWindow)
    return sheet


def export(window: MainWindow, qtbot: QtBot) -> ExportSheet:
    window.activateWindow()
    until(qtbot, window.isActiveWindow)
    key(window, Qt.Key.Key_E, shift=True)
    sheet = window.files.sheet
    assert isinstance(sheet, ExportSheet)
    until(qtbot, sheet.isActiveWindow)
    return sheet
