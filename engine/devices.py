"""The compute device: CUDA, XPU or MPS where there is one, else the CPU; chosen once at the start."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Computing:
    """What the user wants to compute with.

    device  -- of PREFERENCE; None: the best one
    threads -- of the processor; 0: as many as it has cores
    spare   -- bytes that stay free beside a large model
    """

    device: str | None = None
    threads: int = 0
    spare: int = 512 * 2**20


AUTOMATIC = Computing()


class DeviceError(EngineError, ValueError):
    """The requested device does not exist here; the message names the ones that do."""

    kind = "device"


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


def kernels() -> dict[str, object]:
    """Return the settings that choose torch's kernels in this process: instructions, precisions, switches."""
    import torch

    return {
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "onednn": torch.backends.mkldnn.is_available(),
        "matmul": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "switches": {name: os.environ[name] for name in SWITCHES if name in os.environ},
    }


def precisions(device: torch.device) -> tuple[str, ...]:
    """Return the precisions to offer on a device: float16 where it computes so, bfloat16 everywhere, for its memory."""
    import torch

    half = device.type != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_fp16_supported())
    return ("float32", "bfloat16", "float16") if half else ("float32", "bfloat16")


def best_precision(device: torch.device) -> str:
    """Return the precision in which a device computes nets best without loss that is seen: half precision on GPUs that
    have units for it, float32 elsewhere.
    """
    import torch

    if device.type == "cuda":
        major = torch.cuda.get_device_capability(device)[0]
        return "bfloat16" if major >= 8 else "float16" if major == 7 else "float32"
    return {"mps": "float16", "xpu": "bfloat16"}.get(device.type, "float32")


def computes_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16, so that a preview may be computed in it."""
    import torch

    if device.type != "cpu":
        return best_precision(device) == "bfloat16"
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


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
