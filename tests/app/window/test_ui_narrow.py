"""On a small screen: the window with all panels, a long choice, the list of shortcuts."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QStyleOptionComboBox, QWidget
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ComboBox
from app.ui.window.main_window import MainWindow
from app.ui.window.page_table import PAGES
from app.ui.window.shortcut_sheet import ShortcutSheet
from tests.app.artworks import picture
from tests.app.clipping import clipped
from tests.app.windows import finish, open_window, opened, wheel


@pytest.fixture
def window(qtbot: QtBot, document: Document) -> MainWindow:
    return open_window(qtbot, document)


def test_no_page_cuts_text_or_controls_in_a_small_window(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    """1024 × 640 at a scale of 1; tests/bench/test_ui_scales.py runs this file at the other scales."""
    finish(qtbot, document, batch=3)
    document.artwork.open(picture(48, 32), "Photo")
    for fold in (window.panel.advanced, window.panel.steering, window.likelihood.careful, window.lab_panel.advanced):
        fold.open()
    window.resize(1024, 640)
    for shows_artwork in (False, True):
        document.editing.shows_artwork = shows_artwork
        for page in PAGES:
            for likelihood in (True, False):
                window.show_page(page.name)
                window.docks.show("likelihood")
                if not likelihood:
                    window.docks.toggle("likelihood")
                QApplication.processEvents()
                assert (window.width(), window.height()) == (1024, 640)
                assert clipped(window) == [], page.name


def test_what_is_cut_is_found(qtbot: QtBot) -> None:
    frame = opened(qtbot, QWidget(), 200, 100)
    inside, cut, outside = (QPushButton("Generate", frame) for _ in range(3))
    cut.resize(20, 20)
    outside.move(150, 0)
    for button in (inside, cut, outside):
        button.show()
    inside.resize(inside.sizeHint())
    assert len(clipped(frame)) == 2


def test_the_window_fits_a_small_screen_with_every_panel(window: MainWindow) -> None:
    """The offscreen screen is 800 × 800: 1600 device pixels at a scale of 2."""
    room = window.screen().availableSize()
    assert window.width() <= room.width()
    window.docks.show("likelihood")
    QApplication.processEvents()
    assert window.docks.is_shown("likelihood")
    assert window.minimumSizeHint().width() <= room.width()
    assert window.minimumSizeHint().height() < 36 * em(window)


def test_a_panel_that_closes_gives_back_its_room(window: MainWindow) -> None:
    window.resize(1024, 640)
    QApplication.processEvents()
    before = {widget: widget.size() for widget in (window.panel, window.area, window.recent, window.timeline)}
    for _ in range(2):
        QTest.keyClick(window, Qt.Key.Key_4, Qt.KeyboardModifier.AltModifier)
        QApplication.processEvents()
    assert window.width() == 1024
    assert {widget: widget.size() for widget in before} == before
    window.resizeDocks([window.docks._docks["settings"]], [400], Qt.Orientation.Horizontal)
    QTest.keyClick(window, Qt.Key.Key_4, Qt.KeyboardModifier.AltModifier)
    window.actions_["reset-layout"].trigger()
    QApplication.processEvents()
    assert {widget: widget.size() for widget in before} == before


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
    bar = sheet.view.verticalScrollBar()
    assert sheet.view.horizontalScrollBar().maximum() == 0
    QTest.keyClick(sheet.view, Qt.Key.Key_End)
    QTest.keyClick(sheet.view, Qt.Key.Key_PageDown)
    assert bar.value() > 0
    wheel(sheet.view.viewport(), QPointF(20, 20), notches=20)
    assert bar.value() == 0
    assert clipped(sheet) == []
    sheet.close()
