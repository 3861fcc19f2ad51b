"""Calls are measured in the background once, so that the first run has a price; what was measured is not again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytestqt.qtbot import QtBot

from app.core.flow.solve_costs import Calls, SolveCosts
from app.core.request.calibration import Calibration
from engine.jobs.measure import CallMeasured, MeasureCalls
from engine.spec.catalog import ModelInfo
from tests.app.conftest import Parts
from tests.fakes.engine import FakeEngine


def test_the_first_run_has_a_price(make_parts: Callable[..., Parts], model: ModelInfo, qtbot: QtBot) -> None:
    fake, asked = FakeEngine(), list[MeasureCalls]()

    def measured(job: MeasureCalls) -> list[CallMeasured]:
        asked.append(job)
        return [CallMeasured(0.1 + 0.05 * len(job.request.seeds))]

    fake.answers[MeasureCalls] = measured
    parts = make_parts(fake, ready=False)
    document = parts.document
    Calibration(document.draft, document.prices, parts.engine, document)
    assert document.draft.price_text == ""
    with qtbot.waitSignals([document.prices.changed] * 3):
        parts.engine.start(model)
    assert [(len(job.request.seeds), job.request.guidance) for job in asked] == [(1, 1.0), (4, 1.0)]
    document.draft.update(steps=5, guidance=3.0, batch=3)
    assert document.draft.price_text == "≈ 2.0 s", "5 calls of 6 rows: 5 · (0.1 + 6 · 0.05)"
    document.draft.update(steps=6)
    assert len(asked) == 2


def test_calls_of_a_solve_are_typical_at_first_and_measured_after_a_restart(tmp_path: Path) -> None:
    path, costs = tmp_path / "solves.json", SolveCosts()
    costs.keep_in(path)
    assert costs.calls("up", "a", 1e-4) == Calls(91, False)
    costs.learn("up", "a", 1e-3, 40)
    again = SolveCosts()
    again.keep_in(path)
    assert again.calls("up", "a", 1e-3) == Calls(40, True)
    assert again.calls("up", "a", 1e-6) == Calls(400, True)
    path.write_bytes(path.read_bytes()[:-5])
    again = SolveCosts()
    again.keep_in(path)
    assert not again.calls("up", "a", 1e-3).measured
