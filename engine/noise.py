"""Noise that is addressed, not consumed: the draw depends on where it is used, never on what was drawn before.

Each image has its own stream, keyed by (seed, particle) and positioned by (hop, draw), so that an image is the same
alone and in a batch, and a run resumed at hop k draws what the whole run drew there. Drawn on the CPU in float64 with
the counter-based Philox generator (Salmon et al. 2011), then cast: the same on every device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

START = -1  # the hop that x_T is drawn at
CONSTRAINT = 1 << 32  # draws from here on belong to constraints, so that they never meet a rule's


@dataclass(frozen=True, slots=True)
class Noise:
    """The random streams of a batch, standing at one hop.

    seeds     -- one per image, 0 … 2⁶³ − 1
    particles -- how many states each image has (a batch is images × particles, image-major)
    hop       -- where in the path the next draws belong; START for x_T
    """

    seeds: Sequence[int]
    particles: int = 1
    hop: int = START

    def at(self, hop: int) -> Noise:
        return Noise(self.seeds, self.particles, hop)

    def normal(self, like: Tensor, draw: int = 0) -> Tensor:
        """Standard normal noise of the shape, dtype and device of `like` (B, …), B = images × particles.

        `draw` numbers the draws within one hop. Raises ValueError when the batch does not match the seeds.
        """
        import torch

        if len(like) != len(self.seeds) * self.particles:
            raise ValueError(f"{len(self.seeds)} seeds × {self.particles} particles for a batch of {len(like)}.")
        shape = tuple(like.shape[1:])
        rows = [self._row(seed, p, draw, shape) for seed in self.seeds for p in range(self.particles)]
        return torch.from_numpy(np.stack(rows)).to(dtype=like.dtype).to(like.device)

    def uniform(self, image: int, draw: int = 0) -> float:
        """One number in [0, 1) of image `image`'s stream, for choices that its particles share (resampling)."""
        return float(self._generator(self.seeds[image], self.particles, draw).random())

    def _row(self, seed: int, particle: int, draw: int, shape: tuple[int, ...]) -> np.ndarray:
        return self._generator(seed, particle, draw).standard_normal(shape)

    def _generator(self, seed: int, particle: int, draw: int) -> np.random.Generator:
        # Philox adds to the low word of its 256-bit counter: the address sits above it, 2⁶⁴ numbers apart.
        counter = np.array([0, 0, draw, self.hop + 1], dtype=np.uint64)
        key = np.array([seed, particle], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(counter=counter, key=key))
