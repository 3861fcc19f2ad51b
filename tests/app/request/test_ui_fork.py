"""Forks and variations by mouse and key: the timeline's buttons, its menu, and the way back to the parent."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.jobs.queue import JobState, QueuedJob
from app.settings import Settings, Values
from app.ui.shown.filmstrip import Filmstrip
from app.ui.window.main_window import MainWindow
from engine.store import RunReader
from tests.app.conftest import Parts
from tests.app.windows import finish, open_window, painted, until

LEFT = Qt.MouseButton.LeftButton
BOTH = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def window(parts: Parts, qtbot: QtBot) -> MainWindow:
    """A window with a finished run of twelve steps, the focus on the strip at the fifth."""
    window = open_window(qtbot, parts.document)
    finish(qtbot, parts.document, steps=12, sampler="ddpm", prompt="red apple")
    window.timeline.strip.setFocus()
    parts.document.shown.scrub(4)
    return window


def ended(document: Document, qtbot: QtBot, jobs: int) -> QueuedJob:
    """The job after `jobs` others, when it has ended."""
    until(qtbot, lambda: len(document.jobs.all) == jobs + 1 and document.jobs.all[-1].state.ended)
    job = document.jobs.all[-1]
    assert job.state is JobState.FINISHED, job.message
    return job


def button(window: MainWindow, name: str) -> QToolButton:
    (found,) = [b for b in window.timeline.branching if b.defaultAction() is window.actions_[name]]
    return found


def right_click(strip: Filmstrip, at: QPoint) -> None:
    """As a window system sends it: the press, then the request for a menu."""
    QTest.mousePress(strip, Qt.MouseButton.RightButton, pos=at)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, strip.mapToGlobal(at))
    QApplication.sendEvent(strip, event)
    QTest.mouseRelease(strip, Qt.MouseButton.RightButton, pos=at)


def test_fork_here_by_its_button(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    document.draft.update(prompt="rocket")
    QTest.mouseClick(button(window, "fork"), LEFT)
    job = ended(document, qtbot, 1)
    run = RunReader(job.run_path)
    assert (run.header["parent"]["step"], run.request.prompt) == (4, "rocket")
    assert document.shown.run_path == job.run_path
    assert window.timeline.strip.count == 12


def test_fork_here_from_the_prompt_by_its_key(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    window.focus_prompt()
    text = window.panel.prompt.text
    QTest.keyClick(text, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(text, "pizza")
    QTest.keyClick(text, Qt.Key.Key_Return, BOTH)
    job = ended(document, qtbot, 1)
    assert (job.request.prompt, job.steps_before) == ("pizza", 4)
    assert text.toPlainText() == "pizza"


def test_variations_by_key_are_as_many_as_the_panel_says(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    document.draft.update(batch=5)
    QTest.keyClick(window.timeline.strip, Qt.Key.Key_V)
    job = ended(document, qtbot, 1)
    assert len(job.images) == 5
    assert document.shown.batch_size == 5
    assert window.area.batch.isVisible()
    window.canvas.setFocus()
    document.shown.scrub(2)
    QTest.keyClick(window.canvas, Qt.Key.Key_V)
    assert RunReader(ended(document, qtbot, 2).run_path).header["parent"]["step"] == 2


def test_the_menu_of_a_step_is_about_that_step(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    strip, menu = window.timeline.strip, window.timeline.menu
    right_click(strip, strip.cell_rect(7).center())
    until(qtbot, menu.isVisible)
    assert document.shown.cursor == 7
    assert [action.objectName() for action in menu.actions() if action.objectName()] == [
        "fork", "variations", "parent", "encode", "decode", "restore", "edit-shown", "save-as", "copy",
    ]  # fmt: skip
    QTest.mouseClick(menu, LEFT, pos=menu.actionGeometry(window.actions_["variations"]).center())
    assert RunReader(ended(document, qtbot, 1).run_path).header["parent"] == {
        "run": document.jobs.all[0].run_path.stem, "step": 7, "image": 0,
    }  # fmt: skip


def test_the_menu_key_opens_it_where_the_cursor_is(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    strip, menu = window.timeline.strip, window.timeline.menu
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(3, 3), strip.mapToGlobal(QPoint(3, 3)))
    QApplication.sendEvent(strip, event)
    until(qtbot, menu.isVisible)
    assert document.shown.cursor == 4
    QTest.keyClick(menu, Qt.Key.Key_Escape)
    until(qtbot, lambda: not menu.isVisible())


def test_before_a_run_there_is_no_menu(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    right_click(window.timeline.strip, QPoint(100, 20))
    assert not window.timeline.menu.isVisible()


def test_a_fork_names_its_parent_and_leads_back_to_it(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    link = window.timeline.parent_link
    assert not link.isVisible()
    assert not window.actions_["parent"].isEnabled()
    parent = document.shown.run_path
    document.draft.update(prompt="rocket")
    window.actions_["fork"].trigger()
    ended(document, qtbot, 1)
    assert link.isVisible()
    assert link.text() == "from “red apple”, step 5"
    QTest.mouseClick(link, LEFT)
    assert (document.shown.run_path, document.shown.cursor) == (parent, 4)
    assert not link.isVisible()


def test_backspace_leads_back_too(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    parent = document.shown.run_path
    window.actions_["variations"].trigger()
    ended(document, qtbot, 1)
    QTest.keyClick(window.timeline.strip, Qt.Key.Key_Backspace)
    assert (document.shown.run_path, document.shown.cursor) == (parent, 4)


def test_the_place_of_the_fork_is_marked(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    strip = window.timeline.strip

    def mark() -> bool:
        """Whether between the fourth and the fifth step a dashed line runs down, where else only curves cross."""
        shot, ground = painted(strip), strip.palette().color(QPalette.ColorRole.Window).rgb()
        x = round(strip.slots.left + 4 * strip.slots.pitch)
        inked = [sum(shot.pixel(x + side, y) != ground for y in range(strip.height() - 12)) for side in (-1, 0)]
        return max(inked) > strip.height() / 3

    document.shown.scrub(9)
    assert not mark()
    document.shown.scrub(4)
    window.actions_["fork"].trigger()
    ended(document, qtbot, 1)
    document.shown.scrub(9)
    assert mark()
    assert "before the fork" not in strip.accessibleDescription()
    document.shown.scrub(2)
    assert "before the fork" in strip.accessibleDescription()


def test_why_they_cannot_be_used_is_their_tip(window: MainWindow, document: Document) -> None:
    fork, variations = window.actions_["fork"], window.actions_["variations"]
    assert fork.isEnabled()
    assert variations.isEnabled()
    assert "settings on the panel" in fork.toolTip()
    document.shown.end()
    assert not variations.isEnabled()
    assert "earlier one" in variations.toolTip()
    document.draft.model = document.draft.models[1]
    assert not fork.isEnabled()
    assert "choose “fake”" in fork.toolTip()


def test_variations_of_a_deterministic_run_change_the_sampler_with_a_notice(
    window: MainWindow, document: Document, qtbot: QtBot
) -> None:
    finish(qtbot, document, sampler="dpmpp-2m", steps=6)
    document.shown.scrub(2)
    window.actions_["variations"].trigger()
    notice = window.area.notices.notice
    assert notice is not None
    assert "Ancestral (DDPM)" in notice.text
    assert ended(document, qtbot, 2).request.sampler == "ddpm"


def test_the_status_counts_the_whole_way(hand_parts: Parts, qtbot: QtBot) -> None:
    window, document = open_window(qtbot, hand_parts.document), hand_parts.document
    hand_parts.fake.allow(6)
    finish(qtbot, document, steps=6)
    document.shown.scrub(2)
    document.fork()
    hand_parts.fake.allow(1)
    until(qtbot, lambda: document.jobs.steps_done == 1)
    assert window.status.step.text() == "Step 3 of 6"
    assert window.status.progress.share == pytest.approx(0.25)
    assert window.panel.generate.progress.text().startswith("Step 3 of 6")
    document.jobs.cancel()
    until(qtbot, lambda: document.jobs.running is None)
    assert "after step 3 of 6" in window.status.message.text()


@pytest.mark.parametrize(("width", "words"), [(960, False), (1600, True)])
def test_the_buttons_say_their_names_where_there_is_room(width: int, words: bool, parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document, Settings(values=Values(theme="light")))
    until(qtbot, lambda: window.minimumWidth() <= width)  # the first layout has come to rest
    window.resize(width, 700)
    until(qtbot, lambda: window.width() == width)
    beside = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
    assert [(b.toolButtonStyle() == beside) for b in window.timeline.branching] == [words, words]
    assert [b.text() for b in window.timeline.branching] == ["Fork here", "Variations"]
