"""The memory that a gradient through a net needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

SHARE = 0.5  # of the free memory: gradients that need more compute the nets twice
MEASURED = 32  # cells a side of the largest latents that are measured: a full pass with its graph takes too long


def graph_bytes(f: Callable[[Tensor], Tensor], x: Tensor) -> int:
    """Measure the bytes that the graph of f(x) keeps for its gradient, without parameters, by one call of f."""
    kept: dict[int, int] = {}

    def keep(value: Tensor) -> Tensor:
        if not value.is_leaf:
            storage = value.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
        return value

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        out = f(x.detach().requires_grad_())  # alive until the end, so that no freed storage is counted twice
    del out
    return sum(kept.values())
