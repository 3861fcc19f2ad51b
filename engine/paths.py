"""Where to go: the list of hops that run() walks. Torch-free."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from engine.types import Hop, Path


def descending(sigmas: Iterable[float]) -> Path:
    """Plain denoising along σ₀ > σ₁ > … > σₙ ≥ 0: n hops."""
    levels = [float(s) for s in sigmas]
    if any(a <= b for a, b in pairwise(levels)):
        raise ValueError("A descending path needs strictly descending noise levels.")
    return tuple(Hop(s, s2) for s, s2 in pairwise(levels))
