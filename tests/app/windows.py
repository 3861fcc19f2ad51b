"""Shared by tests of the window: opening it, wheel events, and reading painted pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTemporaryDir
from PySide6.QtGui import QColor, QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.bridge.client import EngineClient
from app.core.document import Document
from app.core.files.autosave import Autosave
from app.core.history.history import History
from app.core.history.scanner import Place
from app.core.jobs.queue import QueuedJob
from app.core.lab.lab_model import Lab
from app.core.models.studio_models import StudioModels
from app.settings import Settings, Values
from app.ui.window.main_window import MainWindow
from tests.app.conftest import PATIENCE
from tests.fakes.lab import FakeLab


def until(qtbot: QtBot, done: Callable[[], object]) -> None:
    """Wait for `done`, however busy the machine is."""
    qtbot.waitUntil(lambda: bool(done()), timeout=PATIENCE)


def opened(qtbot: QtBot, widget: QWidget, width: int = 0, height: int = 0) -> QWidget:
    """`widget` shown, exposed and active."""
    qtbot.addWidget(widget)
    if width:
        widget.resize(width, height)
    with qtbot.waitExposed(widget):
        widget.show()
    widget.activateWindow()
    until(qtbot, widget.isActiveWindow)
    return widget


def open_window(
    qtbot: QtBot,
    document: Document,
    settings: Settings | None = None,
    lab: Lab | None = None,
    autosave: Autosave | None = None,
    models: StudioModels | None = None,
    history: History | None = None,
) -> MainWindow:
    """A window on `document`; where no lab is given, one with a fake engine, whose thread begins when it is opened."""
    lab = lab or make_lab(document)
    settings = settings or Settings(values=Values(theme="dark"))
    settings.changed.connect(settings.flush)  # at once: no timer waits when the test is over
    autosave = autosave or make_autosave(document)
    models = models or make_models(document)
    history = history or make_history(document)
    window = MainWindow(document, lab, settings, autosave, models, history)

    def close(_: QWidget) -> None:
        models.close()
        window.files.close()
        window.sheets.close()
        window.history_commands.close()
        history.close()
        autosave.close()
        lab.close()

    qtbot.addWidget(window, before_close_func=close)
    opened(qtbot, window)
    return window


def make_autosave(document: Document) -> Autosave:
    """An autosave of the document's artwork in a folder that goes with it."""
    folder = QTemporaryDir()
    autosave = Autosave(document.artwork, Path(folder.path()), document)
    autosave.destroyed.connect(folder.remove)
    return autosave


def make_models(document: Document) -> StudioModels:
    """The user's models, without any, in a folder of settings that goes with them."""
    folder = QTemporaryDir()
    models = StudioModels(Path(folder.path()), document.draft, document.jobs, document)
    models.destroyed.connect(folder.remove)
    return models


def make_history(document: Document) -> History:
    """A history without pictures, in a folder that goes with it."""
    folder = QTemporaryDir()
    home = Path(folder.path())
    history = History(Place(home / "history", home / "pictures", home / "runs"), document.jobs, document)
    history.destroyed.connect(folder.remove)
    return history


def make_lab(document: Document) -> Lab:
    """A lab around a fake engine that runs by itself; closing the lab ends its thread."""
    client = EngineClient(FakeLab(), document, on_demand=True, name="lab")
    lab = Lab(client, document)
    lab.closed.connect(client.close)
    return lab


def finish(qtbot: QtBot, document: Document, **choices: object) -> QueuedJob:
    """Generate with `choices` and wait for the end."""
    document.draft.update(**choices)
    job = document.generate()
    assert job is not None
    until(qtbot, lambda: job.state.ended)
    return job


def wheel(widget: QWidget, at: QPointF, notches: float = 1.0) -> None:
    """One turn of the wheel over `at`."""
    event = QWheelEvent(
        at,
        QPointF(widget.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def move(widget: QWidget, at: QPoint, button: Qt.MouseButton) -> None:
    """The pointer moves to `at` with `button` held."""
    where = QPointF(at), QPointF(widget.mapToGlobal(at))
    none = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(widget, QMouseEvent(QEvent.Type.MouseMove, *where, Qt.MouseButton.NoButton, button, none))


def drag(widget: QWidget, button: Qt.MouseButton, *path: QPoint) -> None:
    """Press `button` at the first point, move through the others, release at the last."""
    QTest.mousePress(widget, button, pos=path[0])
    for at in path[1:]:
        move(widget, at, button)
    QTest.mouseRelease(widget, button, pos=path[-1])


def painted(widget: QWidget) -> QImage:
    """What the widget shows, in device pixels."""
    return widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)


def colours(picture: QImage) -> set[str]:
    """Every colour in it."""
    return {QColor(picture.pixel(x, y)).name() for x in range(picture.width()) for y in range(picture.height())}
