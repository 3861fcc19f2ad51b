"""From a picture to its x_T: the probability flow run backwards over the levels that the decoding will come down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.noise import Noise
from engine.paths import ascending
from engine.rules import RULES
from engine.run import run
from engine.spec.morph import climb

if TYPE_CHECKING:
    from torch import Tensor

    from engine.spec.request import Request
    from engine.types import Denoiser, Step

RULE = "heun"


def encode(d: Denoiser, x0: Tensor, request: Request) -> Iterator[Step]:
    """Carry pictures x0 (B, C, h, w) up to σ₀ of `request`; the last Step's move.x is where they start from.

    Heun's method over the request's own levels. On the emoji model's twelve steps that comes back nearer to the picture
    (39 dB, median of four) than a solve at a tolerance of 1e-3 does (38 dB) and takes fewer calls: what counts is the
    way back, which is as coarse. A picture is taken as the state at the lowest level above 0: below that a net has
    learned nothing, and ε̂ = (x − D)/σ would magnify its errors. `d` should be unguided: under strong guidance many
    starts lead to one picture, so that the way up is ill-conditioned (10 to 30 dB).
    """
    return run(d, ascending(climb(request)), RULES[RULE], x0, Noise(range(len(x0))))
