"""The LoRA list of the panel: add, strengths, off, remove, trigger words, another family, a missing file."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.core.models.studio_models import StudioModels
from app.ui.models.page import ModelPage
from app.ui.request.adapter_list import AdapterList, AdapterRow
from engine.checkpoints.adapters.files import AdapterFiles
from engine.checkpoints.hashes import sha256
from engine.jobs.load import AdapterApplied, CheckpointOpened, OpenCheckpoint
from engine.spec.adapter import AdapterUse
from engine.spec.draft import Draft
from tests.app.conftest import Parts
from tests.app.models.conftest import LORA, notices, settle
from tests.app.windows import finish, opened
from tests.fakes.checkpoints import SMALL, write_hollow

Key = Qt.Key
OTHER = {
    "lora_unet_mid_block_attentions_0_transformer_blocks_9_attn1_to_q.lora_down.weight": (4, 1280),
    "lora_unet_mid_block_attentions_0_transformer_blocks_9_attn1_to_q.lora_up.weight": (1280, 4),
}


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with a checkpoint, two LoRAs that fit it, and one of another family."""
    root = tmp_path / "shelf"
    write_hollow(root / "dream.safetensors", SMALL)
    triggers = {"modelspec.trigger_phrase": "watercolour, wet paper"}
    write_hollow(root / "water.safetensors", LORA, metadata=triggers)
    write_hollow(root / "ink.safetensors", LORA, metadata={"modelspec.title": "Ink"})
    write_hollow(root / "large.safetensors", OTHER)
    return root


@pytest.fixture
def section(qtbot: QtBot, parts: Parts, models: StudioModels, shelf: Path) -> AdapterList:
    """The list, with the checkpoint chosen."""
    parts.fake.answers[OpenCheckpoint] = lambda job: [CheckpointOpened(job.model, 0, 0, 0, None, True)]
    models.library.set_by_hand(shelf / "dream.safetensors", {"family": "sd1"})
    models.library.add([shelf])
    settle(qtbot, models)
    assert models.choice.choose(str(shelf / "dream.safetensors"))
    qtbot.waitUntil(lambda: parts.document.can_generate)
    parts.document.draft.update(steps=1)
    parts.document.draft.choose_size((64, 64))
    section = AdapterList(models.adapters, models.named, models.thumbnails, QAction(models))
    opened(qtbot, section, 340, 500)
    return section


def add(qtbot: QtBot, section: AdapterList, name: str) -> AdapterRow:
    """Add a LoRA as a person does: open the list, search, Return."""
    QTest.mouseClick(section.add, Qt.MouseButton.LeftButton)
    QTest.keyClicks(section.popup.search, name)
    before = len(section.rows)
    QTest.keyClick(section.popup.search, Key.Key_Return)
    qtbot.waitUntil(lambda: len(section.rows) == before + 1)
    return section.rows[-1]


def test_an_added_one_is_in_the_request_by_name_and_hash(
    qtbot: QtBot, parts: Parts, section: AdapterList, shelf: Path
) -> None:
    add(qtbot, section, "water")
    finish(qtbot, parts.document)
    (use,) = parts.fake.requests[-1].adapters
    assert use == AdapterUse(name="water", sha256=sha256(shelf / "water.safetensors"))


def test_the_list_is_there_only_for_a_model_that_takes_adapters(
    qtbot: QtBot, parts: Parts, models: StudioModels, section: AdapterList
) -> None:
    assert section.isVisible()
    models.choice.choose("other")
    assert not section.isVisible()


def test_the_strength_of_text_follows_until_it_is_set_apart(qtbot: QtBot, parts: Parts, section: AdapterList) -> None:
    row = add(qtbot, section, "water")
    row.strength.slider.setFocus()
    QTest.keyClick(row.strength.slider, Key.Key_Left)
    use = parts.document.draft.current.adapters[0]
    assert (use.strength, use.text_strength) == (0.95, 0.95)
    QTest.mouseClick(row.apart, Qt.MouseButton.LeftButton)
    QTest.keyClick(row.strength.slider, Key.Key_Right)
    QTest.keyClick(row.text_strength.slider, Key.Key_Left)
    use = parts.document.draft.current.adapters[0]
    assert (use.strength, use.text_strength) == (1.0, 0.9)
    QTest.mouseClick(row.apart, Qt.MouseButton.LeftButton)
    assert parts.document.draft.current.adapters[0].text_strength == 1.0
    assert not row.text_strength.isVisible()


