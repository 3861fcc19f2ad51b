"""The whole window: the first start, messages, the saved layout, and use without a mouse."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.core.canvas.editing import NOTHING_PAINTED
from app.core.document import Document
from app.core.jobs.queue import JobState
from app.core.notices import Notice, NoticeAction
from app.settings import Settings, Values
from app.ui.window import notice_bar
from app.ui.window.main_window import MainWindow
from engine.jobs.load import Applying, Loading
from engine.pictures.png import read_settings
from tests.app.conftest import Parts
from tests.app.windows import (
    PATIENCE,
    colours,
    finish,
    make_autosave,
    make_history,
    make_lab,
    make_models,
    open_window,
    painted,
    until,
)
from tests.fakes.engine import FakeEngine

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window(parts: Parts, qtbot: QtBot) -> MainWindow:
    return open_window(qtbot, parts.document)


def chip(window: MainWindow, prompt: str) -> QPushButton:
    found = [b for b in window.area.welcome.chips.findChildren(QPushButton) if b.text() == prompt]
    assert len(found) == 1
    return found[0]


# the way in


def test_a_first_user_sees_prompts_to_click_on(window: MainWindow) -> None:
    assert window.area.stack.currentWidget() is window.area.welcome
    assert chip(window, "red apple").isVisible()
    assert chip(window, "rocket").isVisible()
    assert window.area.welcome.status.text() == "Ready on a fake device"


def test_a_click_on_a_prompt_fills_it_in_and_generates(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    QTest.mouseClick(chip(window, "rocket"), LEFT)
    until(qtbot, lambda: len(parts.fake.requests) == 1)
    assert parts.fake.requests[0].prompt == "rocket"
    assert window.panel.prompt.text.toPlainText() == "rocket"
    assert window.area.stack.currentWidget() is window.canvas
    assert window.canvas.hasFocus()  # and its keys work at once
    until(qtbot, lambda: parts.document.jobs.running is None)


def test_a_click_before_the_engine_is_ready_waits_and_says_so(make_parts: Callable[..., Parts], qtbot: QtBot) -> None:
    parts = make_parts(FakeEngine(), ready=False)
    window = open_window(qtbot, parts.document)
    welcome = window.area.welcome
    assert welcome.busy.isVisible()
    QTest.mouseClick(chip(window, "rocket"), LEFT)
    assert parts.document.jobs.all == []
    assert welcome.status.text() == "“rocket” begins as soon as the engine is loaded"
    parts.engine.start(parts.document.draft.model)
    until(qtbot, lambda: len(parts.fake.requests) == 1)
    assert parts.fake.requests[0].prompt == "rocket"
    until(qtbot, lambda: parts.document.jobs.running is None)
    assert not welcome.busy.isVisible()


def test_who_types_something_else_meanwhile_is_not_overruled(make_parts: Callable[..., Parts], qtbot: QtBot) -> None:
    parts = make_parts(FakeEngine(), ready=False)
    window = open_window(qtbot, parts.document)
    QTest.mouseClick(chip(window, "rocket"), LEFT)
    QTest.keyClicks(window.panel.prompt.text, "s")
    with qtbot.waitSignal(parts.document.jobs.engine_changed, timeout=PATIENCE):
        parts.engine.start(parts.document.draft.model)
    assert parts.document.jobs.all == []


def test_the_windows_modules_need_no_torch() -> None:
    script = "import sys, app.ui.window.main_window, app.bootstrap; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "False"


# what it says


def test_the_status_bar_drops_the_old_message_when_the_engine_is_ready(
    make_parts: Callable[..., Parts], qtbot: QtBot
) -> None:
    parts = make_parts(FakeEngine(), ready=False)
    window, artwork = open_window(qtbot, parts.document), parts.document.artwork
    assert "loading" in window.status.message.text()
    artwork.open(np.zeros((40, 60, 3), np.uint8), "", (24, 16))
    with qtbot.waitSignal(parts.document.jobs.engine_changed):
        parts.engine.start(parts.document.draft.model)
    until(qtbot, lambda: parts.document.jobs.engine_state == "ready")
    assert parts.document.why_not == NOTHING_PAINTED
    assert window.status.message.text() == "Ready"


def test_the_status_bar_tells_of_the_run(hand_parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, hand_parts.document)
    status, document = window.status, hand_parts.document
    assert status.message.text() == "Ready"
    assert status.device.text() == "a fake device"
    assert not status.progress.isVisible()
    job = document.generate()
    assert job is not None
    assert status.message.text() == "Generating “red apple” …"
    hand_parts.fake.allow(1)
    until(qtbot, lambda: job.steps_done == 1)
    assert status.step.text() == "Step 1 of 5"
    assert status.progress.share == pytest.approx(0.2)
    assert status.left.text() == f"{document.jobs.eta_text} left" != " left"
    document.jobs.cancel()
    assert status.message.text() == "Stopping “red apple” …"
    until(qtbot, lambda: job.state.ended)
    assert status.message.text().startswith("Cancelled “red apple” after step 1 of 5")
    assert not status.progress.isVisible()
    waiting = [document.generate(), document.generate()]
    document.jobs.cancel_all()
    until(qtbot, lambda: all(job is not None and job.state.ended for job in waiting))
    assert status.message.text() == "Cancelled “red apple” before its first step"


def test_loading_and_applying_adapters_are_said_with_their_shares(hand_parts: Parts, qtbot: QtBot) -> None:
    window, document = open_window(qtbot, hand_parts.document), hand_parts.document
    note = window.panel.generate.progress

    def shows(text: str) -> bool:
        return note.text() == text

    for loads, said in (
        ((Loading(0.5),), "Loading the model: 50%"),
        ((Loading(1.0), Applying(0.25, 1)), "Applying the LoRA: 25%"),
        ((Applying(0.75, 3),), "Applying 3 LoRAs: 75%"),
    ):
        hand_parts.fake.loads = loads
        job = document.generate()
        assert job is not None
        until(qtbot, partial(shows, said))
        assert window.status.message.text() == f"{said.split(':')[0]} …"
        document.jobs.cancel()
        until(qtbot, lambda: document.jobs.running is None)


def test_a_finished_run_is_reported_with_its_time(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    job = finish(qtbot, parts.document)
    assert window.status.message.text() == f"Finished “red apple” in {job.seconds:.1f} s"
    assert window.windowTitle() == "red apple — Tweedie Studio"


def test_a_notice_is_a_bar_that_takes_no_focus_and_can_be_acted_on(window: MainWindow, document: Document) -> None:
    window.panel.prompt.text.setFocus()
    done: list[str] = []
    document.notice_raised.emit(
        Notice("error", "The disk is full: free some space.", (NoticeAction("Again", lambda: done.append("x")),))
    )
    bar = window.area.notices
    assert bar.isVisible()
    assert bar.text.plain == "The disk is full: free some space."
    assert QApplication.focusWidget() is window.panel.prompt.text
    assert QApplication.activeModalWidget() is None
    assert bar.geometry().width() <= window.area.stack.width()
    assert bar.height() < 0.2 * window.area.stack.height()
    QTest.mouseClick(bar.actions_[0], LEFT)
    assert done == ["x"]
    assert not bar.isVisible()


def test_an_older_error_returns_and_news_gives_way(window: MainWindow, document: Document) -> None:
    bar = window.area.notices
    for level, text in (("info", "Saved."), ("error", "First."), ("error", "Second."), ("error", "Second.")):
        document.notice_raised.emit(Notice(level, text))  # type: ignore[arg-type]
    shown = []
    while bar.notice is not None:
        shown.append(bar.notice.text)
        QTest.mouseClick(bar.dismiss, LEFT)
    assert shown == ["Second.", "First."]


def test_an_error_that_was_seen_does_not_return_later(
    window: MainWindow, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = window.area.notices
    document.notice_raised.emit(Notice("error", "The run failed."))
    bar.grab()
    monkeypatch.setattr(notice_bar, "MOMENT_S", 0.0)  # the next notice comes later
    document.notice_raised.emit(Notice("error", "The disk is full."))
    QTest.mouseClick(bar.dismiss, LEFT)
    assert bar.notice is None


def test_a_failed_run_says_why_in_the_bar(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    parts.fake.fail_at, parts.fake.error = 2, MemoryError()
    job = finish(qtbot, parts.document)
    assert job.state is JobState.FAILED
    assert window.area.notices.notice is not None
    assert window.area.notices.notice.text == job.message
    assert parts.document.shown.step_count == 2  # what was reached is shown


def test_the_footer_describes_the_canvas(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    finish(qtbot, parts.document, seed=41, batch=2)
    parts.document.shown.image_index = 1
    assert window.area.facts.text() == "“red apple”   24 × 16   seed 42"
    window.canvas.actual_size()
    assert window.area.zoom.text() == "100 %"


# the pictures of this session


def test_finished_pictures_are_listed_newest_first_and_open_their_run(
    window: MainWindow, parts: Parts, qtbot: QtBot
) -> None:
    document, pictures = parts.document, window.recent.list
    assert window.recent.empty.isVisible()
    first = finish(qtbot, document, prompt="red apple", batch=2)
    second = finish(qtbot, document, prompt="rocket", batch=1)
    assert pictures.count() == 3
    assert document.shown.run_path == second.run_path
    item = pictures.item(2)
    assert pictures.currentRow() == 0
    QTest.mouseClick(pictures.viewport(), LEFT, pos=pictures.visualItemRect(item).center())
    assert document.shown.run_path == first.run_path
    assert document.shown.image_index == 1
    assert pictures.currentRow() == 2
    document.shown.image_index = 0
    assert pictures.currentRow() == 1
    assert "red apple" in item.data(Qt.ItemDataRole.AccessibleTextRole)
    pictures.setFocus()
    pictures.setCurrentRow(0)
    QTest.keyClick(pictures, Qt.Key.Key_Return)
    assert document.shown.run_path == second.run_path


def test_a_cancelled_run_lists_no_picture(hand_parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, hand_parts.document)
    hand_parts.document.generate()
    hand_parts.document.jobs.cancel()
    until(qtbot, lambda: hand_parts.document.jobs.running is None)
    assert window.recent.list.count() == 0


# saving


def test_the_selected_step_is_saved_with_its_settings(
    window: MainWindow, parts: Parts, qtbot: QtBot, tmp_path: Path
) -> None:
    finish(qtbot, parts.document, seed=3, batch=2)
    parts.document.shown.image_index = 1
    path = tmp_path / "mine.png"
    window.actions_["save-as"].trigger()
    dialog = window.findChild(QFileDialog)
    assert dialog is not None
    assert dialog.selectedFiles()[0].endswith("red-apple-4.png")
    dialog.fileSelected.emit(str(path))
    dialog.reject()
    saved = read_settings(path)
    assert saved is not None
    assert (saved.prompt, saved.seeds) == ("red apple", (4,))
    assert window.area.notices.notice is not None
    assert window.area.notices.notice.text == f"Saved as {path}"


def test_a_failed_save_gives_a_notice_and_raises_nothing(
    window: MainWindow, parts: Parts, qtbot: QtBot, tmp_path: Path
) -> None:
    finish(qtbot, parts.document)
    (tmp_path / "file").write_text("in the way")
    window.files.save_step_to(str(tmp_path / "file" / "x.png"))
    assert window.area.notices.notice is not None
    assert window.area.notices.notice.level == "error"


def test_copying_puts_the_frame_on_the_clipboard(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    finish(qtbot, parts.document)
    QTest.keyClick(window.canvas, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert QApplication.clipboard().image().size() == parts.document.shown.frame.size()  # type: ignore[union-attr]


def test_the_settings_of_an_older_picture_come_back(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    finish(qtbot, parts.document, prompt="rocket", steps=4, guidance=2.0)
    parts.document.draft.update(prompt="heart", steps=9)
    window.actions_["restore"].trigger()
    assert window.panel.prompt.text.toPlainText() == "rocket"
    assert window.panel.steps.field.value() == 4


# what it remembers, and who watches


def test_geometry_theme_and_scaling_are_remembered(document: Document, qtbot: QtBot) -> None:
    settings = Settings(values=Values(theme="dark"))
    window = open_window(qtbot, document, settings)
    window.resize(790, 610)  # the screen of the tests is no wider
    height = window.height()
    window.actions_["smooth"].trigger()
    window.actions_["panel-recent"].trigger()
    window.close()
    assert settings.values.scaling == "smooth"
    again = open_window(qtbot, document, settings)
    assert again.height() == height
    assert again.canvas.smooth
    assert not again.recent.isVisible()
    assert again.timeline.isVisible()


def test_damaged_window_state_opens_the_default_window(document: Document, qtbot: QtBot) -> None:
    window = open_window(qtbot, document, Settings(values=Values(geometry="AAAA", window_state="%%%")))
    assert window.panel.isVisible()
    assert window.area.isVisible()
    assert not window.isMinimized()


def test_previews_pause_while_nobody_can_see_them(parts: Parts, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    watched: list[bool] = []
    monkeypatch.setattr(parts.engine, "set_watched", watched.append)
    window = open_window(qtbot, parts.document)
    window.showMinimized()
    until(qtbot, lambda: watched[-1:] == [False])
    window.showNormal()
    until(qtbot, lambda: watched[-1] is True)
    window.hide()
    assert watched[-1] is False


# without a mouse, without eyes


def test_every_widget_that_takes_the_focus_has_a_name(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    finish(qtbot, parts.document, prompt="aple", batch=2)
    window.panel.without.open()
    window.panel.advanced.open()
    inner = ("qt_spinbox_lineedit", "qt_scrollarea_viewport")
    nameless = [
        widget
        for widget in window.findChildren(QWidget)
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and widget.isVisible()
        and widget.objectName() not in inner
        and not widget.accessibleName()
    ]
    assert nameless == []


def test_every_focusable_widget_is_reached_by_tab(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    finish(qtbot, parts.document, batch=2)
    window.panel.prompt.text.setFocus()
    reached: list[QWidget] = []
    while (focused := QApplication.focusWidget()) is not None and focused not in reached and len(reached) < 200:
        reached.append(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    wanted = [window.canvas, window.timeline.strip, window.area.batch, window.recent.list, window.panel.generate.button,
              window.panel.steps.field, window.panel.seed.field, window.panel.sampler.choice]  # fmt: skip
    assert [widget.accessibleName() for widget in wanted if widget not in reached] == []


def test_the_focus_can_be_seen_wherever_it_is(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    finish(qtbot, parts.document, batch=2)
    panel = window.panel
    buttons = [button for button in window.area.footer.findChildren(QToolButton) if button.isVisible()]
    places = [window.canvas, window.timeline.strip, window.area.batch, panel.prompt.text, panel.sampler.choice,
              panel.steps.slider, panel.labels.chips[None], panel.generate.button, panel.without.button,
              window.timeline.segments["x"], next(button for button in buttons if button.isEnabled())]  # fmt: skip
    for place, other in zip(places, places[1:] + places[:1], strict=True):
        other.setFocus()
        without = painted(place)
        place.setFocus()
        assert painted(place) != without, place.accessibleName()


def test_a_first_picture_by_keyboard_alone(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    QTest.keyClick(window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    text = window.panel.prompt.text
    assert text.hasFocus()
    QTest.keyClick(text, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(text, "pizza")
    QTest.keyClick(text, Qt.Key.Key_Enter, Qt.KeyboardModifier.ControlModifier)
    until(qtbot, lambda: bool(parts.document.jobs.all) and parts.document.jobs.all[-1].state is JobState.FINISHED)
    assert parts.fake.requests[0].prompt == "pizza"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 800), (960, 620), (1920, 1100)])
def test_nothing_is_cut_off_at_any_size(parts: Parts, qtbot: QtBot, theme: str, size: tuple[int, int]) -> None:
    """All that the panel shows lies within it, the canvas keeps room, and the window is as small as was asked for."""
    window = open_window(qtbot, parts.document, Settings(values=Values(theme=theme)))  # type: ignore[arg-type]
    finish(qtbot, parts.document, batch=3)
    window.resize(*size)
    until(qtbot, lambda: window.size().toTuple() == size)
    panel = window.panel
    for field in (panel.prompt.text, panel.steps, panel.guidance, panel.seed, panel.batch, panel.generate.button):
        left = field.mapTo(panel, QPoint()).x()
        assert left >= 0
        assert left + field.width() <= panel.width()
    assert window.canvas.width() > 300
    assert window.canvas.height() > 150
    assert len(colours(painted(window.panel.steps.field))) > 3  # the number itself is painted


def test_closing_a_window_leaves_no_slot_on_a_dead_widget(document: Document, qtbot: QtBot) -> None:
    """The document outlives it and goes on telling."""
    models, history = make_models(document), make_history(document)
    window = MainWindow(document, make_lab(document), Settings(), make_autosave(document), models, history)
    window.show()
    finish(qtbot, document)
    window.hide()
    shiboken6.delete(window)
    finish(qtbot, document, batch=2, prompt="aple")
    document.shown.step_by(-1)
    document.shown.view = "x"
    document.notice_raised.emit(Notice("info", "Nobody is there to read this."))
