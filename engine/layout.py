"""The one memory layout in which nets see numbers and give them back.

The values of a tensor do not decide alone what a net answers. Its strides and its address choose the kernel, and
kernels round differently: oneDNN answers a convolution in channels-last order on some processors, and the next call
then takes another convolution than it would from the same numbers in C order. A run file keeps values only. So every
state, condition and answer is brought into this layout where a net is called (engine.meter) and where arrays are read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

ALIGNMENT = 64  # bytes; where torch's CPU allocator begins every tensor
NAME = "contiguous"  # of this layout, in a run's environment


def canonical(x: Tensor) -> Tensor:
    """The same values in C order, with the strides and the alignment of a tensor that torch has just allocated.

    Returns x itself where it is laid out so; else a copy, which is differentiable. `Tensor.contiguous` is not enough:
    it keeps the strides of dimensions of size 1, by which torch takes a grey picture for a channels-last one.
    """
    if x.stride() == _strides(x.shape) and (x.device.type != "cpu" or x.data_ptr() % ALIGNMENT == 0):
        return x
    return x.clone(memory_format=torch.contiguous_format)


def from_array(array: np.ndarray[Any, Any], device: torch.device | str = "cpu") -> Tensor:
    """A canonical tensor of an array's values, in memory of torch's own: NumPy aligns to 16 bytes only."""
    return canonical(torch.tensor(array, device=device))


def _strides(shape: torch.Size) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))
