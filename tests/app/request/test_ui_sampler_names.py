"""The sampler list finds the names of other studios."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.ui.request.sampler_picker import SamplerPicker, find_row
from engine.rules import menu
from engine.spec.foreign_samplers import other_names, plain
from tests.app.windows import until


@pytest.fixture
def picker(document: Document, qtbot: QtBot) -> SamplerPicker:
    picker = SamplerPicker(document.draft)
    qtbot.addWidget(picker)
    with qtbot.waitExposed(picker):
        picker.show()
    return picker


@pytest.mark.parametrize(("typed", "sampler"), [("dpm2a", "dpm-2-a"), ("lms", "lms"), ("dpm++2s", "dpmpp-2s-a")])
def test_a_typed_foreign_name_chooses_its_sampler(
    typed: str, sampler: str, picker: SamplerPicker, document: Document
) -> None:
    picker.choice.setFocus()
    QTest.keyClicks(picker.choice, typed)
    assert document.draft.current.sampler == sampler


def test_the_open_list_finds_a_name_with_a_space(picker: SamplerPicker, document: Document, qtbot: QtBot) -> None:
    choice = picker.choice
    choice.showPopup()
    until(qtbot, choice.view().isVisible)
    QTest.keyClicks(choice.view(), "euler a")
    QTest.keyClick(choice.view(), Qt.Key.Key_Return)
    until(qtbot, lambda: not choice.view().isVisible())
    assert document.draft.current.sampler == "ddpm"
    row = choice.findData("ddpm")
    assert "Euler a" in choice.itemData(row, Qt.ItemDataRole.ToolTipRole)


def test_a_whole_name_comes_before_a_beginning_and_a_beginning_before_a_part() -> None:
    names = [[plain(one) for one in (rule.title, name, *other_names(name))] for name, rule in menu().items()]
    found = {typed: list(menu())[find_row(names, typed)] for typed in ("euler", "euler a", "DPM++ 2M", "sde", "heun")}
    assert found == {
        "euler": "ddim",
        "euler a": "ddpm",
        "DPM++ 2M": "dpmpp-2m",
        "sde": "dpmpp-2m-sde",
        "heun": "heun",
    }
    assert find_row(names, "nothing") == -1
    assert find_row(names, " ") == -1
