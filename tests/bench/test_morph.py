"""Time of a morph beside the bare calls of its net: `python3 run.py test -m bench -s tests/bench/test_morph.py`."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from typing import Any

import pytest
import torch

from engine.jobs.morph import MorphFrame, Morphing
from engine.session import Session
from engine.spec.catalog import find
from engine.spec.draft import Draft, resolve
from engine.spec.morph import Key, Morph, price
from engine.types import Cond

pytestmark = pytest.mark.bench
ROUNDS, FRAMES = 3, 30


class Timed:
    """A denoiser that adds up what its calls take."""

    def __init__(self, d: Any) -> None:
        self.d, self.seconds = d, 0.0

    def __call__(self, x: torch.Tensor, sigma: Any, cond: Cond | None = None) -> torch.Tensor:
        began = time.perf_counter()
        made: torch.Tensor = self.d(x, sigma, cond)
        self.seconds += time.perf_counter() - began
        return made


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("large", [False, True], ids=["32 pixels", "128 pixels"])
def test_thirty_frames_against_the_bare_calls(large: bool) -> None:
    """Wall time over the time within the nets, of one and the same morph; the median of some."""
    info = find("emoji")
    session = Session("cpu")
    request = resolve(Draft.for_model(info, seed=1, enlarge=large), info)
    model: Any = session.model(request)
    first, second = Timed(model.denoiser), Timed(model.second.denoiser)
    session.models.put(info, replace(model, denoiser=first, second=replace(model.second, denoiser=second)))
    keys = (Key(seed=3, prompt="red apple", label="noto"), Key(seed=4, prompt="rocket", label="fluent"))
    morph = Morph(request=request, keys=keys, frames=FRAMES)
    list(session.perform(Morphing(replace(morph, frames=2), {})))  # warm
    ratios, each = [], []
    for _ in range(1 if large else ROUNDS):
        first.seconds = second.seconds = 0.0
        began = time.perf_counter()
        made = sum(isinstance(news, MorphFrame) for news in session.perform(Morphing(morph, {})))
        wall = time.perf_counter() - began
        assert made == FRAMES
        ratios.append(wall / (first.seconds + second.seconds))
        each.append(wall / FRAMES)
    print(
        f"\n{FRAMES} frames of {request.size[0]} pixels, {price(morph).calls} model calls, "
        f"{torch.get_num_threads()} threads:"
    )
    print(f"  {statistics.median(each):.3f} s a frame, wall / bare calls = {statistics.median(ratios):.4f}")
