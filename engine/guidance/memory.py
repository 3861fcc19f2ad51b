"""What a gradient through a net keeps in memory until it is taken, and how much memory there is."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

SHARE = 0.5  # of the free memory that gradients may take before the nets are computed twice instead


def graph_bytes(f: Callable[[Tensor], Tensor], x: Tensor) -> int:
    """The bytes that the graph of f(x) keeps for its gradient, parameters left out, measured by computing f once."""
    kept: dict[int, int] = {}

    def keep(value: Tensor) -> Tensor:
        if not value.is_leaf:
            storage = value.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
        return value

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        out = f(x.detach().requires_grad_())  # alive until all is counted, so that no storage is counted as two
    del out
    return sum(kept.values())


def free_bytes(device: torch.device) -> int | None:
    """The bytes that are free on a device; None where it cannot be told."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type != "cpu":
        return None
    return _available()


def _available() -> int | None:
    """Linux says what is free without swapping, and a limit of the process counts where it is lower."""
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
    """What is left to the process under RLIMIT_AS, where there is one."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        with open("/proc/self/statm", encoding="ascii") as file:
            used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError):
        return None
    return None if limit == resource.RLIM_INFINITY else max(0, limit - used)
