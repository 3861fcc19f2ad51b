"""The action table: no key means two things, every action is in a menu, on the sheet and reachable."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QToolButton
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.ui.actions import ACTIONS
from app.ui.actions.places import PLACES
from app.ui.help.about_sheet import AboutSheet
from app.ui.window.main_window import MainWindow
from app.ui.window.shortcut_sheet import ShortcutSheet
from engine.jobs.morph import Morphing
from tests.app.artworks import picture
from tests.app.conftest import Parts
from tests.app.windows import finish, open_window, until
from tests.fakes.morph import morphed


@pytest.fixture
def window(parts: Parts, qtbot: QtBot) -> MainWindow:
    return open_window(qtbot, parts.document)


def open_artwork(document: Document) -> None:
    document.artwork.open(picture(32, 32))
    document.editing.shows_artwork = True


def test_no_two_commands_share_a_name_or_an_id() -> None:
    assert max(Counter(action.id for action in ACTIONS).values()) == 1
    assert max(Counter(action.text for action in ACTIONS).values()) == 1


def test_no_key_means_two_things_in_one_place() -> None:
    taken = [
        (QKeySequence(key).toString(), place)
        for action in ACTIONS
        for key in action.keys
        for place in PLACES[action.where]
    ]
    assert [pair for pair, times in Counter(taken).items() if times > 1] == []
    assert all(QKeySequence(key).toString() for action in ACTIONS for key in action.keys)


def test_the_promised_keys() -> None:
    keys = {action.id: action.keys for action in ACTIONS}
    assert "Ctrl+Return" in keys["generate"]
    assert "Ctrl+Enter" in keys["generate"]
    assert keys["cancel"] == ("Esc",)
    assert keys["fit"] == ("Ctrl+0",)
    assert keys["page-pictures"] == ("Ctrl+1",)
    assert (keys["previous"], keys["next"], keys["first"], keys["last"]) == (("Left",), ("Right",), ("Home",), ("End",))
    assert keys["play"] == ("Space",)


def test_the_menus_hold_every_command_once(window: MainWindow) -> None:
    assert [action.text() for action in window.top.menus.actions()] == [
        "&File",
        "&Edit",
        "&View",
        "&Canvas",
        "&Run",
        "&Candidates",
        "&History",
        "&Lab",
        "&Morph",
        "&Help",
    ]
    menus = window.actions_.menus.values()
    names = [action.objectName() for menu in menus for action in menu.actions() if action.objectName()]
    assert sorted(names) == sorted(action.id for action in ACTIONS)
    assert [action.text() for action in window.actions_.menus["Theme"].actions()] == [
        "As the system", "Light", "Dark", "High contrast",
    ]  # fmt: skip


def test_the_sheet_lists_every_key(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_["shortcuts"].trigger()
    sheet = window.findChild(ShortcutSheet)
    assert sheet is not None
    qtbot.waitExposed(sheet)
    words = {found.text() for found in sheet.findChildren(QLabel)}
    for action in ACTIONS:
        if action.keys:
            assert window.actions_.bindings.text(action.id) in words
            assert any(word.startswith(action.text.rstrip("…")) for word in words)
    assert not sheet.isModal()
    QTest.keyClick(sheet, Qt.Key.Key_Escape)


def test_about_names_the_device(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_["about"].trigger()
    about = window.findChild(AboutSheet)
    assert about is not None
    assert any("a fake device" in found.text() for found in about.findChildren(QLabel))
    about.close()


@pytest.mark.parametrize(("command", "kind"), [("shortcuts", ShortcutSheet), ("about", AboutSheet)])
def test_opening_a_sheet_twice_shows_one(command: str, kind: type[QDialog], window: MainWindow) -> None:
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
    for action in ACTIONS:
        if action.keys:
            assert window.actions_.bindings.text(action.id) in window.actions_[action.id].toolTip()


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


@pytest.mark.parametrize("room", ["pictures", "lab", "morph"])
def test_a_disabled_action_says_why_in_a_sentence(room: str, window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    def disabled() -> set[str]:
        window.actions_.refresh()
        found = set()
        for action in ACTIONS:
            made, why = window.actions_[action.id], action.why(window)
            assert made.isEnabled() == (why == ""), action.id
            if why:
                assert why[0].isupper(), (action.id, why)
                assert why.endswith("."), (action.id, why)
                assert made.toolTip().startswith(why), action.id
                found.add(action.id)
        return found

    window.show_page(room)
    at_first = disabled()
    finish(qtbot, parts.document, batch=2)
    with_run = disabled()
    open_artwork(parts.document)
    with_artwork = disabled()
    assert {"undo", "discard", "earlier"} <= at_first & with_run & with_artwork
    if room == "pictures":
        assert "restore" in at_first - with_run
        assert "canvas-size" in with_run - with_artwork
    else:
        assert "canvas-size" in with_artwork


def test_an_action_that_is_on_changes_its_icon_and_its_words(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    play, lock = window.actions_["play"], window.actions_["lock"]
    off, on = QIcon.State.Off, QIcon.State.On
    for action in (play, lock):
        shapes = [action.icon().pixmap(QSize(20, 20), QIcon.Mode.Normal, state).toImage() for state in (off, on)]
        assert shapes[0] != shapes[1]
    finish(qtbot, parts.document)
    parts.document.shown.home()
    assert play.text() == "Play the steps"
    play.trigger()
    assert (play.text(), play.isChecked()) == ("Pause", True)
    play.trigger()
    assert (play.text(), play.isChecked()) == ("Play the steps", False)


def test_the_reason_goes_when_the_action_can_be_used(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    undo, mask = window.actions_["undo"], window.actions_["mask-clear"]
    assert undo.toolTip() == "Open a picture to work on first. (Ctrl+Z)"
    open_artwork(parts.document)
    assert undo.toolTip() == "There is nothing to undo. (Ctrl+Z)"
    assert mask.toolTip() == "Paint a mask first. (Ctrl+D)"
    window.actions_["mask-invert"].trigger()
    assert undo.toolTip() == "Undo the last change of the picture or of its mask (Ctrl+Z)"
    assert mask.isEnabled()


def test_cancel_is_there_while_something_runs(hand_parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, hand_parts.document)
    hand_parts.document.generate()
    assert window.actions_["cancel"].isEnabled()
    window.actions_["cancel"].trigger()
    until(qtbot, lambda: hand_parts.document.jobs.running is None)
    assert not window.actions_["cancel"].isEnabled()


def test_switches_show_their_state(window: MainWindow, document: Document) -> None:
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
    opens_others = {"new", "open", "wildcards", "export", "canvas-size", "save-as", "save-animation"}
    opens_others |= {"pictures", "shortcuts", "about", "quit", "sweep", "models"}
    opens_others |= {"preferences", "palette", "guide", "prompts", "presets"}
    opens_others |= {"morph-add-file", "morph-export", "history-add-folder"}
    leaves = {"prompt", "steer", "paste", "earlier", "history-search"}  # the page
    parts.fake.answers[Morphing] = morphed
    begun: set[str] = set()
    window.lab.activity_changed.connect(lambda: begun.add(window.lab.activity))
    for page in ("pictures", "pictures", "lab", "lab", "morph", "morph", "history"):
        window.show_page(page)
        for action in ACTIONS:
            elsewhere = page != "pictures" and action.id in leaves
            if action.id not in opens_others and not action.id.startswith("page-") and not elsewhere:
                window.actions_[action.id].trigger()
        parts.document.jobs.paused = False
        until(qtbot, lambda: all(job.state.ended for job in parts.document.jobs.all))
        window.steps.pause()
        window.lab.cancel()
        until(qtbot, lambda: not window.lab.activity and not window.morph.rendering)
    assert parts.fake.requests
    assert begun >= {"run", "walk", "cover"}


def test_buttons_of_commands_say_their_names(window: MainWindow) -> None:
    named = {action.text for action in ACTIONS}
    buttons = [
        button
        for button in window.findChildren(QToolButton)
        if button.defaultAction() is not None and not isinstance(button.parent(), QLineEdit)  # Qt's: it clears the line
    ]
    assert len(buttons) >= 10
    assert all(button.accessibleName() in named for button in buttons)


def test_panels_are_hidden_and_shown_by_their_keys(window: MainWindow, qtbot: QtBot) -> None:
    assert window.timeline.isVisible()
    QTest.keyClick(window.panel.prompt.text, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert not window.timeline.isVisible()
    QTest.keyClick(window.panel.prompt.text, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert window.timeline.isVisible()
