"""Folders with small model files, and the parts that list them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.models.studio_models import StudioModels
from app.core.notices import Notice
from tests.fakes.checkpoints import layouts, single_file, write_hollow

LORA = {"lora_unet_mid_block_attentions_0_proj_in.lora_down.weight": (8, 1280, 1, 1),
        "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight": (1280, 8, 1, 1)}  # fmt: skip


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with a checkpoint, a VAE, a LoRA with trigger words, an upscaler and a file of no kind."""
    root = tmp_path / "shelf"
    write_hollow(root / "dream.safetensors", single_file("unet-v1-sd"), metadata={"modelspec.license": "OpenRAIL-M"})
    write_hollow(root / "vae" / "mse.safetensors", layouts()["vae-v1-sd"])
    triggers = {"modelspec.trigger_phrase": "watercolour, wet paper"}
    write_hollow(root / "lora" / "water.safetensors", layouts()["lora-v1-unet"], metadata=triggers)
    upscaler = {"conv_first.weight": (8, 3, 3, 3), "body.0.rdb1.conv1.weight": (4, 8, 3, 3)}
    write_hollow(root / "sharp.safetensors", upscaler)
    write_hollow(root / "odd.safetensors", {"input_blocks.0.0.weight": (8, 4, 3, 3)})
    return root


@pytest.fixture
def make_models(qtbot: QtBot, document: Document, tmp_path: Path) -> Iterator[Callable[[], StudioModels]]:
    """The user's models of a studio; called again, those of its next session. Closed after the test."""
    made: list[StudioModels] = []

    def make() -> StudioModels:
        if made:
            made[-1].close()
        models = StudioModels(tmp_path / "config", document.draft, document.jobs)
        models.start()
        made.append(models)
        settle(qtbot, models)
        return models

    yield make
    for models in made:
        models.close()


@pytest.fixture
def models(make_models: Callable[[], StudioModels]) -> StudioModels:
    return make_models()


def settle(qtbot: QtBot, models: StudioModels) -> None:
    """Wait until nothing is listed any more."""
    qtbot.waitUntil(lambda: not models.library.listing)


def notices(models: StudioModels) -> list[Notice]:
    """The notices from now on."""
    heard: list[Notice] = []
    models.notice_raised.connect(heard.append)
    return heard
