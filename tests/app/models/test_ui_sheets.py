"""The sheets of the model page: what a file is, by hand; a model's own defaults."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.models.studio_models import StudioModels
from app.ui.models.by_hand_sheet import ByHandSheet
from app.ui.models.defaults_sheet import DefaultsSheet
from app.ui.widgets.combo_box import ComboBox
from tests.app.models.conftest import settle
from tests.fakes.checkpoints import single_file, write_hollow

LEFT = Qt.MouseButton.LeftButton


def pick(field: ComboBox, value: str) -> None:
    field.setCurrentIndex(field.findData(value))
    field.activated.emit(field.currentIndex())


@pytest.fixture
def listed(qtbot: QtBot, models: StudioModels, shelf: Path) -> StudioModels:
    write_hollow(shelf / "two.safetensors", single_file("unet-v2-sd"))
    models.library.add([shelf])
    settle(qtbot, models)
    return models


def by_hand(qtbot: QtBot, models: StudioModels, path: Path) -> ByHandSheet:
    sheet = ByHandSheet(models.library, models.library.files[path])
    sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(sheet)
    sheet.show()
    return sheet


def test_a_checkpoint_that_does_not_say_its_prediction_is_set(qtbot: QtBot, listed: StudioModels, shelf: Path) -> None:
    sheet = by_hand(qtbot, listed, shelf / "two.safetensors")
    assert sheet.said.text() == "It is: Stable Diffusion 2. Choose also what it predicts."
    pick(sheet.predicts, "v")
    assert sheet.said.text() == "It is: Stable Diffusion 2, predicts v."
    QTest.mouseClick(sheet.yes, LEFT)
    settle(qtbot, listed)
    file = listed.library.files[shelf / "two.safetensors"]
    assert (file.predicts, file.usable) == ("v", True)


def test_a_family_that_does_not_fit_cannot_be_set(qtbot: QtBot, listed: StudioModels, shelf: Path) -> None:
    path = write_hollow(shelf / "none.safetensors", {"a.weight": (3, 3)})
    listed.library.refresh()
    settle(qtbot, listed)
    sheet = by_hand(qtbot, listed, path)
    pick(sheet.family, "sdxl")
    assert not sheet.yes.isEnabled()
    assert sheet.said.text() == "It does not fit this family: choose another."


def test_a_choice_is_taken_back(qtbot: QtBot, listed: StudioModels, shelf: Path) -> None:
    path = shelf / "odd.safetensors"
    listed.library.set_by_hand(path, {"family": "sd1", "unet": {"sample_size": 8}})
    settle(qtbot, listed)
    sheet = by_hand(qtbot, listed, path)
    assert sheet.family.currentData() == "sd1"
    pick(sheet.family, "")
    assert sheet.choices == {"unet": {"sample_size": 8}}  # what the command line set stays


@pytest.fixture
def defaults(qtbot: QtBot, listed: StudioModels, shelf: Path) -> DefaultsSheet:
    """The sheet of a checkpoint that is chosen."""
    listed.library.set_by_hand(shelf / "odd.safetensors", {"family": "sd1"})
    assert listed.choice.choose(str(shelf / "odd.safetensors"))
    qtbot.waitUntil(lambda: not listed.library.hashing.busy)
    sheet = DefaultsSheet(listed.choice, listed.choice.describe(shelf / "odd.safetensors"))
    sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(sheet)
    sheet.show()
    return sheet


def test_defaults_go_to_the_panel_and_to_the_next_choice(
    defaults: DefaultsSheet, document: Document, listed: StudioModels
) -> None:
    defaults.steps.setValue(9)
    defaults.guidance.setValue(2.5)
    pick(defaults.sampler, "euler" if defaults.sampler.findData("euler") >= 0 else "ddim")
    QTest.mouseClick(defaults.yes, LEFT)
    draft = document.draft.current
    assert (draft.steps, draft.guidance, draft.sampler) == (9, 2.5, defaults.sampler.currentData())
    assert listed.choice.describe(document.draft.model.folder).defaults["steps"] == 9


def test_defaults_take_what_the_panel_says(defaults: DefaultsSheet, document: Document) -> None:
    document.draft.update(steps=11, guidance=4.0, width=640, height=448)
    QTest.mouseClick(defaults.now, LEFT)
    assert defaults.defaults["steps"] == 11
    assert defaults.defaults["size"] == [640, 448]


def test_another_vae_is_chosen_for_a_model(
    qtbot: QtBot, defaults: DefaultsSheet, document: Document, listed: StudioModels, shelf: Path
) -> None:
    before = document.draft.model.sha256
    pick(defaults.vae, str(shelf / "vae" / "mse.safetensors"))
    QTest.mouseClick(defaults.yes, LEFT)
    assert document.draft.model.config["vae"] == str(shelf / "vae" / "mse.safetensors")
    qtbot.waitUntil(lambda: not listed.library.hashing.busy)
    assert document.draft.model.sha256 == before  # the model is the same, and its requests name the VAE
    assert document.draft.model.vae is not None
    assert document.draft.model.vae.name == "mse"


def test_defaults_are_forgotten(defaults: DefaultsSheet, document: Document, listed: StudioModels) -> None:
    listed.choice.set_defaults(document.draft.model.folder, {"steps": 9})
    assert document.draft.current.steps == 9
    QTest.mouseClick(defaults.reset, LEFT)
    assert document.draft.current.steps != 9
    assert not listed.library.settings.defaults
