"""The compute device: CUDA, XPU or MPS where there is one, else the CPU; chosen once at the start."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

PREFERENCE = ("cuda", "xpu", "mps", "cpu")
NAMES = {"cuda": "NVIDIA or AMD GPU", "xpu": "Intel GPU", "mps": "Apple GPU", "cpu": "CPU"}


class DeviceError(ValueError):
    """The requested device does not exist here; the message names the ones that do."""


def available() -> dict[str, bool]:
    """Return which kinds of device torch can use here."""
    import torch

    return {
        "cuda": torch.cuda.is_available(),
        "xpu": hasattr(torch, "xpu") and torch.xpu.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }


def choose(there: Mapping[str, bool], wanted: str | None = None) -> str:
    """Return `wanted`, or by default the first kind in PREFERENCE that is there. Raises DeviceError."""
    kinds = [kind for kind in PREFERENCE if there.get(kind)]
    if wanted is None:
        return kinds[0]
    if wanted.split(":")[0] not in kinds:
        raise DeviceError(f"There is no device “{wanted}” here: choose {' or '.join(kinds)}.")
    return wanted


def describe(device: torch.device) -> str:
    """Name the device for the user, such as “CPU, 2 threads”."""
    import torch

    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "xpu":
        return torch.xpu.get_device_name(device)
    return f"{NAMES.get(device.type, device.type)} ({platform.processor() or platform.machine()})"
