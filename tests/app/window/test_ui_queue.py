"""The queue panel: by keyboard, by drag, and what its rows say."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.jobs.queue import JobState
from app.core.jobs.queue_model import ABOUT, LIVE
from app.ui.window.main_window import MainWindow
from tests.app.conftest import Parts
from tests.app.windows import open_window, until

Key, ALT = Qt.Key, Qt.KeyboardModifier.AltModifier


@pytest.fixture
def window(hand_parts: Parts, qtbot: QtBot) -> MainWindow:
    window = open_window(qtbot, hand_parts.document)
    window.show_page("pictures")
    return window


def words(window: MainWindow) -> list[tuple[str, str]]:
    model = window.queue_panel.model
    return [(index.data(), index.data(ABOUT)) for index in map(model.index, range(model.rowCount()))]


def test_the_queue_is_used_by_keyboard(window: MainWindow, hand_parts: Parts, qtbot: QtBot) -> None:
    document, jobs, panel = hand_parts.document, hand_parts.document.jobs, window.queue_panel
    QTest.mouseClick(window.status.queue, Qt.MouseButton.LeftButton)
    assert panel.isVisible()
    assert panel.empty.isVisible()
    for prompt in ("red apple", "rocket", "tree", "house"):
        document.draft.update(prompt=prompt, steps=3)
        document.generate()
    assert window.status.queue.text() == "Queue: 3 waiting"
    assert [about for _, about in words(window)] == ["Step 0 of 3", "Waits", "Waits", "Waits"]
    hand_parts.fake.allow()
    until(qtbot, lambda: panel.model.index(0).data(LIVE) is not None)

    panel.list.setFocus()
    panel.list.setCurrentIndex(panel.model.index(3))
    QTest.keyClick(panel.list, Key.Key_Up, ALT)
    assert [title for title, _ in words(window)] == ["“red apple”", "“rocket”", "“house”", "“tree”"]
    QTest.keyClick(panel.list, Key.Key_Home, ALT)
    assert [title for title, _ in words(window)][1] == "“house”"
    assert window.queue.chosen == [jobs.rows[1]], "the row stays selected"
    QTest.keyClick(panel.list, Key.Key_Space)
    assert words(window)[1] == ("“house”", "Paused")
    QTest.keyClick(panel.list, Key.Key_Delete)
    assert [title for title, _ in words(window)] == ["“red apple”", "“rocket”", "“tree”"]
    assert window.queue.chosen == [jobs.rows[1]], "the next row is selected"

    panel.list.setCurrentIndex(panel.model.index(0))
    QTest.keyClick(panel.list, Key.Key_Space)
    until(qtbot, lambda: ("“red apple”", "Paused · step 1 of 3") in words(window))
    hand_parts.fake.fail_at, hand_parts.fake.error = 1, MemoryError("Too much: make fewer images.")
    hand_parts.fake.allow(2)
    until(qtbot, lambda: any(job.state is JobState.FAILED for job in jobs.all))
    failed = next(job for job in jobs.rows if job.state is JobState.FAILED)
    window.queue.chosen = [failed]
    QTest.keyClick(panel.list, Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "Too much: make fewer images."
    QTest.keyClick(panel.list, Key.Key_Return)
    assert document.shown.run_path == failed.run_path
    QTest.keyClick(panel.list, Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert jobs.all[-1].request == failed.request, "it is tried again as it was"
    window.actions_["queue-clear"].trigger()
    assert failed not in jobs.all
    jobs.remove(jobs.rows)
    until(qtbot, lambda: jobs.running is None)


def test_a_drop_moves_a_waiting_run_and_no_other(window: MainWindow, hand_parts: Parts, qtbot: QtBot) -> None:
    jobs, model = hand_parts.document.jobs, window.queue_panel.model
    a, b, c, d = (hand_parts.document.generate() for _ in range(4))
    top = QModelIndex()
    assert model.moveRow(top, 3, top, 1)  # as QListView.dropEvent does
    assert jobs.rows == [a, d, b, c]
    assert model.moveRow(top, 1, top, 4)
    assert jobs.rows == [a, b, c, d]
    assert model.moveRow(top, 3, top, 0), "before the running one: first of those that wait"
    assert jobs.rows == [a, d, b, c]
    assert not model.moveRow(top, 0, top, 3)
    jobs.remove(jobs.rows)
    until(qtbot, lambda: jobs.running is None)
