"""The morph room in the window: built, made, scrubbed, played and exported with real keys and a real pointer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QImage, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.settings import Settings, Values
from app.ui.morph.film_files import Films
from app.ui.morph.film_sheet import FilmSheet
from app.ui.window.main_window import MainWindow
from engine.jobs.generate import Generate
from engine.jobs.morph import Morphing
from engine.morph.film import read
from engine.spec.guides import Aim, ClipGuide
from tests.app.conftest import Parts
from tests.app.windows import drag, finish, open_window, painted, until, wheel
from tests.fakes.engine import FakeEngine
from tests.fakes.morph import morphed

LEFT = Qt.MouseButton.LeftButton
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def fake() -> FakeEngine:
    fake = FakeEngine()
    fake.answers[Morphing] = morphed
    return fake


@pytest.fixture
def by_hand() -> FakeEngine:
    fake = FakeEngine(by_hand=True)
    fake.answers[Morphing] = morphed
    return fake


def opened(qtbot: QtBot, document: Document, theme: str = "dark") -> MainWindow:
    window = open_window(qtbot, document, Settings(values=Values(theme=theme)))  # type: ignore[arg-type]
    QTest.keyClick(window.panel.prompt.text, Qt.Key.Key_F4)
    return window


@pytest.fixture
def window(qtbot: QtBot, document: Document) -> MainWindow:
    return opened(qtbot, document)


def with_keys(window: MainWindow, *seeds: int) -> MainWindow:
    for seed in seeds:
        window.morph.keys.add_seed(seed)
    return window


def make(window: MainWindow, qtbot: QtBot, **choices: object) -> None:
    window.morph.choose(**choices)
    QTest.keyClick(window.morph_view.stage, Qt.Key.Key_Return, CONTROL)
    until(qtbot, lambda: window.morph.film is not None and not window.morph.rendering)


def seeds(window: MainWindow) -> list[int]:
    return [frame.key.seed for frame in window.morph.keys.frames]


def on_key(window: MainWindow, n: int) -> QPoint:
    return window.morph_view.keys.cell(n).center().toPoint()


def on_frame(window: MainWindow, k: int) -> QPoint:
    slots = window.morph_timeline.strip.slots
    return QPoint(round(slots.centre(k)), round(slots.top + slots.side / 2))


# the way in and out


def test_a_key_opens_it_in_the_pictures_place_and_closes_it(window: MainWindow) -> None:
    assert window.area.stack.currentWidget() is window.morph_view
    assert window.morph_panel.isVisible()
    assert window.morph_timeline.isVisible()
    assert window.recent.isVisible()
    assert not window.panel.isVisible()
    assert not window.area.footer.isVisible()
    assert window.windowTitle() == "Morph — Tweedie Studio"
    QTest.keyClick(window.morph_view.first, Qt.Key.Key_Escape)
    assert window.area.stack.currentWidget() is window.area.welcome
    assert window.panel.isVisible()
    assert not window.morph_view.isVisible()
    QTest.keyClick(window, Qt.Key.Key_F4)
    QTest.keyClick(window, Qt.Key.Key_F2)
    assert window.pages.name == "lab"
    assert not window.recent.isVisible()
    QTest.keyClick(window, Qt.Key.Key_F4)
    assert window.pages.name == "morph"
    assert window.recent.isVisible()


def test_before_the_first_key_frame_it_says_how_to_begin(window: MainWindow, qtbot: QtBot) -> None:
    first = window.morph_view.first
    assert first.isVisible()
    assert not window.morph_view.footer.isVisible()
    assert not first.buttons["morph-add-shown"].isEnabled(), "there is no picture yet"
    assert not window.morph_panel.button.isEnabled()
    assert "two key frames or more" in window.morph_panel.note.text()
    QTest.mouseClick(first.buttons["morph-add-seed"], LEFT)
    assert len(window.morph.keys.frames) == 1
    assert window.morph_view.stage.isVisible()
    assert window.morph_view.stage.accessibleDescription() == "One more key frame, then Generate"


def test_guides_of_the_page_pictures_are_no_dead_end(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    with_keys(window, 3, 4)
    document.draft.update(guides=(ClipGuide(clip="emoji-clip", aims=(Aim("apple"),)),))
    assert document.draft.current.guides
    assert "left out" in window.morph_panel.result.text()
    make(window, qtbot, frames=3)
    assert window.morph.result is not None
    assert window.morph.result.morph.request.guides == ()


# key frames


def test_the_shown_picture_becomes_a_key_frame(qtbot: QtBot, document: Document) -> None:
    window = open_window(qtbot, document)
    finish(qtbot, document, prompt="rocket", seed=5)
    until(qtbot, lambda: document.shown.cursor == document.shown.step_count - 1)
    QTest.keyClick(window.canvas, Qt.Key.Key_B, CONTROL)
    assert seeds(window) == [5]
    assert window.pages.name == "pictures"
    assert "Key frame 1 of the morph: rocket." in window.area.notices.text.plain


def test_a_click_on_a_picture_of_this_session_adds_it(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    finish(qtbot, document, prompt="rocket", label="noto", seed=5, batch=2)
    until(qtbot, lambda: window.recent.list.count() == 2)
    item = window.recent.list.item(1)
    QTest.mouseClick(window.recent.list.viewport(), LEFT, pos=window.recent.list.visualItemRect(item).center())
    until(qtbot, lambda: len(window.morph.keys.frames) == 1)
    (frame,) = window.morph.keys.frames
    assert (frame.key.seed, frame.key.prompt, frame.key.label, frame.encoded) == (6, "rocket", "noto", False)
    assert window.pages.name == "morph"


def test_files_that_are_dropped_become_key_frames(
    window: MainWindow, document: Document, tmp_path: Path, qtbot: QtBot
) -> None:
    paths = [tmp_path / f"{n}.png" for n in range(2)]
    for n, path in enumerate(paths):
        Image.new("RGB", (24, 16), (90 * n, 9, 9)).save(path)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    how = Qt.DropAction.CopyAction, mime, LEFT, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(300, 300), *how))
    assert window._drops.hint.text == "Drop to add 2 key frames"
    QApplication.sendEvent(window, QDropEvent(QPointF(300, 300), *how))
    until(qtbot, lambda: len(window.morph.keys.frames) == 2)
    assert all(frame.encoded for frame in window.morph.keys.frames)
    assert not document.artwork.is_open
    assert window.pages.name == "morph"


def test_they_are_reordered_by_a_drag(window: MainWindow) -> None:
    with_keys(window, 3, 4, 5)
    strip = window.morph_view.keys
    past_last = on_key(window, 2) + QPoint(round(strip.pitch), 0)
    drag(strip, LEFT, on_key(window, 0), on_key(window, 1), past_last)
    assert seeds(window) == [4, 5, 3]
    drag(strip, LEFT, on_key(window, 2), on_key(window, 1), on_key(window, 0) - QPoint(20, 0))
    assert seeds(window) == [3, 4, 5]
    drag(strip, LEFT, on_key(window, 1), on_key(window, 1) + QPoint(3, 0))
    assert seeds(window) == [3, 4, 5], "a click is no drag"
    assert window.morph.keys.selected == 1


def test_they_are_selected_reordered_and_removed_by_keys(window: MainWindow) -> None:
    with_keys(window, 3, 4, 5)
    strip, keys = window.morph_view.keys, window.morph.keys
    strip.setFocus()
    QTest.keyClick(strip, Qt.Key.Key_Left)
    assert keys.selected == 1
    assert strip.accessibleDescription().startswith("Key frame 2 of 3")
    QTest.keyClick(strip, Qt.Key.Key_Left, CONTROL)
    assert (seeds(window), keys.selected) == ([4, 3, 5], 0)
    QTest.keyClick(strip, Qt.Key.Key_Left, CONTROL)
    assert seeds(window) == [4, 3, 5]
    QTest.keyClick(strip, Qt.Key.Key_Right, CONTROL)
    assert seeds(window) == [3, 4, 5]
    QTest.keyClick(strip, Qt.Key.Key_Delete)
    assert seeds(window) == [3, 5]
    QTest.keyClick(strip, Qt.Key.Key_Delete, SHIFT)
    assert seeds(window) == []
    assert window.morph_view.first.isVisible()


def test_the_panel_is_about_the_selected_key_frame(window: MainWindow) -> None:
    with_keys(window, 3, 4)
    panel, keys = window.morph_panel, window.morph.keys
    assert panel.key_name.text() == "Key frame 2 of 2"
    panel.prompt.setFocus()
    panel.prompt.selectAll()
    QTest.keyClicks(panel.prompt, "cat face")
    panel.labels.setCurrentIndex(panel.labels.findData("twemoji"))
    panel.labels.activated.emit(panel.labels.currentIndex())
    panel.seed.setFocus()
    panel.seed.selectAll()
    QTest.keyClicks(panel.seed, "77")
    QTest.keyClick(panel.seed, Qt.Key.Key_Return)
    key = keys.frames[1].key
    assert (key.prompt, key.label, key.seed) == ("cat face", "twemoji", 77)
    QTest.mouseClick(window.morph_view.keys, LEFT, pos=on_key(window, 0))
    assert panel.key_name.text() == "Key frame 1 of 2"
    assert (panel.prompt.toPlainText(), panel.seed.text()) == ("red apple", "3")


def test_settings_are_set_by_the_panel(window: MainWindow) -> None:
    panel = window.morph_panel
    assert not panel.at.isVisible()
    panel.frames.field.setFocus()
    panel.frames.field.selectAll()
    QTest.keyClicks(panel.frames.field, "12")
    QTest.keyClick(panel.frames.field, Qt.Key.Key_Return)
    for box, value in ((panel.way, "mix"), (panel.loop, "back"), (panel.easing, "in")):
        box.setCurrentIndex(box.findData(value))
        box.activated.emit(box.currentIndex())
    choices = window.morph.choices
    assert (choices.frames, choices.way, choices.loop, choices.easing) == (12, "mix", "back", "in")
    assert panel.at.isVisible()
    assert not panel.large.isVisible(), "this model has no second stage"


# making it


def test_generate_makes_the_frames_and_esc_keeps_them(qtbot: QtBot, hand_parts: Parts) -> None:
    window = with_keys(opened(qtbot, hand_parts.document), 3, 4)
    window.morph.choose(frames=6)
    assert window.morph_panel.note.text().startswith("6 frames, 60 model calls")
    QTest.mouseClick(window.morph_panel.button, LEFT)
    assert window.morph_panel.button.text() == "Cancel"
    hand_parts.fake.allow(6)
    until(qtbot, lambda: window.morph.step_count == 2)
    assert window.morph_timeline.progress.isVisible()
    assert window.morph_timeline.progress.share == pytest.approx(2 / 6)
    assert window.morph_timeline.facts.text() == "Frame 2 of 6"
    QTest.keyClick(window.morph_view.stage, Qt.Key.Key_Escape)
    until(qtbot, lambda: not window.morph.rendering)
    assert window.morph.step_count == 2
    assert window.morph_panel.button.text() == "Generate"
    assert "stopped at 2 of 6" in window.morph_timeline.facts.text()
    assert not window.actions_["morph-export"].isEnabled()
    assert "stopped" in window.actions_["morph-export"].toolTip()
    hand_parts.fake.allow(100)
    QTest.keyClick(window.morph_view.stage, Qt.Key.Key_Return, CONTROL)
    until(qtbot, lambda: window.morph.film is not None)


def test_a_picture_may_be_made_meanwhile(qtbot: QtBot, hand_parts: Parts) -> None:
    window = with_keys(opened(qtbot, hand_parts.document), 3, 4)
    window.morph.start()
    hand_parts.fake.allow(4)
    until(qtbot, lambda: window.morph.step_count == 1)
    job = hand_parts.document.generate()
    assert job is not None
    until(qtbot, lambda: isinstance(hand_parts.fake.jobs[-1], Generate))  # begun between two calls of the morph
    hand_parts.fake.allow(job.request.steps)
    until(qtbot, lambda: job.state.ended)
    assert window.morph.rendering
    assert window.morph.step_count == 1
    window.morph.cancel()
    until(qtbot, lambda: not window.morph.rendering)


def test_the_frame_under_the_cursor_is_on_the_stage(window: MainWindow, qtbot: QtBot) -> None:
    make(with_keys(window, 3, 4), qtbot, frames=5)
    stage = window.morph_view.stage
    shots = []
    for k in (0, 2, 4):
        drag(window.morph_timeline.strip, LEFT, on_frame(window, k))
        assert window.morph.cursor == k
        image = window.morph.image
        assert image is not None
        shot = painted(stage)
        assert near(shot, stage.frame.topLeft().toPoint() + QPoint(4, 4), QColor(image.pixel(0, 0)))
        shots.append(shot)
    assert shots[0] != shots[1] != shots[2]


def near(shot: QImage, at: QPoint, colour: QColor, by: int = 3) -> bool:
    return off(QColor(shot.pixel(at)), colour) <= by


def off(a: QColor, b: QColor) -> int:
    """The largest difference of a channel."""
    return max(abs(a.red() - b.red()), abs(a.green() - b.green()), abs(a.blue() - b.blue()))


def test_the_timelines_keys_scrub_and_play_it(window: MainWindow, qtbot: QtBot) -> None:
    make(with_keys(window, 3, 4), qtbot, frames=5, rate=60)
    morph = window.morph
    for target in (window.morph_view.stage, window.morph_timeline.strip):
        target.setFocus()
        for key, frame in ((Qt.Key.Key_Home, 0), (Qt.Key.Key_Right, 1), (Qt.Key.Key_End, 4), (Qt.Key.Key_Left, 3)):
            QTest.keyClick(target, key)
            assert morph.cursor == frame
        wheel(target, target.rect().center().toPointF(), 1)
        assert morph.cursor == 2
        QTest.keyClick(target, Qt.Key.Key_Space)
        assert morph.playing
        assert window.actions_["play"].text() == "Pause"
        until(qtbot, lambda: not morph.playing)
        assert morph.cursor == 4
    assert window.document.shown.cursor == -1, "the pictures' timeline stands still"


def test_both_norms_are_drawn_and_described(window: MainWindow, qtbot: QtBot) -> None:
    make(with_keys(window, 3, 4), qtbot, frames=5, easing="linear")
    strip = window.morph_timeline.strip
    window.morph.scrub(2)
    assert "norm of x_T 1.000 spherical, 0.707 linear" in window.morph_timeline.facts.text()
    shot = painted(strip)
    row, slots = strip.rows[0], strip.slots
    columns = {
        QColor(shot.pixel(round(slots.centre(1) + slots.pitch / 3), y)).name()
        for y in range(round(row.top()), round(row.bottom()))
    }
    palette = strip.palette()
    for role in (QPalette.ColorRole.Highlight, QPalette.ColorRole.PlaceholderText):
        ink = palette.color(role)
        assert any(off(QColor(c), ink) < 40 for c in columns)


def test_a_picture_says_how_near_it_came_back(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    Image.new("RGB", (24, 16), (90, 9, 9)).save(tmp_path / "a.png")
    with_keys(window, 3)
    window.morph.keys.add_file(tmp_path / "a.png")
    until(qtbot, lambda: len(window.morph.keys.frames) == 2)
    assert "encoded along the flow" in window.morph_panel.about.text()
    assert not window.morph_panel.seed.isVisible()
    make(window, qtbot, frames=3)
    assert "It came back to 40.0 dB." in window.morph_panel.about.text()
    assert "40.0 dB from its picture" in window.morph_timeline.facts.text()


# out


def test_a_film_goes_out_by_keys_alone(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    make(with_keys(window, 3, 4), qtbot, frames=5, loop="pingpong")
    QTest.keyClick(window.morph_view.stage, Qt.Key.Key_M, CONTROL | SHIFT)
    films: Films = window.films
    sheet = films.sheet
    assert isinstance(sheet, FilmSheet)
    qtbot.waitExposed(sheet)
    assert sheet.said.text() == "8 frames of 192 × 128, 0.5 s, WebP"
    sheet.factor.setValue(2)
    assert sheet.said.text() == "8 frames of 48 × 32, 0.5 s, WebP"
    QTest.keyClick(sheet, Qt.Key.Key_Return)
    dialog = films.dialog
    assert dialog is not None
    assert dialog.selectedFiles()[0].endswith("red-apple-red-apple.webp")
    dialog.fileSelected.emit(str(tmp_path / "film.webp"))
    dialog.close()
    until(qtbot, lambda: (tmp_path / "film.webp").exists() and not window.filming.busy)
    assert window.morph.film is not None
    assert read(tmp_path / "film.webp") == window.morph.film[0]
    assert str(tmp_path / "film.webp") in window.area.notices.text.plain


def test_the_sheet_explains_unavailable_formats(window: MainWindow, qtbot: QtBot) -> None:
    make(with_keys(window, 3, 4), qtbot, frames=5, rate=60)
    window.films.export()
    sheet = window.films.sheet
    assert sheet is not None
    sheet.kind.setCurrentIndex(sheet.kind.findData(".gif"))
    sheet.kind.activated.emit(sheet.kind.currentIndex())
    assert "at most 50 frames a second" in sheet.said.text()
    assert not sheet.yes.isEnabled()
    sheet.close()


def test_a_single_frame_is_saved_with_its_morph(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    make(with_keys(window, 3, 4), qtbot, frames=5)
    window.morph.scrub(2)
    QTest.keyClick(window.morph_view.stage, Qt.Key.Key_S, CONTROL)
    dialog = window.films.dialog
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "one.png"))
    dialog.close()
    assert window.morph.film is not None
    morph, frames = window.morph.film
    assert read(tmp_path / "one.png") == morph
    with Image.open(tmp_path / "one.png") as image:
        np.testing.assert_array_equal(np.asarray(image), frames[2])


# for everybody


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_painted_in_the_themes_colours(qtbot: QtBot, document: Document, theme: str) -> None:
    window = with_keys(opened(qtbot, document, theme), 3, 4)
    make(window, qtbot, frames=5)
    palette = window.palette()
    strip = painted(window.morph_view.keys)
    assert near(strip, QPoint(strip.width() - 3, 3), palette.color(QPalette.ColorRole.Window))
    stage = painted(window.morph_view.stage)
    assert near(stage, QPoint(5, 5), palette.color(QPalette.ColorRole.Dark))


def test_everything_is_reached_by_the_tab_key_and_has_a_name(window: MainWindow, qtbot: QtBot) -> None:
    make(with_keys(window, 3, 4), qtbot, frames=3)
    inner = ("qt_spinbox_lineedit", "qt_scrollarea_viewport")
    rooms = (window.morph_panel, window.morph_view, window.morph_timeline)
    focusable = [
        widget
        for room in rooms
        for widget in room.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible() and widget.objectName() not in inner
        and widget.isEnabled() and widget.focusProxy() is None
    ]  # fmt: skip
    assert [widget for widget in focusable if not widget.accessibleName()] == []
    window.morph_view.stage.setFocus()
    reached: list[QWidget] = []
    while (focused := QApplication.focusWidget()) is not None and focused not in reached and len(reached) < 200:
        reached.append(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    panel = window.morph_panel
    wanted = [window.morph_view.stage, window.morph_view.keys, window.morph_timeline.strip, panel.prompt, panel.labels,
              panel.seed, panel.way, panel.loop, panel.easing, panel.button, window.morph_timeline.export]  # fmt: skip
    assert [widget.accessibleName() for widget in wanted if widget not in reached] == []
