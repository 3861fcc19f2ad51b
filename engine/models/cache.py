"""Models: the loaded models of a device. One large model at a time; small ones stay until they are many."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from engine import models
from engine.models.errors import ModelError
from engine.models.memory import free_bytes
from engine.spec.memory import SPARE, loaded_bytes, request_bytes, smallest_change

if TYPE_CHECKING:
    from engine.spec.catalog import ModelInfo
    from engine.spec.request import Request
    from engine.spec.saving import Change
    from engine.types import Codec, Model

LARGE = 512 * 2**20  # bytes from which on a model is large: the embedded ones have less than 50 MB
SMALL_TOGETHER = 2 * 2**30  # bytes that small models may take together


class Models:
    """Loads models at their first use and keeps them. The least recently used one goes first.

    A large model is refused by estimate before anything is read, since Linux kills a process that has no memory left
    instead of raising an error.
    """

    def __init__(self, device: torch.device, spare: int = SPARE) -> None:
        """spare: bytes that stay free beside a large model, for its runs and for other programs"""
        self.device, self.spare = device, spare
        self._held: OrderedDict[tuple[str, ...], tuple[Model, int]] = OrderedDict()  # with their bytes
        self._tiny: dict[tuple[Path, str], Codec] = {}
        self.tiny_seconds: float | None = None
        """What the TAESD took for each pixel of a latent, the last time."""

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

    def tiny_codec(self, path: Path, info: ModelInfo) -> Codec:
        """Return the TAESD at `path` for previews of a checkpoint; it stays loaded: it has 10 MB.

        Raises CheckpointError for a file that is none for the family of the checkpoint.
        """
        key = path, str(info.config.get("family"))
        if key not in self._tiny:
            from engine.models.latent import load_preview_codec  # of diffusers

            self._tiny = {key: load_preview_codec(path, key[1], self.device)}
        return self._tiny[key]

    def room(self) -> int | None:
        """Return the bytes of memory for the next large model: those that are free, and those of the large models that
        would go for it. None where they are unknown.
        """
        free = free_bytes(self.device)
        return None if free is None else free + sum(size for _, size in self._held.values() if size >= LARGE)

    def put(self, info: ModelInfo, model: Model) -> None:
        """Keep a loaded model as that of `info`."""
        self._held[_key(info)] = model, max(loaded_bytes(info), model.bytes)
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
        """Raise ModelError where the weights do not fit into the free memory."""
        free, needs = free_bytes(self.device), loaded_bytes(info)
        if free is not None and needs + self.spare > free:
            raise ModelError(
                f"“{info.title}” takes {_gib(needs)} of memory and {_gib(free)} are free: close other "
                "programs, or choose a smaller model."
            )

    def check_run(self, request: Request, info: ModelInfo) -> None:
        """Raise DoesNotFit, with the smallest change that helps, where a run of a large checkpoint does not fit.

        info -- its model, as the request describes it
        """
        if info.bytes < LARGE or "weights" not in info.config or (room := self.room()) is None:
            return
        if request_bytes(request, info, self.spare) > room:
            change = smallest_change(request, info, room, self.spare)
            raise DoesNotFit(info.title, request_bytes(request, info), room, change)


class DoesNotFit(ModelError):
    """A run that takes `needs` bytes of memory while only `free` are free; `change` makes it fit."""

    def __init__(self, title: str, needs: int, free: int, change: Change | None) -> None:
        way = "close other programs, or choose a smaller model" if change is None else change.words
        super().__init__(f"A run of “{title}” takes {_gib(needs)} of memory and {_gib(free)} are free: {way}.")
        self.change = change


def _key(info: ModelInfo) -> tuple[str, ...]:
    vae = info.config.get("vae") or ""
    own = info.sha256 or str(info.folder)  # a large file's hash is known later
    return own, info.compute_dtype, vae, *sorted(info.saving)


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
