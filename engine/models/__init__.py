"""Load models: each kind of model is one line of LOADERS, whose module has load(info, device, dtype)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import torch

from engine.models.errors import ModelError

if TYPE_CHECKING:
    from engine.spec.catalog import ModelInfo
    from engine.types import Model

__all__ = ["LOADERS", "ModelError", "load"]

LOADERS = {"embedded": "engine.models.embedded"}


def load(info: ModelInfo, device: torch.device, dtype: torch.dtype = torch.float32) -> Model:
    """Load the model of `info` for sampling on `device`. Raises ModelError when it cannot."""
    kind = info.config.get("kind")
    if not isinstance(kind, str) or kind not in LOADERS:
        raise ModelError(f"The kind of the model “{info.title}” is unknown ({kind!r}): update the studio.")
    model: Model = importlib.import_module(LOADERS[kind]).load(info, device, dtype)
    return model
