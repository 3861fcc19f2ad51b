"""The Model field: its list searches, walks and chooses with the keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.models.studio_models import StudioModels
from app.ui.models.picker import ModelPicker
from tests.app.conftest import count
from tests.app.models.conftest import settle
from tests.app.windows import opened
from tests.fakes.checkpoints import single_file, write_hollow

Key = Qt.Key


@pytest.fixture
def opens_page() -> QAction:
    """The command of the line under the list."""
    return QAction("Models…")


@pytest.fixture
def field(qtbot: QtBot, document: Document, models: StudioModels, shelf: Path, opens_page: QAction) -> ModelPicker:
    """The field alone, with a folder of models."""
    write_hollow(shelf / "night.safetensors", single_file("unet-xl-sd"))
    models.library.add([shelf])
    settle(qtbot, models)
    field = ModelPicker(document.draft, models.choice, models.thumbnails, opens_page)
    opened(qtbot, field, 300, 30)
    return field


def shown(field: ModelPicker) -> list[str]:
    table = field.popup.table
    return [table.index(row).data() for row in range(table.rowCount())]


def test_return_opens_the_list_with_the_chosen_model_marked(field: ModelPicker) -> None:
    QTest.keyClick(field, Key.Key_Return)
    assert field.popup.isVisible()
    assert field.popup.search.hasFocus()
    assert shown(field) == ["Fake", "Other", "dream", "night"]
    assert field.popup.list.currentIndex().data() == "Fake"
    QTest.keyClick(field.popup, Key.Key_Escape)
    assert not field.popup.isVisible()


def test_typing_searches_and_return_chooses(field: ModelPicker, document: Document) -> None:
    QTest.keyClick(field, Key.Key_D)
    QTest.keyClicks(field.popup.search, "re")
    assert shown(field) == ["dream"]
    QTest.keyClick(field.popup.search, Key.Key_Return)
    assert document.draft.model.title == "dream"
    assert field.currentText() == "dream"
    assert not field.popup.isVisible()


def test_a_family_is_searched_too(field: ModelPicker) -> None:
    QTest.keyClick(field, Key.Key_Down)
    QTest.keyClicks(field.popup.search, "sdxl")
    assert shown(field) == ["night"]


def test_the_arrows_walk_through_the_list(field: ModelPicker, document: Document) -> None:
    QTest.keyClick(field, Key.Key_Down)
    QTest.keyClick(field.popup.search, Key.Key_Down)
    QTest.keyClick(field.popup.search, Key.Key_Return)
    assert document.draft.model.title == "Other"


def test_a_search_that_finds_nothing_says_so_and_chooses_nothing(field: ModelPicker, document: Document) -> None:
    QTest.keyClick(field, Key.Key_Down)
    QTest.keyClicks(field.popup.search, "xyz")
    assert field.popup.nothing.isVisible()
    QTest.keyClick(field.popup.search, Key.Key_Return)
    assert document.draft.model.title == "Fake"


def test_a_click_opens_it_and_a_click_on_a_row_chooses(field: ModelPicker, document: Document) -> None:
    QTest.mouseClick(field, Qt.MouseButton.LeftButton)
    row = field.popup.list.visualRect(field.popup.table.index(2))
    QTest.mouseClick(field.popup.list.viewport(), Qt.MouseButton.LeftButton, pos=row.center())
    assert document.draft.model.title == "dream"


def test_its_last_line_opens_the_page(field: ModelPicker, opens_page: QAction) -> None:
    triggered = count(opens_page.triggered)
    QTest.keyClick(field, Key.Key_Return)
    QTest.mouseClick(field.popup.more, Qt.MouseButton.LeftButton)
    assert triggered
    assert not field.popup.isVisible()


def test_a_new_file_comes_into_the_open_list(
    qtbot: QtBot, field: ModelPicker, models: StudioModels, shelf: Path
) -> None:
    QTest.keyClick(field, Key.Key_Return)
    write_hollow(shelf / "late.safetensors", single_file("unet-v1-sd"))
    models.library.refresh()
    qtbot.waitUntil(lambda: "late" in shown(field))
    assert field.popup.list.currentIndex().data() == "Fake"
    field.popup.close()
