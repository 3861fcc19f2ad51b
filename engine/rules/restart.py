"""Restart (Xu et al. 2023): Heun's steps, on a path that goes back up with fresh noise and down again.

The rule takes the steps; its options choose the path (engine.paths.restart), which RePaint's replaces.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from engine.rules.heun import heun
from engine.types import Move, Option, Rule

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Denoiser, History, NoiseSource


class Interval(NamedTuple):
    """One restart: `times` times from `low` up to `high` and down again over `levels` noise levels, both ends counted.

    The paper's K, t_min, t_max and N_Restart.
    """

    low: float
    high: float
    levels: int
    times: int


PUBLISHED: tuple[tuple[Interval, ...], ...] = (  # of the paper and its code: Tables 3 and 5
    (Interval(0.06, 0.30, 3, 2),),  # CIFAR-10, 18 steps
    (  # ImageNet 64, 36 steps
        Interval(19.35, 40.79, 4, 1),
        Interval(1.09, 1.92, 4, 1),
        Interval(0.59, 1.09, 4, 5),
        Interval(0.30, 0.59, 4, 5),
        Interval(0.06, 0.30, 6, 6),
    ),
)


def restart(
    d: Denoiser,
    x: Tensor,
    s: float,
    s2: float,
    past: History,
    z: NoiseSource,
    *,
    published: int = 0,
    low: float = 0.1,
    high: float = 2.0,
    levels: int = 10,
    times: int = 1,
) -> Move:
    """Take Heun's step. The options are those of the path."""
    return heun(d, x, s, s2, past, z)


def intervals(options: Iterable[tuple[str, float]]) -> tuple[Interval, ...]:
    """Return the restarts that the options of RESTART choose; missing options have their defaults."""
    chosen = {option.name: option.default for option in RESTART.options} | dict(options)
    if chosen["published"] > 0:
        return PUBLISHED[int(chosen["published"]) - 1]
    return (Interval(chosen["low"], chosen["high"], int(chosen["levels"]), int(chosen["times"])),)


RESTART = Rule(
    restart,
    "Restart",
    "Heun's steps, some of them repeated from fresh noise, which corrects errors: 20 steps or more.",
    evals=2,
    stochastic=True,
    options=(
        Option("published", 0, 0, len(PUBLISHED), "0: the numbers below; 1: CIFAR-10's; 2: ImageNet 64's"),
        Option("low", 0.1, 0.01, 100.0, "Restart at this noise level"),
        Option("high", 2.0, 0.02, 100.0, "Go back up to this noise level"),
        Option("levels", 10, 2, 100, "Noise levels on the way down again, both ends counted"),
        Option("times", 1, 1, 50, "How often to restart"),
    ),
)
