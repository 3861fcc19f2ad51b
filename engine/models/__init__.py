"""What supplies a net. A kind of model is one line of LOADERS; its module has load(info, device, dtype)."""

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
    """The model of `info`, ready to sample on `device`. Raises ModelError when it cannot be."""
    kind = info.config.get("kind")
    if not isinstance(kind, str) or kind not in LOADERS:
        raise ModelError(f"The kind of the model “{info.title}” is not known here ({kind!r}): update the studio.")
    model: Model = importlib.import_module(LOADERS[kind]).load(info, device, dtype)
    return model
