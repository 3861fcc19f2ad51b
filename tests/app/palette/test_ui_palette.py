"""The command palette in the window, by keyboard alone."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.ui.actions import ACTIONS
from app.ui.palette.palette import CommandPalette
from app.ui.preferences.sheet import Preferences
from app.ui.window.main_window import MainWindow
from tests.app.conftest import Parts
from tests.app.windows import finish, open_window, until

CONTROL = Qt.KeyboardModifier.ControlModifier


def open_palette(window: MainWindow, qtbot: QtBot) -> CommandPalette:
    window.activateWindow()
    until(qtbot, window.isActiveWindow)
    window.panel.prompt.text.setFocus()
    QTest.keyClick(window.panel.prompt.text, Qt.Key.Key_K, CONTROL)
    palettes = [found for found in window.findChildren(CommandPalette) if found.isVisible()]
    assert len(palettes) == 1
    until(qtbot, palettes[0].isActiveWindow)
    return palettes[0]


def test_the_palette_does_what_is_typed(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    palette = open_palette(window, qtbot)
    everything = {entry.name for entry in palette._entries}
    assert {f"action:{action.id}" for action in ACTIONS} - {"action:palette"} <= everything
    assert {"model:fake", "model:other", "preferences:shortcuts", "preference:theme"} <= everything

    QTest.keyClicks(palette.search, "checkerb")
    before = window.canvas.surround
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    assert window.canvas.surround != before
    assert not palette.isVisible()

    palette = open_palette(window, qtbot)
    assert palette.table.entries[0].name == "action:checker", "recent first"
    QTest.keyClick(palette.search, Qt.Key.Key_Up)
    assert palette.list.currentIndex().row() == palette.table.rowCount() - 1
    QTest.keyClick(palette.search, Qt.Key.Key_Down)
    assert palette.list.currentIndex().row() == 0

    QTest.keyClicks(palette.search, "apply to the picture")
    assert palette.table.entries[0].why == "Open a picture to work on first."
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    assert palette.isVisible(), "what cannot be done stays, with its reason"

    palette.search.clear()
    QTest.keyClicks(palette.search, "Other")
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    assert parts.document.draft.model.id == "other"

    palette = open_palette(window, qtbot)
    QTest.keyClicks(palette.search, "reduce motion")
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    (sheet,) = window.findChildren(Preferences)
    assert sheet.subject == "look"
    sheet.close()

    palette = open_palette(window, qtbot)
    QTest.keyClick(palette.search, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert window.settings.values.recent_commands[:2] == ("preference:reduced_motion", "model:other")


def test_new_keys_reach_menus_tips_and_the_window(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    lock = window.actions_["lock"]
    window.actions_.bindings.set_keys("lock", ("F7",))
    assert lock.shortcut().toString() == "F7"
    assert lock.toolTip().endswith("(F7)")
    QTest.keyClick(window.panel.prompt.text, Qt.Key.Key_F7)
    assert parts.document.draft.seed_locked
    window.settings.update(theme="contrast", pen_curve=2.0, scaling="smooth")
    assert window.look.mode == "contrast"
    assert window.tools.pen.share(0.5) == 0.25
    assert window.canvas.smooth
    window.settings.update(theme="dark")


def test_runs_that_somebody_needs_are_never_offered_for_deletion(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    job = finish(qtbot, parts.document, steps=2)
    starred = parts.library.root / "starred.twrun"
    window.sheets.starred_runs = lambda: [starred]
    assert window.sheets.storage._in_use() == {job.run_path, starred}
