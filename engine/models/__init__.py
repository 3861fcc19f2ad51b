"""Load models: each kind of model is one line of LOADERS, whose module has load(info, device, dtype).

The package itself imports no torch, because the window counts tokens with engine.models.clip_bpe.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from engine.models.errors import ModelError

if TYPE_CHECKING:
    import torch

    from engine.spec.catalog import ModelInfo
    from engine.types import Model

__all__ = ["LOADERS", "ModelError", "load"]

LOADERS = {"checkpoint": "engine.models.latent", "embedded": "engine.models.embedded"}


def load(info: ModelInfo, device: torch.device, dtype: torch.dtype | None = None) -> Model:
    """Load the model of `info` for sampling on `device`, in float32 where `dtype` is None. Raises ModelError when it
    cannot.
    """
    import torch

    kind = info.config.get("kind")
    if not isinstance(kind, str) or kind not in LOADERS:
        raise ModelError(f"The kind of the model “{info.title}” is unknown ({kind!r}): update the studio.")
    model: Model = importlib.import_module(LOADERS[kind]).load(info, device, dtype or torch.float32)
    return model
