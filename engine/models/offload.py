"""Keep one part of a model on its device at a time: text encoders, net or decoder. The pixels are the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn


class Offload:
    """Moves the parts of a model to its device when they are called, and away when another one is called.

    A part that is away has the arrays of its file, mapped: they take no memory until they are read, on the CPU and for
    a GPU. So a part that comes back is read again from the file, in its own dtype.

    parts     -- by name the nets that come and go together, loaded as their files have them, on the CPU
    device    -- where they are called
    dtypes    -- by name the dtype in which a part computes
    on_change -- called with the name of a part after its parameters have changed
    """

    def __init__(
        self,
        parts: Mapping[str, Sequence[nn.Module]],
        device: torch.device,
        dtypes: Mapping[str, torch.dtype],
        on_change: Callable[[str], None] = lambda part: None,
    ) -> None:
        self.device, self.on_change = device, on_change
        self.there = ""  # the part that is on the device
        self._parts, self._dtypes = parts, dtypes
        self._files = {name: [held.data for held in _held(nets)] for name, nets in parts.items()}

    def use(self, part: str) -> None:
        """Bring a part to the device, and send the one that is there away. It costs nothing where it is there."""
        if part == self.there:
            return
        if self.there:
            self._set(self.there, lambda value: value)
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
        self.there = ""  # where there is no memory for the next one, none is there
        dtype = self._dtypes[part]
        self._set(part, lambda value: value.to(self.device, dtype if value.is_floating_point() else None))
        self.there = part

    def _set(self, part: str, of: Callable[[Tensor], Tensor]) -> None:
        for held, value in zip(_held(self._parts[part]), self._files[part], strict=True):
            held.data = of(value)
        self.on_change(part)


def _held(nets: Sequence[nn.Module]) -> list[Tensor]:
    return [held for net in nets for held in (*net.parameters(), *net.buffers())]
