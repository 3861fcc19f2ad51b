"""Build nets without values: their arrays have shapes, and no memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import init
from torch.overrides import TorchFunctionMode

INITIAL = {init.normal_, init.uniform_, init.kaiming_uniform_, init.constant_}  # how layers fill their arrays


class _NoValues(TorchFunctionMode):
    """Leave out initial values. On the meta device torch imports its compiler for them, which takes over a second."""

    def __torch_function__(
        self, function: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        return named["tensor"] if function in INITIAL else function(*args, **named)


@contextmanager
def without_values() -> Iterator[None]:
    """Within this context new arrays lie on the meta device, and nn.init leaves them alone."""
    with torch.device("meta"), _NoValues():
        yield
