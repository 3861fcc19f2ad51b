"""The memory of a run before the click: it grows with pixels and rows; a smaller size is one that the model makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.checkpoints.settings import ModelSettings
from engine.spec.catalog import ModelInfo, checkpoint, embedded_models
from engine.spec.draft import Draft, resolve
from engine.spec.memory import run_bytes, smaller_size
from tests.fakes.checkpoints import write_hollow


@pytest.fixture
def info(tmp_path: Path) -> ModelInfo:
    path = write_hollow(tmp_path / "m.safetensors", {"model.diffusion_model.input_blocks.0.0.weight": (32, 4, 3, 3)})
    return checkpoint(path, ModelSettings().with_choices(path, {"family": "sd1"}))


def of(info: ModelInfo, **choices: object) -> int:
    return run_bytes(resolve(Draft.for_model(info, **choices), info), info)


def test_the_measured_figures_come_back(info: ModelInfo) -> None:
    assert of(info, width=256, height=256, guidance=7.0) == pytest.approx(209e6, rel=0.02)
    assert of(info, width=512, height=512, guidance=7.0) == pytest.approx(488e6, rel=0.02)


def test_half_precision_takes_half_and_a_batch_takes_no_more_than_its_calls(info: ModelInfo) -> None:
    assert of(info, precision="bfloat16") == pytest.approx(of(info) / 2, abs=1)
    assert of(info, guidance=1.0) < of(info, guidance=7.0)
    assert of(info, batch=64) == of(info, batch=32) or info.micro_batch > 64


def test_a_model_of_pixels_is_not_counted() -> None:
    small = embedded_models()[0]
    assert run_bytes(resolve(Draft.for_model(small), small), small) == 0


def test_a_smaller_size_keeps_the_shape_and_is_the_largest_that_fits(info: ModelInfo) -> None:
    size = smaller_size((1024, 768), info, lambda size: size[0] * size[1] <= 512 * 384)
    assert size == (512, 384)
    assert smaller_size((1024, 768), info, lambda size: False) is None
