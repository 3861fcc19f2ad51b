"""On a small screen: the window with all panels, a long choice, the list of shortcuts."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QPushButton, QStyleOptionComboBox
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ComboBox
from app.ui.window.main_window import MainWindow
from app.ui.window.shortcut_sheet import ShortcutSheet
from tests.app.windows import open_window, opened


@pytest.fixture
def window(qtbot: QtBot, document: Document) -> MainWindow:
    return open_window(qtbot, document)


def test_the_window_with_all_panels_is_narrower_than_a_small_screen(window: MainWindow) -> None:
    window.docks.show("likelihood")
    QApplication.processEvents()
    assert window.minimumSizeHint().width() < 75 * em(window)


def test_the_prompts_of_the_welcome_wrap_in_a_narrow_window(window: MainWindow) -> None:
    window.docks.show("likelihood")
    window.resize(window.minimumSizeHint())
    QApplication.processEvents()
    chips = window.area.welcome.chips
    assert chips.findChildren(QPushButton)
    assert all(chips.rect().contains(chip.geometry()) for chip in chips.findChildren(QPushButton))


def test_a_choice_that_has_no_room_ends_in_an_ellipsis(qtbot: QtBot) -> None:
    box = ComboBox("Told")
    box.addItem("The panel's words: “a red apple on a table”")
    opened(qtbot, box, 120, 30)
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    assert option.currentText.startswith("The")
    assert option.currentText.endswith("…")
    box.resize(600, 30)
    box.initStyleOption(option)
    assert option.currentText == box.currentText()


def test_the_list_of_shortcuts_is_no_larger_than_the_screen(window: MainWindow) -> None:
    window.sheets.shortcuts()
    sheet = window.findChild(ShortcutSheet)
    assert sheet is not None
    assert sheet.height() <= sheet.screen().availableSize().height()
    assert sheet.width() <= sheet.screen().availableSize().width()
    sheet.close()
