"""The model page: folders, the list, the chosen model, and what can be done with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.models.dropped import holds_models
from app.core.models.studio_models import StudioModels
from app.ui.models.page import ModelPage
from app.ui.window.main_window import MainWindow
from tests.app.models.conftest import settle
from tests.app.windows import open_window, opened

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window(qtbot: QtBot, document: Document, models: StudioModels) -> MainWindow:
    window = open_window(qtbot, document, models=models)
    window.resize(1280, 800)
    return window


@pytest.fixture
def page(qtbot: QtBot, models: StudioModels) -> Iterator[ModelPage]:
    """The page alone, without a window behind it."""
    page = ModelPage(models, models.adapters.add_word)
    opened(qtbot, page)
    settle(qtbot, models)
    yield page
    if shiboken6.isValid(page):  # it is gone where a test has used a model
        page.close()


@pytest.fixture
def full(qtbot: QtBot, page: ModelPage, models: StudioModels, shelf: Path) -> ModelPage:
    """The page with a folder of models."""
    models.library.add([shelf])
    settle(qtbot, models)
    return page


def names(page: ModelPage) -> list[str]:
    return [page.table.index(row).data() for row in range(page.table.rowCount())]


def choose(page: ModelPage, name: str) -> None:
    row = page.list.visualRect(page.table.index(names(page).index(name)))
    QTest.mouseClick(page.list.viewport(), LEFT, pos=row.center())


def drop(widget: QWidget, *paths: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    none = Qt.KeyboardModifier.NoModifier
    how = Qt.DropAction.CopyAction, mime, LEFT, none
    QApplication.sendEvent(widget, QDragEnterEvent(QPoint(9, 9), *how))  # Qt drops only on what took the enter
    QApplication.sendEvent(widget, QDropEvent(QPointF(9, 9), *how))


def test_without_a_folder_it_says_what_to_do(page: ModelPage) -> None:
    assert page.empty.isVisible()
    assert page.empty.title.text() == "Where are your models?"
    QTest.mouseClick(page.empty.button, LEFT)
    dialog = page.findChild(QFileDialog)
    assert dialog is not None
    dialog.close()


def test_a_chosen_folder_is_listed(qtbot: QtBot, page: ModelPage, models: StudioModels, shelf: Path) -> None:
    page.choose_folder()
    assert page.dialog is not None
    page.dialog.fileSelected.emit(str(shelf))
    page.dialog.close()
    settle(qtbot, models)
    assert names(page) == ["dream", "mse", "odd", "sharp", "water"]
    assert page.details.name.text() == "dream"
    assert list(page.bar.folder_chips) == [shelf]
    assert page.bar.note.text() == "5 models"


def test_the_facts_of_a_checkpoint_are_shown(full: ModelPage, shelf: Path) -> None:
    choose(full, "dream")
    facts = {name: value.text() for name, value in full.details.facts.items() if value.isVisible()}
    assert facts == {
        "Kind": "Stable Diffusion 1", "Family": "SD 1", "Predicts": "ε (from the family)", "Size": "2.13 GB",
        "Licence": "OpenRAIL-M",
    }  # fmt: skip
    assert full.details.place.text() == str(shelf)


def test_what_cannot_be_used_says_why(full: ModelPage) -> None:
    choose(full, "sharp")
    assert full.details.alarm.text() == "ESRGAN upscaler cannot be used here yet."
    assert not full.details.use.isVisible()
    choose(full, "odd")
    assert "fits no kind of model" in full.details.alarm.text()
    assert "Stable Diffusion" in full.details.nearest.text()
    assert full.details.set.isVisible()


def test_trigger_words_go_into_the_prompt(full: ModelPage, document: Document) -> None:
    choose(full, "water")
    chips = [button.text() for button in full.details.words.findChildren(QPushButton)]
    assert chips == ["watercolour", "wet paper"]
    assert not full.details.use.isEnabled()
    assert full.details.reason.text() == "Fake takes no LoRA: choose a checkpoint first."
    QTest.mouseClick(full.details.words.findChildren(QPushButton)[1], LEFT)
    assert document.draft.current.prompt == "red apple, wet paper"


def test_search_filter_and_order(full: ModelPage) -> None:
    QTest.keyClicks(full.search, "WATER")
    assert names(full) == ["water"]
    full.search.clear()
    full.kinds.setCurrentIndex(full.kinds.findData("vae"))
    full.kinds.activated.emit(full.kinds.currentIndex())
    assert names(full) == ["mse"]
    full.kinds.setCurrentIndex(0)
    full.kinds.activated.emit(0)
    full.sorts.setCurrentIndex(full.sorts.findData("size"))
    full.sorts.activated.emit(full.sorts.currentIndex())
    assert names(full)[:2] == ["dream", "mse"]


def test_a_search_without_a_match_says_so(full: ModelPage) -> None:
    QTest.keyClicks(full.search, "nothing like it")
    assert full.nothing.isVisible()
    assert full.details.path is None


def test_the_arrows_walk_from_the_search_field(full: ModelPage) -> None:
    full.search.setFocus()
    QTest.keyClick(full.search, Qt.Key.Key_Down)
    assert full.details.name.text() == "mse"


def test_the_hash_is_computed_on_request(qtbot: QtBot, full: ModelPage, models: StudioModels) -> None:
    choose(full, "water")
    with qtbot.waitSignal(models.library.hashing.computed):
        QTest.mouseClick(full.details.hash, LEFT)
    assert len(full.details.facts["SHA-256"].text()) == 10
    assert not full.details.hash.isVisible()


def test_its_key_opens_it_and_a_used_checkpoint_is_the_panels_model(
    qtbot: QtBot, window: MainWindow, models: StudioModels, shelf: Path
) -> None:
    models.library.add([shelf])
    QTest.keyClick(window, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    (page,) = window.findChildren(ModelPage)
    settle(qtbot, models)
    choose(page, "dream")
    QTest.mouseClick(page.details.use, LEFT)
    assert window.panel.model.currentText() == "dream"
    assert not page.isVisible()


def test_a_missing_file_is_told_and_forgotten(qtbot: QtBot, full: ModelPage, models: StudioModels, shelf: Path) -> None:
    (shelf / "lora" / "water.safetensors").unlink()
    models.library.refresh()
    settle(qtbot, models)
    choose(full, "water")
    assert full.details.alarm.text() == "This file is no longer there: it was moved, renamed or deleted."
    QTest.mouseClick(full.details.forget, LEFT)
    settle(qtbot, models)
    assert "water" not in names(full)


def test_all_missing_files_are_forgotten_at_once(
    qtbot: QtBot, full: ModelPage, models: StudioModels, shelf: Path
) -> None:
    for name in ("odd", "sharp"):
        (shelf / f"{name}.safetensors").unlink()
    models.library.refresh()
    settle(qtbot, models)
    assert full.bar.forget.text() == "Forget 2 missing"
    QTest.mouseClick(full.bar.forget, LEFT)
    settle(qtbot, models)
    assert names(full) == ["dream", "mse", "water"]
    assert not full.bar.forget.isVisible()


def test_a_removed_folder_goes_with_its_models(
    qtbot: QtBot, full: ModelPage, models: StudioModels, shelf: Path
) -> None:
    menu = full.bar.folder_chips[shelf].menu()
    remove = next(action for action in menu.actions() if action.text() == "Remove from the list")
    remove.trigger()
    settle(qtbot, models)
    assert full.empty.isVisible()


def test_a_dropped_file_is_added_and_shown(qtbot: QtBot, page: ModelPage, models: StudioModels, shelf: Path) -> None:
    drop(page, shelf / "lora" / "water.safetensors")
    settle(qtbot, models)
    assert names(page) == ["water"]
    assert page.details.name.text() == "water"


def test_a_folder_is_one_of_models_where_it_holds_some(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    assert holds_models(shelf)
    assert holds_models(tmp_path)  # one folder below
    assert not holds_models(tmp_path / "letters")
    assert not holds_models(tmp_path / "gone")


def test_a_model_dropped_on_the_window_opens_the_page(
    qtbot: QtBot, window: MainWindow, models: StudioModels, shelf: Path
) -> None:
    drop(window, shelf / "dream.safetensors")
    (page,) = window.findChildren(ModelPage)
    settle(qtbot, models)
    assert page.details.name.text() == "dream"
    page.close()
