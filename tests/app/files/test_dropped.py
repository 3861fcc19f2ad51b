"""Pictures dropped on the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragLeaveEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.ui.window.main_window import MainWindow
from tests.app.conftest import Parts
from tests.app.files.conftest import SUITS, drop, enter, files, opened, saved
from tests.app.windows import colours, finish, painted, until

# in: drop


def test_a_picture_dropped_on_the_window_is_on_the_canvas(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    path = saved(tmp_path, SUITS)
    assert enter(window, files(path), QPoint(50, 50))
    hint = window._drops.hint
    assert hint.isVisible()
    assert hint.size() == window.area.size()
    assert hint.text == "Drop to open this picture"
    assert len(colours(painted(hint).scaled(80, 60))) > 3
    assert drop(window, files(path))
    assert not hint.isVisible()
    opened(qtbot, document, SUITS)
    assert document.editing.shows_artwork
    assert document.artwork.title == "holiday"
    assert window.canvas.isVisible()
    assert window.canvas.hasFocus()


def test_it_may_be_dropped_on_the_prompt_the_canvas_or_the_timeline_as_well(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    """Whatever lies under the pointer, the drag comes up to the window."""
    finish(qtbot, document)
    mime = files(saved(tmp_path, SUITS))
    for widget in (window.panel.prompt.text.viewport(), window.canvas, window.timeline.strip, window.recent):
        assert enter(widget, mime, QPoint(3, 3)), type(widget).__name__
        assert window._drops.hint.isVisible()
        QApplication.sendEvent(window, QDragLeaveEvent())


def test_a_drag_that_leaves_again_leaves_no_hint(window: MainWindow, document: Document, tmp_path: Path) -> None:
    enter(window, files(saved(tmp_path, SUITS)), QPoint(50, 50))
    assert window._drops.hint.isVisible()
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert not window._drops.hint.isVisible()
    assert not document.artwork.is_open


def test_words_are_not_taken_from_the_prompt(window: MainWindow, tmp_path: Path) -> None:
    words = QMimeData()
    words.setText("red apple")
    assert not enter(window, words, QPoint(50, 50))
    assert not window._drops.hint.isVisible()
    assert window.panel.prompt.text.canInsertFromMimeData(words)
    assert not window.panel.prompt.text.canInsertFromMimeData(files(tmp_path / "a.png")), "the window takes files"


def test_the_first_of_several_files_is_opened_with_a_notice(
    window: MainWindow, document: Document, parts: Parts, qtbot: QtBot, tmp_path: Path
) -> None:
    first, second = saved(tmp_path, SUITS, "a.png"), saved(tmp_path, 255 - SUITS, "b.png")
    enter(window, files(first, second), QPoint(50, 50))
    assert window._drops.hint.text == "Drop to open the first of 2 files"
    drop(window, files(first, second))
    opened(qtbot, document, SUITS)
    assert any(notice.text.startswith("Of 2 files the first is opened, a.png") for notice in parts.notices)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path / "gone.png", "gone.png is not there"),
        (lambda path: path, "is a folder: choose a picture in it"),
        (lambda path: (path / "notes.txt", (path / "notes.txt").write_text("words"))[0], "is not a picture that can"),
        (lambda path: (path / "none.png", (path / "none.png").touch())[0], "none.png is empty"),
    ],
)
def test_what_is_no_picture_is_one_notice_and_nothing_changes(
    window: MainWindow, document: Document, parts: Parts, qtbot: QtBot, tmp_path: Path,
    make: Callable[[Path], Path], says: str,
) -> None:  # fmt: skip
    drop(window, files(make(tmp_path)))
    until(qtbot, lambda: parts.notices)
    assert [notice.level for notice in parts.notices] == ["error"]
    assert says in parts.notices[0].text
    assert not document.artwork.is_open
    assert window.area.notices.isVisible()


def test_a_picture_on_another_machine_is_not_fetched(window: MainWindow, parts: Parts) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/cat.png")])
    drop(window, mime)
    assert [notice.text for notice in parts.notices] == [
        "That picture is on another machine, and the studio does not go there: save it first, then open it."
    ]


def test_the_last_of_two_opened_pictures_stays(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    heard: list[str] = []
    document.artwork.opened.connect(lambda: heard.append(document.artwork.title))
    drop(window, files(saved(tmp_path, SUITS, "first.png")))
    drop(window, files(saved(tmp_path, 255 - SUITS, "second.png")))
    opened(qtbot, document, 255 - SUITS)
    until(qtbot, lambda: window.files.opener._background.idle)
    assert heard == ["second"]


@pytest.mark.parametrize(("choice", "seed"), [("Use its settings", 11), ("All but the seed", 22)])
def test_a_picture_of_the_studio_offers_its_settings_and_its_seed(
    choice: str, seed: int, window: MainWindow, document: Document, parts: Parts, qtbot: QtBot
) -> None:
    job = finish(qtbot, document, prompt="rocket", steps=7, seed=11)
    document.draft.update(prompt="apple", steps=3, seed=22)
    drop(window, files(job.images[0]))
    until(qtbot, lambda: document.artwork.is_open)
    until(qtbot, lambda: parts.notices and "how it was made" in parts.notices[-1].text)
    assert document.draft.current.prompt == "apple", "not before they are asked for"
    bar = window.area.notices
    (button,) = (button for button in bar.actions_ if button.text() == choice and button.isVisible())
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert (document.draft.current.prompt, document.draft.current.steps, document.draft.current.seed) == (
        "rocket",
        7,
        seed,
    )
    assert not bar.isVisible()


def test_a_drop_on_the_lab_returns_to_the_canvas(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    window.show_page("lab")
    drop(window, files(saved(tmp_path, SUITS)))
    until(qtbot, lambda: document.artwork.is_open)
    assert window.pages.name == "pictures"
    assert window.canvas.isVisible()
