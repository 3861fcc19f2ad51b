"""Cancel a decoder while it works: a large picture takes it seconds on a CPU, in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from engine.errors import Cancelled
from engine.types import Codec


@contextmanager
def cancelled_between_layers(codec: Codec, cancelled: Callable[[], bool]) -> Iterator[None]:
    """Within it, a codec of a net asks before each layer, and True raises Cancelled; other codecs are fast.

    `cancelled` must not call the codec itself.
    """

    def ask(*_: Any) -> None:
        if cancelled():
            raise Cancelled

    net = getattr(codec, "net", None)
    layers = [layer for layer in net.modules() if not any(layer.children())] if isinstance(net, nn.Module) else []
    hooks = [layer.register_forward_pre_hook(ask) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
