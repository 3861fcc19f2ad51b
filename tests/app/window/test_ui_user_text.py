"""A person's text is shown as it is, and widens nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.notices import Notice
from app.core.shown.naming import shorten, title_of
from app.ui.widgets.chip import chip
from app.ui.widgets.elided_button import ElidedButton
from app.ui.widgets.plain_tip import plain_tip
from app.ui.window.main_window import MainWindow
from engine.spec.catalog import ModelInfo
from tests.app.conftest import Parts
from tests.app.windows import finish, open_window, opened, until
from tests.fakes.engine import FakeEngine

LONG = "salt & pepper, masterpiece, " + "soft light, " * 27


@pytest.fixture
def window(parts: Parts, qtbot: QtBot) -> MainWindow:
    return open_window(qtbot, parts.document)


@pytest.mark.parametrize("prompt", [LONG, "x" * 3999, "a\nb " * 900])
def test_a_long_prompt_widens_no_window(window: MainWindow, parts: Parts, qtbot: QtBot, prompt: str) -> None:
    document = parts.document
    narrow = window.minimumSizeHint().width()
    finish(qtbot, document, prompt=prompt)
    document.shown.scrub(1)
    job = document.fork()
    assert job is not None
    until(qtbot, lambda: job.state.ended and window.timeline.parent_link.isVisible())
    assert window.panel.prompt.hint.word
    assert window.minimumSizeHint().width() < narrow + 200
    assert window.panel.minimumSizeHint().width() <= window.panel.width()
    assert len(window.windowTitle()) < 150
    window.area.notices.raise_notice(Notice("error", prompt))
    assert window.minimumSizeHint().width() < narrow + 200


def test_an_ampersand_is_a_sign_and_no_mark_of_a_key(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    finish(qtbot, document, prompt="salt & pepper")
    document.shown.scrub(1)
    job = document.fork()
    assert job is not None
    until(qtbot, lambda: job.state.ended and window.timeline.parent_link.isVisible())
    assert "“salt && pepper”" in window.timeline.parent_link.text()
    assert "“salt & pepper”" in window.timeline.parent_link.accessibleName()
    assert chip("black & white", lambda: None).text() == "black && white"


def test_an_elided_button_is_as_narrow_as_its_layout(qtbot: QtBot) -> None:
    button = ElidedButton()
    short_width = button.minimumSizeHint().width()
    button.show_text("soft light, " * 300)
    opened(qtbot, button, 80, 30)
    assert button.minimumSizeHint().width() == short_width
    clicks = []
    button.clicked.connect(lambda: clicks.append(1))
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert clicks == [1]


def test_labels_of_a_model_are_cut(make_parts: Callable[..., Parts], model: ModelInfo, qtbot: QtBot) -> None:
    parts = make_parts(FakeEngine())
    window = open_window(qtbot, parts.document)
    narrow = window.panel.minimumSizeHint().width()
    odd = replace(model, id="odd", title="T" * 300, labels=("l" * 300, "black & white"), label_kind="k" * 300)
    parts.document.draft.model = odd
    assert window.panel.minimumSizeHint().width() <= narrow + 1
    assert window.panel.labels.chips["l" * 300].accessibleName() == "L" + "l" * 299


@pytest.mark.parametrize("text", ["<b>bold</b>", "<img src='file:///etc/passwd'>", "a < b\nc"])
def test_a_tip_shows_each_sign(text: str) -> None:
    tip = plain_tip(text)
    if tip.startswith("<qt>"):
        assert "&lt;" in tip
        assert "<b>" not in tip
        assert "<img" not in tip
    else:
        assert tip == text


def test_text_in_a_sentence_is_one_short_line() -> None:
    assert shorten("red\n apple") == "red apple"
    assert shorten("x" * 80) == "x" * 80
    assert shorten("x" * 81) == "x" * 79 + "…"
    assert len(shorten("a b " * 10**6)) <= 80


def test_a_title_is_short(parts: Parts, qtbot: QtBot) -> None:
    finish(qtbot, parts.document, prompt=LONG)
    assert parts.document.shown.run is not None
    assert len(title_of(parts.document.shown.run.request)) <= 82


@pytest.mark.parametrize("word", ["x" * 300, "/home/" + "deep" * 60 + "/file.png", "ä" * 41])
def test_a_notice_shows_its_longest_word_in_full(window: MainWindow, parts: Parts, qtbot: QtBot, word: str) -> None:
    bar = window.area.notices
    text = f"It could not be saved as {word}: choose another name."
    bar.raise_notice(Notice("error", text))
    until(qtbot, bar.isVisible)
    metrics = bar.text.fontMetrics()
    flags = Qt.TextFlag.TextWordWrap
    for width in (bar.text.width(), 90):
        laid = metrics.boundingRect(QRect(0, 0, width, 10_000), flags, bar.text.text())
        assert laid.width() <= width
    assert bar.text.height() >= bar.text.heightForWidth(bar.text.width())
    assert bar.text.plain == text
    assert text in bar.accessibleName()


def test_what_is_copied_from_a_notice_is_the_text_that_was_given(window: MainWindow, qtbot: QtBot) -> None:
    bar, word = window.area.notices, "x" * 100
    bar.raise_notice(Notice("error", f"Saved as {word}"))
    until(qtbot, bar.isVisible)
    bar.text.setFocus()
    QTest.keyClick(bar.text, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == f"Saved as {word}"
    bar.text.setSelection(9, len(bar.text.text()) - 9)
    QTest.keyClick(bar.text, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == word
