"""The window with the lab open around a fake engine."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.bridge.client import EngineClient
from app.core.lab.lab_model import Lab
from app.settings import Settings, Values
from app.ui.window.main_window import MainWindow
from tests.app.conftest import Parts
from tests.app.lab.lab_window import Open
from tests.app.windows import open_window, until
from tests.fakes.lab import FakeLab


@pytest.fixture
def open_lab(parts: Parts, qtbot: QtBot) -> Open:
    """A window with the lab open around `fake`, its fields there."""

    def make(fake: FakeLab | None = None, theme: str = "dark") -> MainWindow:
        client = EngineClient(fake or FakeLab(), parts.document, on_demand=True, name="lab")
        lab = Lab(client, parts.document)
        lab.closed.connect(client.close)
        window = open_window(qtbot, parts.document, Settings(values=Values(theme=theme)), lab)  # type: ignore[arg-type]
        QTest.keyClick(window.panel.prompt.text, Qt.Key.Key_F2)
        until(qtbot, lambda: all(lab.field_at(k) for k in range(len(lab.levels))))
        return window

    return make


@pytest.fixture
def window(open_lab: Open) -> MainWindow:
    return open_lab()
