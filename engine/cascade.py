"""The second stage of a cascade: enlarges the small picture at the end of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import torch

from engine.meter import Meter
from engine.noise import ENLARGE, ENLARGE_PIN
from engine.paths import descending
from engine.rules import RULES
from engine.run import run
from engine.types import Cond

if TYPE_CHECKING:
    from torch import Tensor

    from engine.spec.request import Enlargement
    from engine.types import Constraint, NoiseSource, SecondStage

Report: TypeAlias = Callable[[int, int], None]  # takes the calls of the net that are done, and their total
MICRO_BATCH = 8  # large pictures per net call; fixed, because pixels depend on it


def enlarge(
    stage: SecondStage,
    wanted: Enlargement,
    z: Tensor,
    label: Tensor | None,
    noise: NoiseSource,
    cancelled: Callable[[], bool] = lambda: False,
    constraint: Constraint | None = None,
    origin: Tensor | None = None,
    report: Report = lambda done, total: None,
) -> Tensor:
    """Sample the large pictures (B, C, f·h, f·w) of the last states z (B, C, h, w) of the first stage.

    With Gaussian augmentation z is a finished picture, and noise of level s is added to it here. With truncated
    augmentation the first stage stopped at σ = s and z is used as it is: the same law, since x = x0 + σ·ε (Ho et al.
    2022, section 4.2 of "Cascaded diffusion models").

    noise      -- of the pictures' seeds, at START
    constraint -- the pixels to keep of a large picture that is edited
    origin     -- (C, f·h, f·w) that picture, where the run starts from it plus noise of the first level; None starts
                  from pure noise
    report     -- called before each call of the net with the number of calls that are done, and of all

    Raises Cancelled between two calls of the net.
    """
    noise = noise.of(ENLARGE)
    if not wanted.truncated:
        z = z + wanted.level * noise.normal(z, draw=1)
    level = torch.full((len(z),), wanted.level, device=z.device)
    cond = Cond(image=z, level=level, label=label)
    path, rule = descending(wanted.sigmas), RULES[wanted.sampler]
    total = rule.cost(path) * -(-len(z) // MICRO_BATCH)

    def between() -> bool:
        report(meter.calls, total)
        return cancelled()

    meter = Meter(stage.denoiser, MICRO_BATCH, cancelled=between)
    size, channels, height, width = z.shape
    x = z.new_empty(size, channels, stage.factor * height, stage.factor * width)
    if origin is None:
        x = noise.normal(x).mul_(stage.schedule.start_std(wanted.sigmas[0]))
    else:
        x = origin + wanted.sigmas[0] * noise.normal(x)
    held = None if constraint is None else lambda x, s, n: constraint(x, s, n.of(ENLARGE_PIN))
    for step in run(lambda x, s, c=None: meter(x, s, cond), path, rule, x, noise, held):
        x = step.move.x
    return x
