"""Build a net that a file describes, and fill it with the weights of another file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from torch import Tensor, nn

from engine.models.empty import without_values

N = TypeVar("N", bound=nn.Module)


def filled(make: Callable[[], N], weights: Mapping[str, Tensor]) -> N:
    """Return the net of `make` with these weights, in float32. Raises ValueError where they are of another net: its
    shapes are compared first, so a net that its weights do not fill takes no memory.
    """
    with without_values():  # shapes alone
        shapes = {key: value.shape for key, value in make().state_dict().items()}
    if shapes != {key: value.shape for key, value in weights.items()}:
        raise ValueError("its weights are of another net")
    net = make()
    net.load_state_dict(weights)
    return net
