"""Encode a picture to its x_T: the probability flow upwards over the noise levels of the decoding."""

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
    """Carry pictures x0 (B, C, h, w) up to σ₀ of `request`; the last Step's move.x is x_T.

    Heun's method over the request's own levels. With the emoji model's twelve steps this decodes nearer to the picture
    (39 dB, median of four) than a solve at a tolerance of 1e-3 (38 dB), and takes fewer calls: the way back is as
    coarse, and it decides the error. A picture is the state at the lowest level above 0: below that a net is not
    trained, and ε̂ = (x − D)/σ would magnify its errors. `d` should be unguided: under strong guidance many starts lead
    to one picture, so the way up is ill-conditioned (10 to 30 dB).
    """
    return run(d, ascending(climb(request)), RULES[RULE], x0, Noise(range(len(x0))))
