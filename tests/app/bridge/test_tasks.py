"""Tasks: told in order, ended once, cancelled between model calls; what is urgent waits for nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from app.bridge.client import EngineClient
from app.core.jobs.engine import CANCELLED, FINISHED, End, Engine, Task
from engine.jobs.generate import Generate, PictureSaved
from engine.jobs.job import KINDS, Event, Job
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.request import Request, RequestError
from tests.app.conftest import Parts
from tests.fakes.engine import FakeEngine

Make = Callable[..., Request]


@dataclass(frozen=True)
class Number(Event):
    n: int


@dataclass(frozen=True)
class Latest(Event):
    n: int

    latest: ClassVar[bool] = True


@dataclass(frozen=True)
class Count(Job):
    """Tells 0 … upto − 1, and fails there with `error`."""

    kind: ClassVar[str] = "count"

    upto: int
    error: str = ""


@dataclass(frozen=True)
class Save(Count):
    """The same, done even when the studio closes."""

    finishes: ClassVar[bool] = True


def counted(job: Count) -> Iterator[Event]:
    yield from map(Number, range(job.upto))
    if job.error:
        raise RequestError(job.error)


def count(job: Count, session: object, caller: object) -> Iterator[Event]:
    """The doer of Count."""
    return counted(job)


class Heard:
    """All that tasks tell, in the order of its arrival, and how they end."""

    def __init__(self) -> None:
        self.arrived: list[tuple[Task, int]] = []
        self.ends: list[tuple[Task, End]] = []

    def do(self, engine: Engine, job: Job, urgent: bool = False, slot: str = "") -> Task:
        task = engine.do(job, urgent, slot)
        task.told.connect(lambda events: self.arrived.extend((task, e.n) for e in events if isinstance(e, Number)))
        task.ended.connect(lambda end: self.ends.append((task, end)))
        return task

    def numbers(self, task: Task) -> list[int]:
        return [n for of, n in self.arrived if of is task]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def by_hand() -> FakeEngine:
    fake = FakeEngine(by_hand=True)
    fake.answers |= {Count: counted, Save: counted}
    return fake


@pytest.fixture
def engine(hand_parts: Parts) -> EngineClient:
    return hand_parts.engine


def run_of(request: Request, tmp_path: Path) -> Generate:
    return Generate(request=request, run_path=tmp_path / "1.twrun", pictures=tmp_path / "pictures")


def test_events_come_in_order_and_then_the_end(
    engine: EngineClient, by_hand: FakeEngine, heard: Heard, qtbot: QtBot
) -> None:
    first, second = heard.do(engine, Count(3)), heard.do(engine, Count(1))
    by_hand.allow(4)
    qtbot.waitUntil(lambda: len(heard.ends) == 2)
    assert heard.arrived == [(first, 0), (first, 1), (first, 2), (second, 0)]
    assert heard.ends == [(first, FINISHED), (second, FINISHED)]
    assert first.end == FINISHED


def test_what_fails_says_why_and_the_next_is_done(
    engine: EngineClient, by_hand: FakeEngine, heard: Heard, qtbot: QtBot
) -> None:
    first, second = heard.do(engine, Count(1, "The picture is not there.")), heard.do(engine, Count(1))
    by_hand.allow(2)
    qtbot.waitUntil(lambda: len(heard.ends) == 2)
    assert heard.ends == [(first, End("failed", "The picture is not there.")), (second, FINISHED)]
    assert heard.arrived == [(first, 0), (second, 0)]


def test_a_cancelled_task_ends_before_its_next_model_call_without_complaint(
    engine: EngineClient, by_hand: FakeEngine, heard: Heard, qtbot: QtBot
) -> None:
    task = heard.do(engine, Count(5))
    by_hand.allow(2)
    qtbot.waitUntil(lambda: len(heard.arrived) == 2)
    task.cancel()
    assert task.cancelling
    task.cancel()
    qtbot.waitUntil(lambda: bool(heard.ends))
    task.cancel()
    assert heard.ends == [(task, CANCELLED)]
    assert heard.numbers(task) == [0, 1]


def test_a_task_cancelled_before_it_begins_ends_at_once(
    engine: EngineClient, by_hand: FakeEngine, heard: Heard, qtbot: QtBot
) -> None:
    first, second = heard.do(engine, Count(1)), heard.do(engine, Count(1))
    second.cancel()
    qtbot.waitUntil(lambda: heard.ends == [(second, CANCELLED)])  # while the first still goes on
    by_hand.allow(1)
    qtbot.waitUntil(lambda: len(heard.ends) == 2)
    assert by_hand.jobs == [Count(1)]
    assert heard.arrived == [(first, 0)]


def test_a_dropped_task_is_cancelled_and_heard_no_more(
    engine: EngineClient, by_hand: FakeEngine, heard: Heard, qtbot: QtBot
) -> None:
    dropped = heard.do(engine, Count(5))
    by_hand.allow(1)
    qtbot.waitUntil(lambda: len(heard.arrived) == 1)
    dropped.drop()
    other = heard.do(engine, Count(1))
    by_hand.allow(2)  # the dropped one may have taken one already
    qtbot.waitUntil(lambda: heard.ends == [(other, FINISHED)])
    assert heard.numbers(dropped) == [0]


def test_a_job_takes_the_place_of_one_with_the_same_slot_whether_or_not_it_began(
    engine: EngineClient, by_hand: FakeEngine, heard: Heard, qtbot: QtBot
) -> None:
    going = heard.do(engine, Count(9), slot="fields")
    by_hand.allow(1)
    qtbot.waitUntil(lambda: len(heard.arrived) == 1)
    waiting = heard.do(engine, Count(9), slot="fields")
    elsewhere = heard.do(engine, Count(1), slot="other")
    last = heard.do(engine, Count(1), slot="fields")
    qtbot.waitUntil(lambda: len(heard.ends) == 2)
    by_hand.allow(2)
    qtbot.waitUntil(lambda: len(heard.ends) == 4)
    assert dict(heard.ends) == {going: CANCELLED, waiting: CANCELLED, elsewhere: FINISHED, last: FINISHED}
    assert heard.numbers(waiting) == []


def test_a_run_does_not_wait_for_a_job_in_the_background(
    engine: EngineClient, by_hand: FakeEngine, heard: Heard, request_of: Make, tmp_path: Path, qtbot: QtBot
) -> None:
    task = heard.do(engine, Count(3))
    by_hand.allow(1)
    qtbot.waitUntil(lambda: len(heard.arrived) == 1)
    run = heard.do(engine, run_of(request_of(steps=2), tmp_path))
    qtbot.waitUntil(lambda: bool(by_hand.requests))  # begun, in the midst of the other
    by_hand.allow(2)
    qtbot.waitUntil(lambda: heard.ends == [(run, FINISHED)])
    assert heard.numbers(task) == [0], "the other stands where it was"
    by_hand.allow(2)
    qtbot.waitUntil(lambda: len(heard.ends) == 2)
    assert heard.numbers(task) == [0, 1, 2]


def test_an_urgent_job_does_not_wait_for_a_run_and_its_time_is_not_the_runs(
    engine: EngineClient, by_hand: FakeEngine, heard: Heard, request_of: Make, tmp_path: Path, qtbot: QtBot
) -> None:
    run = heard.do(engine, run_of(request_of(steps=3), tmp_path))
    by_hand.allow(1)
    qtbot.waitUntil(lambda: by_hand.calls == 1)
    urgent, slow = heard.do(engine, Count(1), urgent=True), heard.do(engine, Count(1))
    by_hand.allow(2)  # a step of the run, and the only call of the urgent one
    qtbot.waitUntil(lambda: heard.ends == [(urgent, FINISHED)])
    by_hand.allow(2)
    qtbot.waitUntil(lambda: len(heard.ends) == 3)
    assert heard.ends[1:] == [(run, FINISHED), (slow, FINISHED)]


def test_urgent_jobs_take_turns_an_event_at_a_time(
    by_hand: FakeEngine, heard: Heard, model: ModelInfo, qtbot: QtBot
) -> None:
    engine = EngineClient(by_hand)
    long, short = heard.do(engine, Count(3), urgent=True), heard.do(engine, Count(1), urgent=True)
    by_hand.allow(4)
    engine.start(model)
    qtbot.waitUntil(lambda: len(heard.ends) == 2)
    assert heard.arrived[:2] == [(long, 0), (short, 0)]
    assert heard.numbers(long) == [0, 1, 2]
    engine.close()


def test_an_urgent_job_during_a_run_does_not_change_its_picture(
    engine: EngineClient, by_hand: FakeEngine, heard: Heard, request_of: Make, tmp_path: Path, qtbot: QtBot
) -> None:
    run = heard.do(engine, run_of(request_of(steps=3), tmp_path))
    saved: list[Event] = []
    run.told.connect(lambda events: saved.extend(e for e in events if isinstance(e, PictureSaved)))
    heard.do(engine, Count(1), urgent=True)
    by_hand.allow(4)
    qtbot.waitUntil(lambda: len(heard.ends) == 2)
    assert (run, FINISHED) in heard.ends
    assert len(saved) == 1


def test_of_live_events_the_latest_arrives_and_a_slow_window_gets_no_backlog(qtbot: QtBot) -> None:
    fake = FakeEngine()
    fake.answers[Count] = lambda job: map(Latest, range(job.upto))
    engine = EngineClient(fake, on_demand=True)
    received: list[Event] = []
    task = engine.do(Count(5000))
    task.told.connect(received.extend)
    with qtbot.waitSignal(task.ended):
        pass
    engine.close()
    assert received[-1] == Latest(4999)
    assert len(received) < 5000


def test_a_live_number_reaches_a_job_that_goes_on(qtbot: QtBot) -> None:
    seen: list[float] = []

    class Live(FakeEngine):
        def perform(self, job: Job, cancelled: Callable[[], bool], **more: object) -> Iterator[Event]:  # type: ignore[override]
            live = more["live"]
            assert isinstance(live, dict)
            while not cancelled():
                seen.append(live.get("sigma", 1.0))
                yield Latest(len(seen))

    engine = EngineClient(Live(), on_demand=True)
    task = engine.do(Count(1))
    qtbot.waitUntil(lambda: bool(seen))
    task.set_live("sigma", 0.25)
    qtbot.waitUntil(lambda: seen[-1] == 0.25)
    assert seen[0] == 1.0
    engine.close()


def test_closing_ends_every_task_once(
    make_parts: Callable[..., Parts], by_hand: FakeEngine, heard: Heard, qtbot: QtBot
) -> None:
    parts = make_parts(by_hand)
    going, waiting = heard.do(parts.engine, Count(9)), heard.do(parts.engine, Count(9))
    parts.fake.allow(1)
    qtbot.waitUntil(lambda: len(heard.arrived) == 1)
    parts.engine.close()
    assert dict(heard.ends) == {going: CANCELLED, waiting: CANCELLED}
    assert len(heard.ends) == 2
    late = heard.do(parts.engine, Count(1))  # nothing begins any more
    qtbot.waitUntil(lambda: heard.ends[-1] == (late, CANCELLED))
    assert by_hand.jobs == [Count(9)]


def test_what_must_be_done_is_done_before_the_thread_ends(by_hand: FakeEngine, heard: Heard, qtbot: QtBot) -> None:
    engine = EngineClient(by_hand, on_demand=True)
    going = heard.do(engine, Count(9))
    by_hand.allow(1)
    qtbot.waitUntil(lambda: len(heard.arrived) == 1)
    saves = [heard.do(engine, Save(1), urgent=True), heard.do(engine, Save(1))]
    by_hand.allow(11)  # of which the first may take some before it is cancelled
    engine.close()
    assert dict(heard.ends) == {going: CANCELLED, saves[0]: FINISHED, saves[1]: FINISHED}
    assert [heard.numbers(save) for save in saves] == [[0], [0]]


def test_a_task_submitted_before_the_engine_is_ready_is_done_later(
    by_hand: FakeEngine, heard: Heard, model: ModelInfo, qtbot: QtBot
) -> None:
    engine = EngineClient(by_hand)
    task = heard.do(engine, Count(1))
    by_hand.allow(1)
    engine.start(model)
    qtbot.waitUntil(lambda: bool(heard.ends))
    assert heard.ends == [(task, FINISHED)]
    engine.close()


def test_on_demand_the_thread_begins_with_the_first_job(by_hand: FakeEngine, heard: Heard, qtbot: QtBot) -> None:
    engine = EngineClient(by_hand, on_demand=True, name="lab")
    assert engine.findChildren(QThread) == []
    task = heard.do(engine, Count(1))
    assert [thread.objectName() for thread in engine.findChildren(QThread)] == ["lab"]
    by_hand.allow(1)
    qtbot.waitUntil(lambda: heard.ends == [(task, FINISHED)])
    engine.close()
    engine.close()


def test_every_task_fails_with_the_reason_if_the_engine_cannot_start(
    by_hand: FakeEngine, heard: Heard, model: ModelInfo, qtbot: QtBot
) -> None:
    by_hand.open_error = RequestError("There is no device: plug one in.")
    engine = EngineClient(by_hand)
    engine.start(model)
    for urgent in (False, True):
        heard.do(engine, Count(1), urgent)
    qtbot.waitUntil(lambda: len(heard.ends) == 2)
    assert {end for _, end in heard.ends} == {
        End("failed", "The engine cannot start: There is no device: plug one in.")
    }
    engine.close()


def test_the_session_calls_the_doer_of_each_kind_of_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "count", (f"{__name__}:Count", f"{__name__}:count"))
    assert list(Session("cpu", []).perform(Count(3))) == [Number(0), Number(1), Number(2)]


def test_all_jobs_of_a_client_are_done_in_one_other_thread(qtbot: QtBot) -> None:
    seen: set[int] = set()

    class Watched(FakeEngine):
        def perform(self, job: Job, *args: Any, **more: Any) -> Iterator[Event]:
            seen.add(threading.get_ident())
            return iter(())

    engine = EngineClient(Watched(), on_demand=True)
    for urgent in (True, False):
        with qtbot.waitSignal(engine.do(Count(1), urgent).ended):
            pass
    engine.close()
    assert len(seen) == 1
    assert threading.get_ident() not in seen
