"""The tokens of the prompt are counted while it is typed, and wildcard folders belong to every draft."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.request.draft_model import DraftModel
from app.core.request.run_costs import Prices
from app.core.request.token_count import TokenCount
from app.core.request.vocabulary import Vocabulary
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft
from engine.spec.prompt.chunks import Used
from tests.app.conftest import Parts, count
from tests.app.windows import open_window

LIMITED = {"conditioning": {"text": {"encoder": "minilm", "length": 16}}}


@pytest.fixture
def limited(model: ModelInfo) -> ModelInfo:
    """A model that reads 14 words."""
    return replace(model, id="limited", config=model.config | LIMITED)


@pytest.fixture
def draft(model: ModelInfo, limited: ModelInfo) -> DraftModel:
    clip = replace(model, id="clip", takes=model.takes | {"clip_skip"})
    return DraftModel([limited, model, clip], Prices())


@pytest.fixture
def tokens(draft: DraftModel, qtbot: QtBot) -> Iterator[TokenCount]:
    made = TokenCount(draft)
    yield made
    made.close()


def test_tokens_are_counted_of_what_the_model_reads(draft: DraftModel, tokens: TokenCount, qtbot: QtBot) -> None:
    draft.update(prompt="a (red:1.3) apple")
    assert tokens.used is None
    with qtbot.waitSignal(tokens.changed):
        tokens.start()
    assert tokens.used == Used(3, 14)
    told = count(tokens.changed)
    draft.update(prompt="apple " * 20)
    assert tokens.used == Used(20, 14)
    draft.update(steps=9)
    assert len(told) == 1
    draft.model = draft.models[1]
    assert tokens.used is None
    with qtbot.waitSignal(tokens.changed):
        draft.model = draft.models[2]
    draft.update(prompt="red apple, " * 26)
    assert tokens.used == Used(78, 150)


def test_the_drawn_prompt_is_counted(draft: DraftModel, tokens: TokenCount, tmp_path: Path, qtbot: QtBot) -> None:
    with qtbot.waitSignal(tokens.changed):
        draft.update(prompt="{red|green} __thing__")
        tokens.start()
    draft.wildcards = (str(tmp_path),)
    (tmp_path / "thing.txt").write_text("apple with a leaf\n", encoding="utf-8")
    draft.roll_seed()
    assert tokens.used == Used(5, 14)


def test_a_tokenizer_that_is_missing_counts_nothing(draft: DraftModel, tokens: TokenCount, qtbot: QtBot) -> None:
    lost = replace(draft.model, id="lost", config={"conditioning": {"text": {"encoder": "nowhere", "length": 16}}})
    draft.update(prompt="red")
    draft.model = lost
    tokens.start()
    qtbot.waitUntil(lambda: tokens._background.idle)
    assert tokens.used is None


def test_the_panel_shows_them_beside_the_heading(parts: Parts, qtbot: QtBot) -> None:
    parts.document.draft.model.config.update(LIMITED)
    window = open_window(qtbot, parts.document)
    field = window.panel.prompt
    assert field.count.text() == ""
    with qtbot.waitSignal(parts.document.tokens.changed):
        parts.document.tokens.start()
    field.text.setFocus()
    field.text.selectAll()
    QTest.keyClicks(field.text, "a red apple")
    assert field.count.text() == "3 of 14 tokens"
    assert field.count.property("rank") == "muted"
    parts.document.draft.update(prompt="apple " * 16)
    assert field.count.text() == "16 of 14 tokens"
    assert field.count.property("rank") == "alarm"
    assert "the last 2 are left out" in field.count.toolTip()
    parts.document.draft.update(prompt="")
    assert field.count.text() == ""
    parts.document.tokens.close()


# wildcards


def test_a_folder_of_lists_stays_whatever_settings_are_restored(document: Document) -> None:
    told = count(document.draft.changed)
    document.draft.wildcards = ("lists",)
    document.draft.wildcards = ("lists",)
    assert len(told) == 1
    document.draft.current = Draft.for_model(document.draft.models[1], prompt="restored")
    assert (document.draft.current.prompt, document.draft.current.wildcards) == ("restored", ("lists",))
    document.draft.model = document.draft.models[0]
    assert document.draft.wildcards == ("lists",)


def test_the_folder_is_chosen_in_the_file_menu(parts: Parts, tmp_path: Path, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    window.files.use_wildcards(str(tmp_path))
    assert parts.document.draft.wildcards == (str(tmp_path),)
    assert parts.notices[-1].text == f"{tmp_path} has no lists: add name.txt."
    (tmp_path / "colour.txt").write_text("red", encoding="utf-8")
    window.files.use_wildcards(str(tmp_path))
    assert parts.notices[-1].text == "Write __name__ in a prompt to draw a line of name.txt."


def test_weights_and_lists_are_no_unknown_words() -> None:
    words = Vocabulary(frozenset({"red", "apple"}))
    assert words.unknown("(red:1.3) __colour__ [apple] {red|apple}") == []
    assert [word.word for word in words.unknown("(blue:1.3) (x: 2) at 7:30")] == ["blue", "x", "at", "7", "30"]
    assert words.unknown("(red:1.3) pear")[0].start == 10
