"""The action table: one row a command, no key means two things, everything is in a menu, on the sheet and reachable."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLabel, QToolButton
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.ui.actions import TABLE
from app.ui.actions.row import keys_text
from app.ui.window.main_window import MainWindow
from app.ui.window.shortcut_sheet import AboutSheet, ShortcutSheet
from engine.jobs.morph import Morphing
from tests.app.conftest import Parts
from tests.app.windows import finish, open_window, until
from tests.fakes.morph import morphed

REACH = {  # the canvas is two places: with a run on it, and with the artwork
    "window": {"window", "run", "artwork", "timeline", "candidates", "lab", "frames", "morph-keys"},
    "picture": {"run", "artwork", "timeline"},
    "steps": {"run", "timeline", "frames"},
    "candidates": {"artwork", "candidates"},
    "timeline": {"timeline"},
    "lab": {"lab"},
    "morph-keys": {"morph-keys"},
}


@pytest.fixture
def window(parts: Parts, qtbot: QtBot) -> MainWindow:
    return open_window(qtbot, parts.document)


def test_no_two_commands_share_a_name_or_an_id() -> None:
    assert max(Counter(row.id for row in TABLE).values()) == 1
    assert max(Counter(row.text for row in TABLE).values()) == 1


def test_no_key_means_two_things_in_one_place() -> None:
    taken = [(QKeySequence(key).toString(), place) for row in TABLE for key in row.keys for place in REACH[row.where]]
    assert [pair for pair, times in Counter(taken).items() if times > 1] == []
    assert all(QKeySequence(key).toString() for row in TABLE for key in row.keys)


def test_the_promised_keys() -> None:
    keys = {row.id: row.keys for row in TABLE}
    assert "Ctrl+Return" in keys["generate"]
    assert "Ctrl+Enter" in keys["generate"]
    assert keys["cancel"] == ("Esc",)
    assert keys["fit"] == ("Ctrl+0",)
    assert keys["actual"] == ("Ctrl+1",)
    assert (keys["previous"], keys["next"], keys["first"], keys["last"]) == (("Left",), ("Right",), ("Home",), ("End",))
    assert keys["play"] == ("Space",)


def test_the_menus_hold_every_command_once(window: MainWindow) -> None:
    assert [action.text() for action in window.menuBar().actions()] == [
        "&File",
        "&Edit",
        "&View",
        "&Canvas",
        "&Run",
        "&Candidates",
        "&Lab",
        "&Morph",
        "&Help",
    ]
    menus = window.actions_.menus.values()
    names = [action.objectName() for menu in menus for action in menu.actions() if action.objectName()]
    assert sorted(names) == sorted(row.id for row in TABLE)
    assert [action.text() for action in window.actions_.menus["Theme"].actions()] == ["As the system", "Light", "Dark"]


def test_the_sheet_lists_every_key(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_["shortcuts"].trigger()
    sheet = window.findChild(ShortcutSheet)
    assert sheet is not None
    qtbot.waitExposed(sheet)
    words = {found.text() for found in sheet.findChildren(QLabel)}
    for row in TABLE:
        if row.keys:
            assert keys_text(row) in words
            assert any(word.startswith(row.text.rstrip("…")) for word in words)
    assert not sheet.isModal()
    QTest.keyClick(sheet, Qt.Key.Key_Escape)


def test_about_says_what_it_computes_on(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_["about"].trigger()
    about = window.findChild(AboutSheet)
    assert about is not None
    assert any("a fake device" in found.text() for found in about.findChildren(QLabel))
    about.close()


@pytest.mark.parametrize(("command", "kind"), [("shortcuts", ShortcutSheet), ("about", AboutSheet)])
def test_a_sheet_asked_for_twice_is_there_once(command: str, kind: type[QDialog], window: MainWindow) -> None:
    def open_ones() -> list[QDialog]:
        return [sheet for sheet in window.findChildren(kind) if sheet.isVisible()]

    window.actions_[command].trigger()
    window.actions_[command].trigger()
    (first,) = window.findChildren(kind)
    first.close()
    assert not open_ones()
    window.actions_[command].trigger()  # before the closed one is deleted
    (second,) = open_ones()
    assert second is not first
    second.close()


def test_tips_say_the_key(window: MainWindow) -> None:
    for row in TABLE:
        if row.keys:
            assert keys_text(row) in window.actions_[row.id].toolTip()


def test_what_cannot_be_done_is_disabled(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    actions, document = window.actions_, parts.document
    needs_run = ("save-as", "copy", "restore", "play", "first", "previous", "next", "last")
    assert not any(actions[name].isEnabled() for name in (*needs_run, "cancel", "image-before", "image-after"))
    assert actions["generate"].isEnabled()
    finish(qtbot, document, batch=2)
    assert all(actions[name].isEnabled() for name in (*needs_run, "image-after"))
    assert not actions["image-before"].isEnabled()
    actions["image-after"].trigger()
    assert actions["image-before"].isEnabled()
    assert not actions["image-after"].isEnabled()


def test_cancel_is_there_while_something_runs(hand_parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, hand_parts.document)
    hand_parts.document.generate()
    assert window.actions_["cancel"].isEnabled()
    window.actions_["cancel"].trigger()
    until(qtbot, lambda: hand_parts.document.running_job is None)
    assert not window.actions_["cancel"].isEnabled()


def test_switches_show_what_is_on(window: MainWindow, document: Document) -> None:
    actions = window.actions_
    for name, on in product(("smooth", "checker", "lock", "panel-timeline"), (0, 1)):
        before = actions[name].isChecked()
        actions[name].trigger()
        assert actions[name].isChecked() != before, (name, on)
    document.draft.seed_locked = True
    assert actions["lock"].isChecked()
    actions["see-x"].trigger()
    assert document.shown.view == "x"
    assert actions["see-x"].isChecked()
    assert not actions["see-x0"].isChecked()


def test_every_command_can_be_triggered_without_a_run_and_with_one(
    window: MainWindow, parts: Parts, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing raises: pytest-qt fails a test for an exception in a slot."""
    opens_others = {"new", "open", "export", "canvas-size", "save-as", "save-animation"}
    opens_others |= {"pictures", "shortcuts", "about", "quit", "sweep"}
    opens_others |= {"morph-add-file", "morph-export"}
    leaves = {"prompt", "steer", "paste", "earlier"}  # the room
    parts.fake.answers[Morphing] = morphed
    begun: set[str] = set()
    window.lab.doing_changed.connect(lambda: begun.add(window.lab.doing))
    for room in ("pictures", "pictures", "lab", "lab", "morph", "morph"):
        window.show_room(room)
        for row in TABLE:
            elsewhere = room != "pictures" and row.id in leaves
            if row.id not in opens_others | {"lab", "morph"} and not elsewhere:
                window.actions_[row.id].trigger()
        until(qtbot, lambda: all(job.state.ended for job in parts.document.jobs))
        window.steps.pause()
        window.lab.cancel()
        until(qtbot, lambda: not window.lab.doing and not window.morph.doing)
    assert parts.document.jobs
    assert begun >= {"run", "walk", "cover"}


def test_buttons_of_commands_say_their_names(window: MainWindow) -> None:
    named = {row.text for row in TABLE}
    buttons = [button for button in window.findChildren(QToolButton) if button.defaultAction() is not None]
    assert len(buttons) >= 10
    assert all(button.accessibleName() in named for button in buttons)


def test_panels_are_hidden_and_shown_by_their_keys(window: MainWindow, qtbot: QtBot) -> None:
    assert window.timeline.isVisible()
    QTest.keyClick(window.panel.prompt.text, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert not window.timeline.isVisible()
    QTest.keyClick(window.panel.prompt.text, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert window.timeline.isVisible()
