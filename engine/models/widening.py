"""Widen the weights of a net to more channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import Tensor

# One axis of an array, and the runs of entries along it: (how many, whether there are that many for each channel).
Runs: TypeAlias = tuple[int, tuple[tuple[int, bool], ...]]


def widen_weights(weights: Mapping[str, Tensor], by_channel: Mapping[str, Runs], channels: int) -> dict[str, Tensor]:
    """Return `weights` for a net with more channels, which gives the old channels exactly as before.

    by_channel names the arrays that grow. The new channels come last; their input weights and their outputs are zero
    until they are trained.
    """
    wide = dict(weights)
    for name, (axis, runs) in by_channel.items():
        if name in wide:
            wide[name] = _spread(wide[name], axis, runs, channels)
    return wide


def _spread(value: Tensor, axis: int, runs: tuple[tuple[int, bool], ...], channels: int) -> Tensor:
    fixed = sum(count for count, each in runs if not each)
    per_channel = sum(count for count, each in runs if each)
    before = (value.shape[axis] - fixed) // per_channel
    if before >= channels:
        return value
    parts = value.split([count * before if each else count for count, each in runs], axis)
    grown = []
    for part, (count, each) in zip(parts, runs, strict=True):
        grown.append(part)
        if each:
            shape = list(part.shape)
            shape[axis] = count * (channels - before)
            grown.append(part.new_zeros(shape))
    return torch.cat(grown, axis)
