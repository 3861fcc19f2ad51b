"""Fixtures: small models, CLIPs and a cascade with random weights, each in a folder of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from engine.models import net
from engine.spec.catalog import ModelInfo, read_model
from engine.train.export import add_stage
from tests.engine.elsewhere import elsewhere  # noqa: F401  (a fixture)

NET = {
    "type": "patch-transformer",
    "side": 16,
    "patch": 4,
    "channels": 3,
    "width": 32,
    "depth": 2,
    "head": 16,
    "labels": 2,
    "detail": 4,
}
STAGE = {"type": "upscaler", "side": 64, "factor": 4, "channels": 3, "width": 16, "depth": 1, "labels": 2}
DEFAULTS = {"sampler": "ddim", "spacing": "log", "steps": 2, "sigma_min": 0.02, "sigma_max": 20.0, "level": 0.25}


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Two threads for torch, however many a worker has: they divide sums between them, and no bit may tell."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
    generator = torch.Generator().manual_seed(0)
    weights = {
        name: 0.3 * torch.randn(value.shape, generator=generator) for name, value in net.build(NET).state_dict().items()
    }
    save_file(weights, folder / "model.safetensors")
    config = {
        "id": "tiny",
        "title": "Tiny",
        "kind": "embedded",
        "size": [16, 16],
        "net": NET,
        "schedule": {"type": "flow"},
        "predicts": "x0",
        "codec": {"type": "pixel"},
        "conditioning": {"text": {"encoder": "minilm", "length": 16}, "labels": ["round", "square"]},
        "defaults": {
            "sampler": "dpmpp-2m",
            "spacing": "log",
            "steps": 5,
            "guidance": 3.0,
            "sigma_min": 0.02,
            "sigma_max": 80.0,
        },
        "sha256": {"model.safetensors": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()},
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return read_model(folder)


@pytest.fixture
def cascade(tiny_model: ModelInfo, tmp_path: Path) -> ModelInfo:
    """The tiny model with a second stage of random weights."""
    folder = tmp_path / "cascade"
    folder.mkdir()
    for name in ("model.safetensors", "config.json"):
        (folder / name).write_bytes((tiny_model.folder / name).read_bytes())
    torch.manual_seed(1)
    weights = {name: 0.2 * torch.randn_like(value) for name, value in net.build(STAGE).state_dict().items()}
    stage: dict[str, Any] = {"net": STAGE, "schedule": {"type": "flow"}, "predicts": "x0", "defaults": DEFAULTS}
    add_stage(weights, stage, folder)
    return read_model(folder)


CLIP_SHAPE = {
    "embed_dim": 12,
    "vision_cfg": {"image_size": 16, "patch_size": 8, "width": 32, "layers": 1, "head_width": 16, "pool_type": "avg"},
    "text_cfg": {
        "hf_model_name": "minilm",
        "hf_tokenizer_name": "minilm",
        "hf_proj_type": "linear",
        "hf_pooler_type": "mean_pooler",
        "context_length": 77,
    },
    "custom_text": True,
}


def write_clip(folder: Path, noisy: bool) -> Path:
    """Write a CLIP of the engine's own kind with random weights."""
    from engine.models.clip import assemble
    from engine.models.towers import Towers
    from engine.train.contrastive_job import export_clip

    torch.manual_seed(3)
    towers = Towers(assemble(CLIP_SHAPE).visual, 384, noisy)
    if towers.level is not None:
        torch.nn.init.normal_(towers.level.outer.weight)
    about = {"id": folder.name, "title": folder.name.capitalize(), "noisy": noisy}
    export_clip(towers.state_dict(), CLIP_SHAPE, about, folder)
    return folder


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a CLIP for clean pictures of 16 pixels."""
    return write_clip(tmp_path_factory.mktemp("clips") / "tiny-clip", False)


@pytest.fixture(scope="session")
def tiny_noised_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a CLIP that takes σ."""
    return write_clip(tmp_path_factory.mktemp("clips") / "tiny-noised-clip", True)
