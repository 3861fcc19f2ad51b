"""The settings of a few-step model or LoRA are offered in one line, and never forced."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.models.studio_models import StudioModels
from app.core.request.draft_model import DraftModel
from app.ui.request.few_step_line import FewStepLine
from engine.jobs.load import CheckpointOpened, OpenCheckpoint
from engine.spec.adapter import AdapterUse
from tests.app.conftest import Parts
from tests.app.models.conftest import LORA, settle
from tests.app.windows import opened
from tests.fakes.checkpoints import SMALL, write_hollow

PLAIN, LIGHTNING, LCM, LORA_FILE = "dream", "dreamXL_Lightning_4step", "plain", "lcm-lora-sdv1-5"
DISTILLED: dict[str, tuple[int, ...]] = {"model.diffusion_model.time_embed.cond_proj.weight": (32, 32)}


@pytest.fixture
def shelf(qtbot: QtBot, parts: Parts, models: StudioModels, tmp_path: Path) -> Path:
    parts.fake.answers[OpenCheckpoint] = lambda job: [CheckpointOpened(job.model, 0, 0, 0, None, True)]
    root = tmp_path / "shelf"
    for name, tensors in ((PLAIN, SMALL), (LIGHTNING, SMALL), (LCM, SMALL | DISTILLED)):
        path = write_hollow(root / f"{name}.safetensors", tensors)
        models.library.set_by_hand(path, {"family": "sd1"})
    write_hollow(root / f"{LORA_FILE}.safetensors", LORA)
    models.library.add([root])
    settle(qtbot, models)
    return root


@pytest.fixture
def line(qtbot: QtBot, models: StudioModels, shelf: Path) -> FewStepLine:
    line = FewStepLine(models.few_step)
    opened(qtbot, line, 340, 60)
    return line


@pytest.fixture
def draft(parts: Parts) -> DraftModel:
    return parts.document.draft


def choose(qtbot: QtBot, models: StudioModels, shelf: Path, name: str) -> None:
    assert models.choice.choose(str(shelf / f"{name}.safetensors"))
    qtbot.waitUntil(lambda: not models.library.hashing.busy)


def test_a_model_is_recognised_by_its_name_and_a_click_puts_its_settings_on_the_panel(
    qtbot: QtBot, models: StudioModels, shelf: Path, line: FewStepLine, draft: DraftModel
) -> None:
    choose(qtbot, models, shelf, PLAIN)
    assert not line.isVisible()
    choose(qtbot, models, shelf, LIGHTNING)
    before = draft.current
    assert line.isVisible()
    assert line.text.text() == "Lightning model: 4 steps, guidance 1, DDIM"
    assert draft.current == before  # nothing is forced
    QTest.mouseClick(line.use, Qt.MouseButton.LeftButton)
    now = draft.current
    assert (now.steps, now.guidance, now.sampler, now.spacing) == (4, 1.0, "ddim", "trailing")
    assert not line.isVisible()


def test_a_model_is_recognised_by_its_tensors(
    qtbot: QtBot, models: StudioModels, shelf: Path, line: FewStepLine
) -> None:
    choose(qtbot, models, shelf, LCM)
    assert line.text.text().startswith("LCM model: 6 steps")


def test_a_lora_is_offered_while_it_is_on(
    qtbot: QtBot, models: StudioModels, shelf: Path, line: FewStepLine, draft: DraftModel
) -> None:
    choose(qtbot, models, shelf, PLAIN)
    assert models.adapters.choose(str(shelf / f"{LORA_FILE}.safetensors"))
    qtbot.waitUntil(line.isVisible)
    assert line.text.text() == "LCM LoRA: 6 steps, guidance 1.5, LCM"
    (use,) = draft.current.adapters
    assert isinstance(use, AdapterUse)
    models.adapters.switch(use.sha256, False)
    assert not line.isVisible()


def test_a_declined_offer_does_not_come_back(
    qtbot: QtBot, models: StudioModels, shelf: Path, line: FewStepLine
) -> None:
    choose(qtbot, models, shelf, LIGHTNING)
    QTest.mouseClick(line.close_, Qt.MouseButton.LeftButton)
    assert not line.isVisible()
    choose(qtbot, models, shelf, PLAIN)
    choose(qtbot, models, shelf, LIGHTNING)
    assert not line.isVisible()
