"""What the engine adds to the bare net calls: `python3 run.py test -m bench -s tests/bench/test_engine.py`."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest

from engine.run import run
from engine.session import Session
from engine.spec.catalog import embedded_models
from engine.spec.draft import Draft, resolve

pytestmark = pytest.mark.bench
ROUNDS = 15


@pytest.mark.parametrize("batch", [1, 4])
def test_overhead_of_the_loop_and_of_the_run_file(batch: int, tmp_path: Path) -> None:
    """(wall − Σ net)/Σ net within one run, for the bare loop and with every step written to the run file."""
    info = next(info for info in embedded_models() if info.id == "emoji")
    session = Session("cpu")
    request = resolve(Draft.for_model(info, prompt="red apple", batch=batch), info)
    loop, filed, seconds = [], [], []
    list(session.generate(request))  # warm
    for k in range(ROUNDS):
        planned = session.plan(request)
        began = time.perf_counter()
        for _ in run(planned.denoiser, planned.path, planned.rule, planned.x, planned.noise):
            pass
        loop.append((time.perf_counter() - began) / planned.meter.seconds - 1)

        planned = session.plan(request)
        session.plan = lambda *_, planned=planned: planned  # type: ignore[method-assign]
        began = time.perf_counter()
        for _ in session.generate(request, tmp_path / f"{k}.twrun"):
            pass
        seconds.append(time.perf_counter() - began)
        filed.append(seconds[-1] / planned.meter.seconds - 1)
        del session.plan
    print(f"\nbatch {batch}: {statistics.median(seconds):.2f} s a run of {request.steps} guided steps")
    print(f"  loop alone     (wall − Σ net)/Σ net = {statistics.median(loop):.4f}")
    print(f"  with run file  (wall − Σ net)/Σ net = {statistics.median(filed):.4f}")
