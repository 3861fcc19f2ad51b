"""Keys in the prompt: weights, and the prompts used before."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.request.prompt_history import KEPT, PromptHistory, Walk
from app.ui.request.prompt_keys import PromptKeys
from app.ui.request.prompt_list import PromptList
from app.ui.request.text_field import TextField
from tests.app.conftest import Parts
from tests.app.windows import opened

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def history() -> PromptHistory:
    history = PromptHistory()
    for text in ("an apple", "a rocket", "a cat 🐈 at night"):
        history.add(text, "")
    return history


@pytest.fixture
def field(qtbot: QtBot, history: PromptHistory) -> TextField:
    field = TextField("Prompt", "", 3)
    PromptKeys(field, Walk(history, "prompt"))
    opened(qtbot, field)
    return field


def test_a_weight_is_one_step_of_undo_beside_an_emoji(field: TextField) -> None:
    QTest.keyClicks(field, "x")
    field.insertPlainText("🐈 blue heart")
    QTest.keyClick(field, Qt.Key.Key_Up, CONTROL)
    QTest.keyClick(field, Qt.Key.Key_Up, CONTROL | SHIFT)
    assert field.toPlainText() == "x🐈 blue (heart:1.15)"
    assert field.textCursor().selectedText() == "heart"
    field.undo()
    assert field.toPlainText() == "x🐈 blue (heart:1.1)"
    field.undo()
    assert field.toPlainText() == "x🐈 blue heart"


def test_page_keys_walk_the_earlier_prompts_and_come_back_to_what_was_typed(field: TextField) -> None:
    QTest.keyClicks(field, "a ro")
    seen = []
    for key in [Qt.Key.Key_PageUp] * 4 + [Qt.Key.Key_PageDown] * 4:
        QTest.keyClick(field, key, CONTROL)
        seen.append(field.toPlainText())
    old = ["a cat 🐈 at night", "a rocket", "an apple"]
    assert seen == [*old, old[-1], *old[-2::-1], "a ro", "a ro"]


def test_prompts_last_over_restarts_each_once_newest_first(tmp_path: Path, qapp: QApplication) -> None:
    path = tmp_path / "settings" / "prompts.json"
    first = PromptHistory()
    first.keep_in(path)
    for k in range(KEPT + 2):
        first.add(f"prompt {k}", "")
    first.add("prompt 100", "blurry")
    again = PromptHistory()
    again.keep_in(path)
    texts = again.texts("prompt")
    assert texts[:2] == ("prompt 100", f"prompt {KEPT + 1}")
    assert len(texts) == len(set(texts)) == KEPT
    assert again.texts("negative") == ("blurry",)
    path.write_text('{"version": 1, "prompt": [3, "kept"], "negative": 7', encoding="utf-8")
    PromptHistory().keep_in(path)  # damaged: nothing is read, nothing fails


def test_a_run_puts_its_prompt_into_the_history(parts: Parts, qtbot: QtBot) -> None:
    with qtbot.waitSignal(parts.document.jobs.ended):
        parts.document.generate()
    assert parts.document.prompts.texts("prompt") == ("red apple",)


def test_the_list_finds_words_in_any_order_and_enter_takes_one(history: PromptHistory, qtbot: QtBot) -> None:
    sheet = PromptList(history, "prompt")
    opened(qtbot, sheet)
    taken: list[str] = []
    sheet.taken.connect(taken.append)
    QTest.keyClicks(sheet.search, "NIGHT cat")
    assert sheet.list.count() == 1
    QTest.keyClick(sheet.search, Qt.Key.Key_Return)
    assert taken == ["a cat 🐈 at night"]
