"""The canonical memory layout of tensors: every net call gets and returns it, so that equal values give equal bits.

The output of a net does not depend on values alone. The strides and the address of a tensor choose the kernel, and
kernels round differently: on some processors oneDNN returns a convolution in channels-last order, and the next call
then uses another kernel than for the same values in C order. A run file stores values only. So every state, condition
and answer is brought into this layout at each net call (engine.meter) and where arrays are read.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

ALIGNMENT = 64  # bytes; torch's CPU allocator aligns every tensor to it
NAME = "contiguous"  # the name of this layout in the environment of a run


def canonical(x: Tensor) -> Tensor:
    """Return the values in C order, with the strides and the alignment of a newly allocated tensor.

    The result is x itself if it has this layout, else a differentiable copy. `Tensor.contiguous` is not enough: it
    keeps the strides of dimensions of size 1, and torch then takes a grey picture for a channels-last one.
    """
    if x.stride() == _strides(x.shape) and (x.device.type != "cpu" or x.data_ptr() % ALIGNMENT == 0):
        return x
    return x.clone(memory_format=torch.contiguous_format)


def from_array(array: np.ndarray[Any, Any], device: torch.device | str = "cpu") -> Tensor:
    """Copy an array into a canonical tensor, in torch's own memory: NumPy aligns to 16 bytes only."""
    return canonical(torch.tensor(array, device=device))


@lru_cache(maxsize=256)
def _strides(shape: torch.Size) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))
