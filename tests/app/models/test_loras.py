"""The LoRAs of the next run: which are offered, their strengths and words, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.models.studio_models import StudioModels
from app.ui.models.page import ModelPage
from app.ui.widgets.spin_box import RealSpinBox
from app.ui.window.main_window import MainWindow
from engine.jobs.load import CheckpointOpened, OpenCheckpoint
from engine.spec.adapter import AdapterUse
from tests.app.conftest import Parts
from tests.app.models.conftest import notices, settle
from tests.app.models.test_choice import SMALL
from tests.app.windows import open_window, opened
from tests.fakes.checkpoints import layouts, write_hollow

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def chosen(qtbot: QtBot, parts: Parts, models: StudioModels, shelf: Path) -> StudioModels:
    """The models of the shelf, with a checkpoint of Stable Diffusion 1 chosen."""
    parts.fake.answers[OpenCheckpoint] = lambda job: [CheckpointOpened(job.model, 0, 0, 0, None, True)]
    path = write_hollow(shelf / "tiny.safetensors", SMALL)
    write_hollow(shelf / "lora" / "flux.safetensors", layouts()["flux_lora_kohya_format"])
    models.library.set_by_hand(path, {"family": "sd1"})
    models.library.add([shelf])
    settle(qtbot, models)
    assert models.choice.choose(str(path))
    qtbot.waitUntil(lambda: parts.document.can_generate)
    return models


def add(qtbot: QtBot, models: StudioModels, path: Path) -> None:
    assert models.loras.add(path)
    qtbot.waitUntil(lambda: not models.loras.waiting)


def test_those_of_the_models_family_are_offered(chosen: StudioModels, document: Document) -> None:
    assert [file.stem for file in chosen.loras.fitting()] == ["water"]
    chosen.choice.choose("fake")
    assert not chosen.loras.taken


def test_one_is_added_with_its_hash_and_goes_into_the_request(
    qtbot: QtBot, parts: Parts, chosen: StudioModels, shelf: Path
) -> None:
    path = shelf / "lora" / "water.safetensors"
    add(qtbot, chosen, path)
    chosen.loras.set_strength(0, -0.5)
    digest = chosen.library.files[path].sha256
    use = AdapterUse(name="water", sha256=digest, strength=-0.5, text_strength=-0.5)
    assert chosen.loras.uses == (use,)
    assert chosen.loras.fitting() == []
    with qtbot.waitSignal(parts.jobs.job_ended):
        job = parts.document.generate()
    assert job is not None
    assert job.request.adapters == (use,)


def test_one_of_another_family_is_refused_by_name(chosen: StudioModels, shelf: Path) -> None:
    heard = notices(chosen)
    assert not chosen.loras.add(shelf / "lora" / "flux.safetensors")
    assert "Flux" in heard[0].text


def test_each_model_keeps_its_own(qtbot: QtBot, chosen: StudioModels, document: Document, shelf: Path) -> None:
    add(qtbot, chosen, shelf / "lora" / "water.safetensors")
    chosen.choice.choose("fake")
    assert not chosen.loras.uses
    chosen.choice.choose(str(shelf / "tiny.safetensors"))
    assert [one.name for one in chosen.loras.uses] == ["water"]


@pytest.fixture
def window(qtbot: QtBot, document: Document, chosen: StudioModels) -> MainWindow:
    window = open_window(qtbot, document, models=chosen)
    window.resize(1100, 800)
    return window


def test_the_section_adds_sets_and_removes(qtbot: QtBot, window: MainWindow, document: Document) -> None:
    loras = window.panel.loras
    loras.open()
    section = loras.section
    QTest.mouseClick(section.add, LEFT)
    QTest.keyClicks(section.popup.search, "wat")
    QTest.keyClick(section.popup.search, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(section.rows) == 1)
    assert loras.button.text() == "LoRA   1"
    row = section.rows[0]
    assert row.name.text() == "water"
    assert isinstance(row.strength.field, RealSpinBox)
    row.strength.field.setValue(0.6)
    assert document.draft.current.adapters[0].strength == 0.6
    QTest.mouseClick(row.words.findChildren(QPushButton)[0], LEFT)
    assert document.draft.current.prompt == "red apple, watercolour"
    QTest.mouseClick(row.remove, LEFT)
    assert document.draft.current.adapters == ()
    assert section.rows == []
    document.draft.update(adapters=(AdapterUse(name="gone", sha256="0" * 64),))
    said = [label.text() for label in section.rows[0].findChildren(QLabel)]
    assert said == ["Its file is not in your folders."]


def test_the_page_adds_a_lora_to_the_model(qtbot: QtBot, chosen: StudioModels, shelf: Path) -> None:
    page = ModelPage(chosen)
    opened(qtbot, page)
    settle(qtbot, chosen)
    page.show_model(shelf / "lora" / "water.safetensors")
    QTest.mouseClick(page.details.use, LEFT)
    qtbot.waitUntil(lambda: bool(chosen.loras.uses))


def test_a_model_without_loras_and_layers_shows_neither(
    window: MainWindow, document: Document, chosen: StudioModels
) -> None:
    window.panel.advanced.open()
    assert window.panel.loras.isVisible()
    assert window.panel.further.clip_skip.isVisible()
    layers = window.panel.further.clip_skip.choice
    layers.setCurrentIndex(2)
    layers.activated.emit(2)
    assert document.draft.current.clip_skip == 2
    chosen.choice.choose("fake")
    assert not window.panel.loras.isVisible()
    assert not window.panel.further.clip_skip.isVisible()