def test_one_that_is_off_keeps_its_place_and_its_strength_and_is_in_no_request(
    qtbot: QtBot, parts: Parts, section: AdapterList
) -> None:
    first, _ = add(qtbot, section, "water"), add(qtbot, section, "ink")
    first.strength.field.setValue(-0.5)  # type: ignore[arg-type]
    QTest.mouseClick(first.switch, Qt.MouseButton.LeftButton, pos=QPoint(8, first.switch.height() // 2))
    finish(qtbot, parts.document)
    assert [use.name for use in parts.fake.requests[-1].adapters] == ["ink"]
    assert not first.strength.isEnabled()
    QTest.mouseClick(first.switch, Qt.MouseButton.LeftButton, pos=QPoint(8, first.switch.height() // 2))
    finish(qtbot, parts.document)
    assert [(use.name, use.strength) for use in parts.fake.requests[-1].adapters] == [("water", -0.5), ("ink", 1.0)]


def test_a_checkpoint_with_sizes_of_its_own_takes_the_adapters_of_these_sizes(
    qtbot: QtBot, parts: Parts, models: StudioModels, section: AdapterList, shelf: Path
) -> None:
    """As `--lora` does: the family of such an adapter is not known, and its tensors fit."""
    name = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
    for stem, width in (("odd", 128), ("odder", 96)):
        write_hollow(
            shelf / f"{stem}.safetensors",
            {f"{name}.lora_down.weight": (4, width), f"{name}.lora_up.weight": (width, 4)},
        )
    own = {"family": "sd1", "unet": {"block_out_channels": [32, 64, 128, 128]}}
    models.library.set_by_hand(shelf / "dream.safetensors", own)
    settle(qtbot, models)
    models.choice.refresh()
    qtbot.waitUntil(lambda: parts.document.can_generate)
    odd, odder = (models.library.files[shelf / f"{stem}.safetensors"] for stem in ("odd", "odder"))
    assert (odd.serves, models.adapters.why_not(odd)) == ((), "")
    assert "its 2 tensors have other shapes" in models.adapters.why_not(odder)
    add(qtbot, section, "odd")
    assert section.rows[-1].strength.isEnabled()


def test_one_is_removed_and_the_keyboard_goes_to_the_next(qtbot: QtBot, parts: Parts, section: AdapterList) -> None:
    first, second = add(qtbot, section, "water"), add(qtbot, section, "ink")
    first.remove.setFocus()
    QTest.keyClick(first.remove, Key.Key_Space)
    assert [use.name for use in parts.document.draft.current.adapters] == ["ink"]
    assert section.rows == [second]
    assert section.focusWidget() is second.switch


def test_a_trigger_word_goes_into_the_prompt_once(qtbot: QtBot, parts: Parts, section: AdapterList) -> None:
    row = add(qtbot, section, "water")
    words = {button.text(): button for button in row.findChildren(QPushButton)}
    for _ in range(2):
        QTest.mouseClick(words["wet paper"], Qt.MouseButton.LeftButton)
    assert parts.document.draft.current.prompt == "red apple, wet paper"


def test_one_of_another_family_is_grey_with_the_reason_and_cannot_be_added(
    qtbot: QtBot, models: StudioModels, section: AdapterList
) -> None:
    heard = notices(models)
    offers = {offer.title: offer for offer in models.adapters.offers()}
    assert offers["water"].alarm == ""
    assert "XL" in offers["large"].alarm
    assert offers["large"].about == offers["large"].alarm
    QTest.mouseClick(section.add, Qt.MouseButton.LeftButton)
    QTest.keyClicks(section.popup.search, "large")
    QTest.keyClick(section.popup.search, Key.Key_Return)
    assert heard[-1].text.startswith("It is a LoRA for Stable Diffusion XL, and this model is Stable Diffusion 1:")
    assert section.rows == []


def test_a_restored_picture_names_a_missing_one_and_waits_until_it_is_off(
    qtbot: QtBot, parts: Parts, section: AdapterList
) -> None:
    add(qtbot, section, "water")
    finish(qtbot, parts.document)
    request = parts.fake.requests[-1]
    gone = AdapterUse(name="gone", sha256="a" * 64, strength=0.5)
    restored = Draft.of(request)
    parts.document.draft.current = Draft.of(request)
    assert [row.problem.text() for row in section.rows] == [""]
    parts.document.draft.update(adapters=(*restored.adapters, gone))
    row = section.rows[-1]
    assert "not here" in row.problem.text()
    assert "“gone”" in parts.document.why_not
    QTest.mouseClick(row.switch, Qt.MouseButton.LeftButton, pos=QPoint(8, row.switch.height() // 2))
    assert parts.document.can_generate


def test_what_was_applied_is_said_once(qtbot: QtBot, parts: Parts, models: StudioModels, section: AdapterList) -> None:
    add(qtbot, section, "water")
    heard = notices(models)
    for _ in range(2):
        job = finish(qtbot, parts.document)
        parts.document.jobs.told.emit(job, [AdapterApplied("water", 792, 792)])
    assert [notice.text for notice in heard] == ["“water”: 792 of 792 tensors applied."]


def test_the_engine_finds_a_file_that_the_window_has_hashed_since(tmp_path: Path, models: StudioModels) -> None:
    files = AdapterFiles(models.library.folder)
    path = write_hollow(tmp_path / "elsewhere" / "late.safetensors", OTHER)
    first = write_hollow(tmp_path / "first.safetensors", LORA)
    files.add(str(first))
    digest = models.library.hashes.of(path)
    assert files.path("another name", digest) == path


def test_each_model_keeps_its_own(
    qtbot: QtBot, parts: Parts, models: StudioModels, section: AdapterList, shelf: Path
) -> None:
    add(qtbot, section, "water")
    models.choice.choose("other")
    assert not parts.document.draft.current.adapters
    models.choice.choose(str(shelf / "dream.safetensors"))
    assert [use.name for use in parts.document.draft.current.adapters] == ["water"]


def test_the_page_adds_one_to_the_model(qtbot: QtBot, models: StudioModels, section: AdapterList, shelf: Path) -> None:
    page = ModelPage(models, models.adapters.add_word)
    opened(qtbot, page)
    settle(qtbot, models)
    page.show_model(shelf / "large.safetensors")
    assert not page.details.use.isEnabled()
    page.show_model(shelf / "water.safetensors")
    QTest.mouseClick(page.details.use, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(section.rows) == 1)
