"""Cost of a guide in unguided calls of its model, timed in turn: other load on the machine slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch

from engine.session import Session
from engine.spec.catalog import find
from engine.spec.cost import work
from engine.spec.draft import Draft, resolve
from engine.spec.guide_models import classifiers, clips
from engine.spec.guides import Aim, ClassGuide, ClipGuide, Guide

pytestmark = pytest.mark.bench
ROUNDS = 9
SIGMA = 1.0


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    if not any(info.id == "emoji-clip" for info in clips()):
        pytest.skip("there is no CLIP in the box")
    threads = torch.get_num_threads()
    yield Session("cpu")
    torch.set_num_threads(threads)


def seconds(f: Callable[[], object]) -> float:
    began = time.perf_counter()
    f()
    return time.perf_counter() - began


def guides() -> dict[str, Guide]:
    clip = ClipGuide(clip="emoji-clip", aims=(Aim("red apple"),))
    some: dict[str, Guide] = {
        f"CLIP, {clip.cutouts} views (default)": clip,
        "CLIP, 1 view": replace(clip, cutouts=1),
        "CLIP, 16 views": replace(clip, cutouts=16),
    }
    for info in classifiers():
        if info.model == "emoji":
            some["classifier on x_t"] = ClassGuide(classifier=info.id, label=info.labels[0])
    return some


@pytest.mark.parametrize("batch", [1, 8])
def test_one_guided_step_in_unguided_calls(batch: int, session: Session) -> None:
    info = find("emoji")
    draft = Draft.for_model(info, batch=batch, seed=1, guidance=1.0, enlarge=False)
    plain = resolve(draft, info)
    plan = session.plan(plain)
    x = plan.x / plain.sigmas[0]
    print(f"\n{batch} picture{'s' if batch > 1 else ''}, {torch.get_num_threads()} threads, unguided call = 1:")
    for name, guide in guides().items():
        request = replace(plain, guides=(guide,))
        guided, saving = session.plan(request), session.plan(request)
        saving.meter.save = True
        ratios, saved = [], []
        with torch.no_grad():
            for k in range(ROUNDS + 1):
                one = seconds(lambda: plan.denoiser(x, SIGMA))
                two = seconds(lambda guided=guided: guided.denoiser(x, SIGMA))  # type: ignore[misc]
                three = seconds(lambda saving=saving: saving.denoiser(x, SIGMA))  # type: ignore[misc]
                if k >= 1:
                    ratios.append(two / one)
                    saved.append(three / one)
        priced = work(request)[0]
        print(
            f"  {name}: {statistics.median(ratios):.2f} (priced {priced:.2f}; {min(ratios):.2f}–{max(ratios):.2f}), "
            f"saving memory {statistics.median(saved):.2f}; gradients keep {guided.price.graph_bytes / 2**20:.0f} MiB"
        )
        assert ratios
