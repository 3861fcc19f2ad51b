"""Models: the loaded models of a device. One large model at a time; small ones stay until they are many."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from engine import models
from engine.models.errors import ModelError
from engine.models.memory import free_bytes
from engine.spec.catalog import DTYPES

if TYPE_CHECKING:
    from engine.spec.catalog import ModelInfo
    from engine.types import Model

LARGE = 512 * 2**20  # bytes from which on a model is large: the embedded ones have less than 50 MB
SMALL_TOGETHER = 2 * 2**30  # bytes that small models may take together
SPARE = 512 * 2**20  # bytes to keep free beside a large model


class Models:
    """Loads models at their first use and keeps them. The least recently used one goes first.

    A large model is refused by estimate before anything is read, since Linux kills a process that has no memory left
    instead of raising an error.
    """

    def __init__(self, device: torch.device, spare: int = SPARE) -> None:
        """spare: bytes that stay free beside a large model, for its runs and for other programs"""
        self.device, self.spare = device, spare
        self._held: OrderedDict[tuple[str, ...], tuple[Model, int]] = OrderedDict()  # with their bytes

    def get(
        self,
        info: ModelInfo,
        report: Callable[[float], None] = lambda share: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Model:
        """Return the model of `info`, loaded. `report` is called with the share that is loaded.

        Raises ModelError or CheckpointError for damaged files and for too little memory, and Cancelled.
        """
        held = self.held(info)
        if held is not None:
            return held
        if info.bytes >= LARGE:
            self._drop_large()
            self._check_memory(info)
        model = models.load(info, self.device, getattr(torch, info.compute_dtype), report, cancelled)
        self.put(info, model)
        return model

    def held(self, info: ModelInfo) -> Model | None:
        """Return the model of `info` if it is loaded."""
        key = _key(info)
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key][0]

    def room(self) -> int | None:
        """Return the bytes of memory for the next large model: those that are free, and those of the large models that
        would go for it. None where they are unknown.
        """
        free = free_bytes(self.device)
        return None if free is None else free + sum(size for _, size in self._held.values() if size >= LARGE)

    def put(self, info: ModelInfo, model: Model) -> None:
        """Keep a loaded model as that of `info`."""
        self._held[_key(info)] = model, max(info.bytes, model.bytes)
        self._held.move_to_end(_key(info))
        small = [key for key, (_, size) in self._held.items() if size < LARGE]
        while len(small) > 1 and sum(self._held[key][1] for key in small) > SMALL_TOGETHER:
            del self._held[small.pop(0)]

    def _drop_large(self) -> None:
        large = [key for key, (_, size) in self._held.items() if size >= LARGE]
        for key in large:
            del self._held[key]
        if large:
            gc.collect()
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def _check_memory(self, info: ModelInfo) -> None:
        """Raise ModelError with the smaller way where the weights do not fit into the free memory."""
        free = free_bytes(self.device)
        if free is None or info.bytes + self.spare <= free:
            return
        half = info.bytes * 2 // DTYPES[info.compute_dtype]
        way = "close other programs, or choose a smaller model"
        if half < info.bytes and half + self.spare <= free:
            way = f"load it in half precision, which takes {_gib(half)}"
        raise ModelError(f"“{info.title}” takes {_gib(info.bytes)} of memory and {_gib(free)} are free: {way}.")


def _key(info: ModelInfo) -> tuple[str, ...]:
    vae = info.config.get("vae") or ""
    return info.sha256 or str(info.folder), info.compute_dtype, vae  # a large file's hash is known later


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
