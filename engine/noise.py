"""Random numbers by address: a draw depends on its seed and its place in the run, never on earlier draws.

Each image has its own numbers: its seed is the key, (hop, stream, draw) the position. So an image is the same alone and
in a batch, and a run that resumes at hop k draws the same numbers there. They are drawn on the CPU in float64 with the
counter-based Philox generator (Salmon et al. 2011) and then cast: the same on every device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

START = -1  # the hop index of x_T
# streams: a rule and a constraint that draw the same numbers would be correlated
RULE, PIN, TRANSFORM, ENLARGE, ENLARGE_PIN, PROBE, DEQUANTISE, FORWARD = range(8)


class Noise(NamedTuple):
    """The random numbers of a batch at one hop.

    seeds     -- one per image, 0 … 2⁶³ − 1
    particles -- states per image (a batch is images × particles, image-major)
    hop       -- the hop that draws; START for x_T
    stream    -- the part of the engine that draws: RULE, PIN (constraints), TRANSFORM, ENLARGE (a second stage),
                 ENLARGE_PIN (its constraint), PROBE (of a divergence), DEQUANTISE, or FORWARD (noise added to a known
                 picture)
    """

    seeds: Sequence[int]
    particles: int = 1
    hop: int = START
    stream: int = RULE

    def at(self, hop: int) -> Noise:
        """Return the numbers of another hop."""
        return Noise(self.seeds, self.particles, hop, self.stream)

    def of(self, stream: int) -> Noise:
        """Return the numbers of another stream."""
        return Noise(self.seeds, self.particles, self.hop, stream)

    def normal(self, like: Tensor, draw: int = 0, shared: bool = False) -> Tensor:
        """Draw standard normal noise with the shape, dtype and device of `like` (B, …), B = images × particles.

        draw   -- the number of the draw within one hop and stream
        shared -- whether all particles of an image get the same noise

        Raises ValueError when the batch does not match the seeds.
        """
        import torch

        if len(like) != len(self.seeds) * self.particles:
            raise ValueError(
                f"{len(self.seeds)} seeds × {self.particles} particles do not match a batch of {len(like)}: "
                "give one seed for each image."
            )
        # Particle p of K is row p of one block: the first K rows do not depend on K.
        block = (1 if shared else self.particles, *like.shape[1:])
        rows = np.concatenate([self._generator(seed, draw).standard_normal(block) for seed in self.seeds])
        if shared:
            rows = np.repeat(rows, self.particles, axis=0)
        return torch.from_numpy(rows).to(dtype=like.dtype).to(like.device)

    def uniform(self, draw: int = 0) -> np.ndarray:
        """Draw one number in [0, 1) per image, (images,), for choices that its particles share (resampling)."""
        return np.array([self._generator(seed, draw).random() for seed in self.seeds])

    def _generator(self, seed: int, draw: int) -> np.random.Generator:
        # Philox counts up in the low word of its 256-bit counter: addresses in the words above are 2⁶⁴ numbers apart.
        counter = np.array([0, draw, self.stream, self.hop + 1], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(counter=counter, key=np.array([seed, 0], dtype=np.uint64)))


def truncate(z: Tensor, at: float) -> Tensor:
    """Map standard normal numbers z to the normal law truncated to −at … at; return z where `at` is 0.

    The law is the same as redrawing every number outside (Marchesi 2017; Brock et al. 2019, section 3.1). Here each
    number keeps its quantile, z' = Φ⁻¹(½ + (Φ(z) − ½)·(2Φ(at) − 1)): a seed's picture changes gradually with `at`, and
    the number of draws does not depend on it.
    """
    if at == 0:
        return z
    import torch

    from engine.precision import wide

    inside = torch.special.erf(wide(z) / 2**0.5) * math.erf(at / 2**0.5)  # 2Φ − 1: Φ itself would round in the tails
    return (2**0.5 * torch.special.erfinv(inside)).clamp(-at, at).to(z.dtype)
