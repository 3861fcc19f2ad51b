"""The keyboard goes where the eyes are: fields come into sight, and keys for the picture do not edit a prompt."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.widgets.field_scroll import FieldScroll
from app.ui.window.main_window import MainWindow
from tests.app.conftest import Parts
from tests.app.windows import finish, open_window, until

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


def scrolled_down(window: MainWindow, qtbot: QtBot) -> FieldScroll:
    """The settings scrolled to their end, so that the prompt is out of sight."""
    window.resize(1024, 640)
    window.panel.advanced.open()
    window.panel.steering.open()
    (scroll,) = window.panel.findChildren(FieldScroll)
    bar = scroll.verticalScrollBar()
    until(qtbot, lambda: bar.maximum() > 300)
    window.canvas.setFocus()
    bar.setValue(bar.maximum())
    assert not scroll.shows(window.panel.prompt.text)
    return scroll


def test_a_shortcut_brings_its_field_into_sight(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    scroll = scrolled_down(window, qtbot)
    text = window.panel.prompt.text
    QTest.keyClick(window.canvas, Qt.Key.Key_L, CONTROL)
    until(qtbot, lambda: text.hasFocus() and scroll.shows(text))
    scroll.verticalScrollBar().setValue(scroll.verticalScrollBar().maximum())
    QTest.keyClicks(text, "x")
    assert scroll.shows(text), "who types sees what is typed"
    QTest.keyClick(text, Qt.Key.Key_G, CONTROL)
    aim = window.panel.steering.section.aims.rows[0].text
    until(qtbot, lambda: aim.hasFocus() and scroll.shows(aim))


@pytest.mark.parametrize("by", ["button", "key"])
def test_after_a_fork_the_keys_are_for_the_steps(parts: Parts, qtbot: QtBot, by: str) -> None:
    window, document = open_window(qtbot, parts.document), parts.document
    finish(qtbot, document, steps=6, sampler="ddpm", prompt="rocket")
    document.shown.scrub(2)
    window.focus_prompt()
    if by == "button":
        (fork,) = [b for b in window.timeline.branching if b.defaultAction() is window.actions_["fork"]]
        QTest.mouseClick(fork, LEFT)
    else:
        both = CONTROL | Qt.KeyboardModifier.ShiftModifier
        QTest.keyClick(window.panel.prompt.text, Qt.Key.Key_Return, both)
    until(qtbot, lambda: len(document.jobs.all) == 2 and document.jobs.all[-1].state.ended)
    focused = QApplication.focusWidget()
    assert focused is window.timeline.strip
    QTest.keyClick(focused, Qt.Key.Key_Backspace)
    assert (document.draft.current.prompt, document.shown.run_path) == ("rocket", document.jobs.all[0].run_path)


def test_generate_leaves_the_keyboard_in_the_prompt(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    QTest.keyClick(window.panel.prompt.text, Qt.Key.Key_Return, CONTROL)
    until(qtbot, lambda: parts.document.jobs.all and parts.document.jobs.all[-1].state.ended)
    assert window.panel.prompt.text.hasFocus()
