"""Noise that is addressed, not consumed: the draw depends on where it is used, never on what was drawn before.

Each image has its own numbers, keyed by its seed and positioned by (hop, stream, draw), so that an image is the same
alone and in a batch, and a run resumed at hop k draws what the whole run drew there. Drawn on the CPU in float64 with
the counter-based Philox generator (Salmon et al. 2011), then cast: the same on every device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

START = -1  # the hop that x_T is drawn at
# streams: one number drawn by a rule and by a constraint would correlate them
RULE, PIN, TRANSFORM, ENLARGE, ENLARGE_PIN, PROBE, DEQUANTISE, FORWARD = range(8)


class Noise(NamedTuple):
    """The random streams of a batch, standing at one hop.

    seeds     -- one per image, 0 … 2⁶³ − 1
    particles -- how many states each image has (a batch is images × particles, image-major)
    hop       -- where in the path the next draws belong; START for x_T
    stream    -- who draws: RULE, PIN (constraints), TRANSFORM, ENLARGE (a second stage), ENLARGE_PIN (its constraint),
                 PROBE (of a divergence), DEQUANTISE, or FORWARD (noise put into a known picture)
    """

    seeds: Sequence[int]
    particles: int = 1
    hop: int = START
    stream: int = RULE

    def at(self, hop: int) -> Noise:
        return Noise(self.seeds, self.particles, hop, self.stream)

    def of(self, stream: int) -> Noise:
        return Noise(self.seeds, self.particles, self.hop, stream)

    def normal(self, like: Tensor, draw: int = 0, shared: bool = False) -> Tensor:
        """Standard normal noise of the shape, dtype and device of `like` (B, …), B = images × particles.

        `draw` numbers the draws within one hop and stream; `shared` gives an image's particles one and the same.
        Raises ValueError when the batch does not match the seeds.
        """
        import torch

        if len(like) != len(self.seeds) * self.particles:
            raise ValueError(f"{len(self.seeds)} seeds × {self.particles} particles for a batch of {len(like)}.")
        # Particle p of K is row p of one block: the first K rows do not depend on K.
        block = (1 if shared else self.particles, *like.shape[1:])
        rows = np.concatenate([self._generator(seed, draw).standard_normal(block) for seed in self.seeds])
        if shared:
            rows = np.repeat(rows, self.particles, axis=0)
        return torch.from_numpy(rows).to(dtype=like.dtype).to(like.device)

    def uniform(self, draw: int = 0) -> np.ndarray:
        """One number in [0, 1) per image, (images,), for choices that its particles share (resampling)."""
        return np.array([self._generator(seed, draw).random() for seed in self.seeds])

    def _generator(self, seed: int, draw: int) -> np.random.Generator:
        # Philox adds to the low word of its 256-bit counter: the address sits above it, 2⁶⁴ numbers apart.
        counter = np.array([0, draw, self.stream, self.hop + 1], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(counter=counter, key=np.array([seed, 0], dtype=np.uint64)))


def truncate(z: Tensor, at: float) -> Tensor:
    """Standard normal numbers z as those of the normal law between −at and at; z itself where `at` is 0.

    The law is that of drawing again whatever lies outside (Marchesi 2017; Brock et al. 2019, section 3.1). Here each
    number keeps its place in the law, z' = Φ⁻¹(½ + (Φ(z) − ½)·(2Φ(at) − 1)), so that a seed's picture changes gradually
    with `at`, and one number is drawn whatever that is.
    """
    if at == 0:
        return z
    import torch

    from engine.precision import wide

    inside = torch.special.erf(wide(z) / 2**0.5) * math.erf(at / 2**0.5)  # 2Φ − 1: precise where the tails are not
    return (2**0.5 * torch.special.erfinv(inside)).clamp(-at, at).to(z.dtype)
