"""Load models: each kind of model is one line of LOADERS, whose module has load(info, device, dtype).

The package itself imports no torch, because the window counts tokens with engine.models.clip_bpe.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.models.errors import ModelError

if TYPE_CHECKING:
    import torch

    from engine.spec.catalog import ModelInfo
    from engine.types import Model

__all__ = ["LOADERS", "ModelError", "load"]

LOADERS = {"checkpoint": "engine.models.latent", "embedded": "engine.models.embedded"}
SLOW = {"checkpoint"}  # their load() also has report and cancelled


def load(
    info: ModelInfo,
    device: torch.device,
    dtype: torch.dtype | None = None,
    report: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Model:
    """Load the model of `info` for sampling on `device`, in float32 where `dtype` is None. `report` is called with the
    share that is loaded, 0 … 1, for models that take a while.

    Raises ModelError or CheckpointError when it cannot, and Cancelled.
    """
    import torch

    kind = info.config.get("kind")
    if not isinstance(kind, str) or kind not in LOADERS:
        raise ModelError(f"The kind of the model “{info.title}” is unknown ({kind!r}): update the studio.")
    loader = importlib.import_module(LOADERS[kind])
    more = {"report": report, "cancelled": cancelled} if kind in SLOW else {}
    model: Model = loader.load(info, device, dtype or torch.float32, **more)
    return model
