"""Predicted and measured seconds of runs that were not measured before.

`python3 run.py test -m bench -s tests/bench/test_prices.py`. The first column of figures is the price before the first
run ever, from calls that are measured in the background; the second is the price after a few other runs.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.request.calibration import BATCHES, _probe
from app.core.request.run_costs import Prices
from engine.jobs.generate import Generate, RunEnded
from engine.jobs.measure import CallMeasured, MeasureCalls
from engine.session import Session
from engine.spec.catalog import embedded_models
from engine.spec.draft import Draft, resolve
from engine.spec.edit import Inputs
from engine.spec.request import Request

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
LEARNT: tuple[dict[str, Any], ...] = (
    {"steps": 10, "enlarge": False},
    {"steps": 10, "batch": 4, "enlarge": True},
)
UNSEEN: tuple[dict[str, Any], ...] = (
    {"sampler": "ddim", "steps": 24, "guidance": 1.0, "batch": 1, "enlarge": False},
    {"sampler": "heun", "steps": 12, "guidance": 4.0, "batch": 3, "enlarge": False},
    {"sampler": "dpmpp-2m-sde", "steps": 16, "guidance": 3.0, "batch": 8, "enlarge": False},
    {"sampler": "unipc-2", "steps": 16, "guidance": 3.0, "batch": 2, "enlarge": True},
    {"sampler": "ddpm", "steps": 12, "guidance": 3.0, "method": "repaint", "jump": 4, "resample": 3, "enlarge": False},
)


def timed(session: Session, request: Request, inputs: Inputs | None, folder: Path) -> RunEnded:
    job = Generate(request=request, run_path=folder / f"{time.time_ns()}.twrun", pictures=folder, inputs=inputs)
    (ended,) = (event for event in session.perform(job) if isinstance(event, RunEnded))
    return ended


def test_prices_of_unseen_runs(tmp_path: Path) -> None:
    info = next(info for info in embedded_models() if info.id == "emoji")
    session, prices = Session("cpu"), Prices()
    rgb, mask = np.full((32, 32, 3), 200, np.uint8), np.zeros((32, 32), np.uint8)
    mask[8:24, 8:24] = 255
    edited = Inputs(rgb, mask, (0, 0, 32, 32))

    def request_for(choices: dict[str, Any]) -> tuple[Request, Inputs | None]:
        inputs = edited if "method" in choices else None
        return resolve(Draft.for_model(info, **{"seed": 7, "prompt": "red apple"} | choices), info, inputs), inputs

    for batch in BATCHES:
        probe = _probe(info, batch, True)
        (measured,) = session.perform(MeasureCalls(probe))
        assert isinstance(measured, CallMeasured)
        prices.learn_call(probe, batch, measured.seconds)
        if measured.second:
            prices.learn_second(probe, measured.second)
    unseen = [request_for(choices) for choices in UNSEEN]
    first = [prices.seconds(request) for request, _ in unseen]
    for choices in LEARNT:
        request, inputs = request_for(choices)
        ended = timed(session, request, inputs, tmp_path)
        prices.learn(request, ended.seconds, 0, ended.finishing)
    print()
    for choices, (request, inputs), before in zip(UNSEEN, unseen, first, strict=True):
        after = prices.seconds(request)
        ended = timed(session, request, inputs, tmp_path)
        took = ended.seconds + ended.finishing
        assert before is not None
        assert after is not None
        told = ", ".join(f"{name} {value}" for name, value in choices.items())
        predicted = "  ".join(f"{price:6.2f} s ({price / took - 1:+4.0%})" for price in (before, after))
        print(f"{predicted}  took {took:6.2f} s: {told}")
