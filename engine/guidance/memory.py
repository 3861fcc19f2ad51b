"""The memory that a gradient through a net needs, and the memory that is free."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

SHARE = 0.5  # of the free memory: gradients that need more compute the nets twice


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


def free_bytes(device: torch.device) -> int | None:
    """Return the free bytes of a device; None where they are unknown."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type != "cpu":
        return None
    return _available()


def _available() -> int | None:
    """Return the bytes that are free without swapping, at most the rest of RLIMIT_AS."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            rows = dict(line.split(":", 1) for line in file)
        free = int(rows["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        try:
            free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):
            return None
    return free if (limit := _limit()) is None else min(free, limit)


def _limit() -> int | None:
    """Return the bytes that RLIMIT_AS leaves to the process, None without a limit."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        with open("/proc/self/statm", encoding="ascii") as file:
            used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError):
        return None
    return None if limit == resource.RLIM_INFINITY else max(0, limit - used)
