"""Where the engine computes: CUDA, XPU or MPS where there is one, else the CPU. Chosen once at the start, and shown."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.errors import EngineError

if TYPE_CHECKING:
    import torch

PREFERENCE = ("cuda", "xpu", "mps", "cpu")
SWITCHES = (  # of the environment, by which libraries below torch choose their kernels
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_CBWR",
)
NAMES = {"cuda": "NVIDIA or AMD GPU", "xpu": "Intel GPU", "mps": "Apple GPU", "cpu": "CPU"}


class DeviceError(EngineError, ValueError):
    """A device that was asked for and is not there; the message says what is."""

    kind = "device"


def available() -> dict[str, bool]:
    """Which kinds of device torch can use here."""
    import torch

    return {
        "cuda": torch.cuda.is_available(),
        "xpu": hasattr(torch, "xpu") and torch.xpu.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }


def choose(there: Mapping[str, bool], wanted: str | None = None) -> str:
    """The kind to compute on: `wanted` if it is there, else the first of PREFERENCE that is."""
    kinds = [kind for kind in PREFERENCE if there.get(kind)]
    if wanted is None:
        return kinds[0]
    if wanted.split(":")[0] not in kinds:
        raise DeviceError(f"There is no device “{wanted}” here: choose {' or '.join(kinds)}.")
    return wanted


def kernels() -> dict[str, object]:
    """What chooses the kernels of torch in this process: the processor's instructions, precisions and switches."""
    import torch

    return {
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "onednn": torch.backends.mkldnn.is_available(),
        "matmul": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "switches": {name: os.environ[name] for name in SWITCHES if name in os.environ},
    }


def describe(device: torch.device) -> str:
    """The device as a person reads it, such as “CPU, 2 threads”."""
    import torch

    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "xpu":
        return torch.xpu.get_device_name(device)
    return f"{NAMES.get(device.type, device.type)} ({platform.processor() or platform.machine()})"
