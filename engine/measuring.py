"""The doer of engine.jobs.measure."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.jobs.measure import CallMeasured
from engine.spec.cost import enlargement_passes

if TYPE_CHECKING:
    from engine.jobs.job import Caller, Event
    from engine.jobs.measure import MeasureCalls
    from engine.session import Session


def measure_calls(job: MeasureCalls, session: Session, caller: Caller) -> Iterator[Event]:
    request, times = job.request, list[float]()
    x, began = None, 0.0
    for step in session.generate(request, None, caller.cancelled):
        now = caller.clock()
        if x is not None:  # the first call warms the device up
            times.append(now - began)
        x, began = step.move.x, caller.clock()
    assert x is not None
    second = 0.0
    if calls := enlargement_passes(request):
        began = caller.clock()
        session.picture(replace(request, seeds=request.seeds[:1]), x[:1], caller.cancelled)
        second = (caller.clock() - began) / calls
    if times:
        yield CallMeasured(statistics.median(times), second)
