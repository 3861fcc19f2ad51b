"""A small model of random weights in a folder of its own: what a run needs, without what a picture needs."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch
from safetensors.torch import save_file

from engine.catalog import ModelInfo, read_model
from engine.models import net

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
